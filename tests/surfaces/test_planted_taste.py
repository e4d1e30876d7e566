"""The simulated world knows what everybody likes; what is recommended there can be measured against it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.embeddings.bulk import build_records
from palate.retrieval.query import Query
from palate.surfaces.screens.for_you import FOR_YOU, FOR_YOU_UNHEARD
from palate.surfaces.screens.radio import RADIO
from palate.surfaces.screens.similar import SIMILAR

from .planted import Planted, planted

N = 10


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


def liking(world: Planted, user: int, items: NDArray[np.int32]) -> float:
    """The mean planted affinity, 0..1, of a listener at the end of the world."""
    return float(world.truth.affinity(user, items, world.now).mean())


def genres(world: Planted, items: NDArray[np.int32]) -> NDArray[np.int64]:
    """(n,) the planted genre of each item's main topic."""
    found: NDArray[np.int64] = world.truth.topic_genre[world.truth.topic[items].argmax(axis=1)]
    return found


def test_what_is_new_to_a_listener_is_liked_far_more_than_what_is_popular(world: Planted) -> None:
    own, popular, best = [], [], []
    for user in world.listeners(least_events=20):
        query = world.query(user)
        heard = query.record.items[query.record.plays > 0]
        hits = world.stock.popular[~np.isin(world.stock.popular, heard)][:N]
        own.append(liking(world, user, world.path.rank(FOR_YOU_UNHEARD, query, N).candidates.items))
        popular.append(liking(world, user, hits))
        best.append(liking(world, user, world.truth.best(user, world.now, N)))
    assert len(own) > 100
    assert np.mean(own) > 2 * np.mean(popular)
    assert np.mean(np.array(own) > np.array(popular)) > 0.8
    assert np.mean(own) > 0.25 * np.mean(best)  # what could be had by somebody who knew the truth


def test_with_what_is_familiar_it_is_liked_even_more(world: Planted) -> None:
    users = world.listeners(least_events=20)
    mixed = [liking(world, user, world.path.rank(FOR_YOU, world.query(user), N).candidates.items) for user in users]
    new = [
        liking(world, user, world.path.rank(FOR_YOU_UNHEARD, world.query(user), N).candidates.items) for user in users
    ]
    assert np.mean(mixed) > np.mean(new)


def test_whoever_turned_to_a_genre_hears_it_afterwards(world: Planted) -> None:
    truth, history = world.truth, world.inputs.history
    before, after = [], []
    for user, turn, genre in zip(
        truth.turned.tolist(), truth.turn_time.tolist(), truth.turn_genre.tolist(), strict=True
    ):
        mine = history.timestamp[history.user == user]
        if (mine < turn).sum() < 20 or (mine > turn + 28 * DAY_SECONDS).sum() < 20:
            continue
        for moment, shares in ((turn, before), (world.now, after)):
            known = build_records(
                history.until(moment), world.stock.vectors, world.stock.columns.kind, np.array([user], np.int32)
            )
            ((_, record),) = known
            query = Query(record, world.trained.encoder.encode([record])[0], moment)
            found = world.path.rank(FOR_YOU, query, 20).candidates.items
            shares.append(float((genres(world, found) == genre).mean()))
    assert len(before) >= 4
    assert np.mean(before) < 0.1
    assert np.mean(after) > 0.3


def test_similar_items_share_their_genre(world: Planted) -> None:
    same, chance = [], []
    for seed in np.flatnonzero(world.stock.trends.ever >= 5).tolist():
        found = world.path.rank(SIMILAR, world.stranger((seed,)), N).candidates.items
        same.append(float((world.genre[found] == world.genre[seed]).mean()))
        chance.append(float((world.genre == world.genre[seed]).mean()))
    assert len(same) > 300
    assert np.mean(same) > 0.6
    assert np.mean(same) > 4 * np.mean(chance)


def test_a_radio_stays_near_its_seed(world: Planted) -> None:
    seeds = np.flatnonzero(world.stock.trends.ever >= 5)[::10].tolist()
    users = world.listeners(least_events=50)[:10]
    same = [
        float(
            (
                world.genre[world.path.rank(RADIO, world.query(user, (seed,)), N).candidates.items] == world.genre[seed]
            ).mean()
        )
        for seed in seeds
        for user in users
    ]
    assert np.mean(same) > 0.5


def test_whoever_hears_podcasts_gets_podcasts(world: Planted) -> None:
    users = world.listeners(least_events=20)
    shares = [
        float((world.stock.columns.kind[world.path.rank(FOR_YOU, world.query(user), 20).candidates.items] == 1).mean())
        for user in users
    ]
    assert np.corrcoef(world.truth.kind_mix[users, 1], shares)[0, 1] > 0.5
