"""daily_mix: planted clusters are found, mixes are called after true facts, and hold what they promise."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer
from palate.surfaces.screens.daily_mix import TOO_FEW, mixed
from palate.surfaces.screens.for_you import FOR_YOU
from palate.surfaces.shelves.clusters import MOST_CLUSTERS, clusters, silhouette
from palate.surfaces.shelves.draft import Drafting
from palate.surfaces.shelves.mixes import Taste

from .counted import Counted
from .planted import Planted, planted


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


def bundle(k: int, each: int, noise: float, seed: int, dim: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """k bundles of directions around axes, and which is which."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(k), each)
    points = np.eye(dim, dtype=np.float32)[truth] + rng.normal(0, noise, (k * each, dim)).astype(np.float32)
    return points / np.linalg.norm(points, axis=1, keepdims=True), truth


@given(st.integers(2, MOST_CLUSTERS), st.integers(4, 20), st.integers(0, 1_000))
@settings(max_examples=40, deadline=None)
def test_planted_clusters_are_found_whoever_weighs_more(k: int, each: int, seed: int) -> None:
    points, truth = bundle(k, each, 0.05, seed)
    weights = np.random.default_rng(seed).uniform(0.1, 5.0, len(points))
    labels = clusters(points, weights)
    assert len({(one, other) for one, other in zip(labels.tolist(), truth.tolist(), strict=True)}) == k
    totals = np.bincount(labels, weights)
    assert (np.diff(totals) <= 0).all()
    shuffled = np.random.default_rng(seed + 1).permutation(len(points))
    assert (clusters(points[shuffled], weights[shuffled]) == labels[shuffled]).all()


def test_one_bundle_and_a_few_points_are_one_cluster() -> None:
    points, _ = bundle(1, 60, 0.1, 0, dim=64)
    assert not clusters(points, np.ones(60)).any()
    few, _ = bundle(3, 2, 0.01, 0)
    assert not clusters(few, np.ones(6)).any()


def test_the_silhouette_of_two_pairs() -> None:
    """Within a pair the distance is .2, between pairs 1: each point has (1 - .2) / 1."""
    distances = np.full((4, 4), 1.0, np.float32)
    distances[:2, :2] = distances[2:, 2:] = 0.2
    np.fill_diagonal(distances, 0.0)
    assert silhouette(distances, np.array([0, 0, 1, 1], np.int32)) == pytest.approx((1.0 - 0.2) / 1.0)
    assert silhouette(distances, np.zeros(4, np.int32)) == 0.0


def test_a_mix_is_sixty_percent_own_and_the_rest_is_new_and_nearest_to_it(world: Planted) -> None:
    facts, full = Counted(world), 0
    for user in world.listeners(least_events=40)[:40]:
        query = world.query(user)
        taste = Taste.of(Drafting(world.path, query, 50, FOR_YOU))
        found = mixed(world.path, query, "u", 10 * max(len(taste.centres), 1))
        for shelf in found.shelves:
            own = [item for item in shelf.items if (user, world.row_of[item.item_id]) in facts.plays]
            mine = {label for row, label in zip(taste.rows, taste.labels, strict=True) if row in _rows(world, own)}
            new = _rows(world, [item for item in shelf.items if item not in own])
            closest = np.argmax(world.stock.directions[new] @ taste.centres.T, axis=1)
            assert set(closest.tolist()) | mine == mine, "one cluster, and what is nearest to it"
            full += (len(own), len(new)) == (6, 4)
    assert full > 20


def _rows(world: Planted, items: list) -> list[int]:
    return [world.row_of[item.item_id] for item in items]


def test_a_mix_is_called_after_what_is_played_in_it(world: Planted) -> None:
    facts, columns, seen = Counted(world), world.stock.columns, 0
    for user in world.listeners(least_events=20):
        titles = []
        for shelf in mixed(world.path, world.query(user), "u", 60).shelves:
            titles.append(shelf.title)
            for told in (one for one in shelf.evidence if one["type"] == "artist"):
                code = columns.artists.index(told["artist"])
                rows = np.flatnonzero(columns.artist == code).tolist()
                assert told["plays"] == sum(len(facts.plays.get((user, row), ())) for row in rows) > 0
                assert told["artist"] in shelf.title
                seen += 1
        assert len(set(titles)) == len(titles)
    assert seen > 100


def test_the_hour_does_not_move_it(world: Planted) -> None:
    query = world.query(world.listeners(least_events=50)[0])
    morning = float(np.ceil(query.now / DAY_SECONDS) * DAY_SECONDS) + 3_600.0
    early, late = (mixed(world.path, replace(query, now=morning + h * 3_600.0), "u", 40) for h in (0, 20))
    assert [item.item_id for item in early.items] == [item.item_id for item in late.items]


def test_who_played_nothing_is_told_so(live: LiveHome) -> None:
    found = answer(live, "daily_mix", Ask("nobody"))
    assert (found.items, found.note, found.stranger) == ([], TOO_FEW, True)


def test_a_listener_of_the_live_home(live: LiveHome) -> None:
    users = list(live.store.users(live.space.label))[:50]
    found = [one for one in (answer(live, "daily_mix", Ask(user, 30)) for user in users) if one.shelves]
    assert len(found) > 10
    assert {item.kind for one in found for item in one.items} == {"track"}


def test_what_has_no_artist_is_called_after_its_genres_or_its_first_track(world: Planted) -> None:
    nobody = np.full(len(world.world.items), -1, np.int32)
    query = world.query(world.listeners(least_events=50)[0])
    for columns, kind in (
        (replace(world.stock.columns, artist=nobody), "genre"),
        (replace(world.stock.columns, artist=nobody, genre=nobody), "listen"),
    ):
        path = replace(world.path, stock=replace(world.stock, columns=columns))
        shelf = mixed(path, query, "u", 20).shelves[0]
        assert {told["type"] for told in shelf.evidence} == {kind}
        assert shelf.title
