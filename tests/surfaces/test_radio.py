"""A radio never repeats itself, and learns from skips while it plays."""

from dataclasses import replace

import numpy as np
import pytest

from palate.retrieval.query import Query
from palate.surfaces.screens.radio import RADIO, tuned
from palate.surfaces.sitting import Sitting, away_from_skipped

from .planted import Planted, planted

SONG_SECONDS = 200.0


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


def after(world: Planted, query: Query, row: int, skip: bool, seconds: float = SONG_SECONDS) -> Query:
    """The same listener, having heard or skipped an item."""
    record = query.record.copy()
    kind, vector = int(world.stock.columns.kind[row]), world.stock.listened[row]
    record.add(row, kind, vector, query.now, 0.0 if skip else 1.0, skip)
    return replace(query, record=record, now=query.now + seconds)


def asked(world: Planted, query: Query, n: int) -> list[int]:
    return world.path.rank(RADIO, tuned(query, world.stock), n).candidates.items.tolist()


@pytest.mark.slow
def test_five_hundred_answers_in_a_row_repeat_nothing(world: Planted) -> None:
    query, played = world.query(world.listeners(least_events=50)[0], (5,)), list[int]()
    for turn in range(500):
        (row,) = asked(world, query, 1)
        played.append(row)
        query = after(world, query, row, skip=turn % 7 == 3)
    assert len(set(played)) == 500
    assert world.stock.columns.available[played].all()


@pytest.mark.slow
def test_who_records_nothing_and_excludes_what_was_played_hears_nothing_twice(world: Planted) -> None:
    played: list[int] = []
    while len(played) < 500:
        found = asked(world, replace(world.stranger((9,)), exclude=np.array(played, np.int32)), 20)
        assert len(found) == 20
        played += found
    assert len(set(played)) == len(played)


def test_the_share_of_a_skipped_genre_falls_within_three_skips(world: Planted) -> None:
    before, afterwards = [], []
    for user in world.listeners(least_events=50)[:40]:
        query = world.query(user)
        query = replace(query, now=query.now + 86_400.0)
        found = asked(world, query, 20)
        genre = int(np.bincount(world.genre[found][world.genre[found] >= 0]).argmax())
        before.append(float((world.genre[found] == genre).mean()))
        for _ in range(3):
            row = next((one for one in asked(world, query, 20) if world.genre[one] == genre), None)
            query = query if row is None else after(world, query, row, skip=True, seconds=10.0)
        afterwards.append(float((world.genre[asked(world, query, 20)] == genre).mean()))
    assert np.mean(before) > 0.3
    assert np.mean(afterwards) < 0.5 * np.mean(before)
    assert (np.array(afterwards) <= np.array(before)).mean() > 0.9


def test_a_skipped_artist_is_pushed_away(world: Planted) -> None:
    artist = world.stock.columns.artist
    row = int(next(row for row in world.stock.popular if (artist == artist[row]).sum() > 2 and artist[row] >= 0))
    query = after(world, world.query(world.listeners(least_events=50)[0]), row, skip=True)
    sitting = Sitting.of(query, world.stock)
    assert row in sitting.skipped
    same = np.flatnonzero(artist == artist[row]).astype(np.int32)
    assert (away_from_skipped(same, sitting, world.stock) >= 1.0).all()


def test_what_is_played_pulls(world: Planted) -> None:
    closer = []
    for user in world.listeners(least_events=50)[:20]:
        query = world.query(user, (int(world.stock.popular[0]),))
        played = int(world.stock.popular[30 + user % 20])
        heard = after(world, query, played, skip=False)
        alike = [
            float((world.stock.directions[asked(world, one, 20)] @ world.stock.directions[played]).mean())
            for one in (query, heard)
        ]
        closer.append(alike[1] - alike[0])
    assert np.mean(closer) > 0.05


def test_a_sitting_reaches_back_to_the_first_pause(world: Planted) -> None:
    query = replace(world.stranger(), now=1_000_000.0)
    for row, gap in ((1, 3_700.0), (2, 1_800.0), (3, 18_000.0)):
        query = after(world, query, row, skip=False, seconds=gap)
    assert Sitting.of(query, world.stock).met.tolist() == []  # five hours of silence: nothing is under way
    query = replace(query, now=query.now - 17_000.0)
    assert Sitting.of(query, world.stock).met.tolist() == [3, 2, 1]  # all within four hours
    long = world.stranger()
    for row in range(10, 110):
        long = after(world, long, row, skip=False)
    assert len(Sitting.of(long, world.stock).met) == 100  # five and a half hours without a pause


def test_a_skip_after_a_play_counts_as_a_skip_and_a_play_after_a_skip_as_a_play(world: Planted) -> None:
    query = world.stranger()
    for row, skip in ((1, False), (1, True), (2, True), (2, False)):
        query = after(world, query, row, skip, seconds=60.0)
    sitting = Sitting.of(query, world.stock)
    assert (sitting.played.tolist(), sitting.skipped.tolist()) == ([2], [1])


def test_a_stranger_without_a_seed_hears_what_is_popular(world: Planted) -> None:
    assert set(asked(world, world.stranger(), 10)) <= set(world.stock.popular[:100].tolist())
