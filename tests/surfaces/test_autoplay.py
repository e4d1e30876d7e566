"""What comes next: of a planted sitting, with nothing that was in it."""

from dataclasses import replace

import numpy as np
import pytest

from palate.retrieval.query import Query
from palate.surfaces.company import kept_company, near_all, own_plays
from palate.surfaces.screens.autoplay import AUTOPLAY, following

from .planted import Planted, planted

NOTHING = np.zeros(0, np.int32)


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


def asked(world: Planted, query: Query, n: int = 10) -> list[int]:
    return world.path.rank(AUTOPLAY, following(query, world.stock), n).candidates.items.tolist()


def test_what_follows_is_of_the_sequence_and_not_in_it(world: Planted) -> None:
    same = []
    for user in world.listeners(least_events=50)[:10]:
        for genre in (0, 2, 5):
            there = np.flatnonzero((world.genre == genre) & (world.stock.trends.ever >= 5)).astype(np.int32)
            sequence = there[np.argsort(-world.stock.trends.ever[there], kind="stable")[:5]]
            found = asked(world, world.query(user, tuple(sequence.tolist())))
            assert len(found) == len(set(found)) == 10
            assert not set(found) & set(sequence.tolist())
            same.append(float((world.genre[found] == genre).mean()))
    assert np.mean(same) > 3 * max(float((world.genre == genre).mean()) for genre in (0, 2, 5))


def test_the_latest_of_a_sequence_says_most(world: Planted) -> None:
    first, last = [], []
    rows = [int(np.argmax(np.where(world.genre == genre, world.stock.trends.ever, -1))) for genre in range(6)]
    for one in rows:
        for other in rows:
            if one != other:
                found = world.genre[asked(world, world.stranger((one, other)))]
                first.append(float((found == world.genre[one]).mean()))
                last.append(float((found == world.genre[other]).mean()))
    assert np.mean(first) > np.mean(last)


def test_without_a_sequence_the_sitting_is_the_sequence(world: Planted) -> None:
    user = world.listeners(least_events=50)[0]
    query = world.query(user)
    record, now = query.record.copy(), query.now + 86_400.0
    for row in (3, 5, 9):
        record.add(row, int(world.stock.columns.kind[row]), world.stock.listened[row], now, 1.0, False)
        now += 200.0
    query = replace(query, record=record, now=now)
    assert following(query, world.stock).seeds.tolist() == [9, 5, 3]
    assert not {3, 5, 9} & set(asked(world, query, 100))
    assert asked(world, query) == asked(world, query)
    assert following(replace(query, now=now + 864_000.0), world.stock).seeds[:3].tolist() == [9, 5, 3]


def test_a_stranger_without_a_sequence_gets_what_is_popular(world: Planted) -> None:
    assert set(asked(world, world.stranger())) <= set(world.stock.popular[:100].tolist())


def test_company_of_a_list_is_what_loops_add_up(world: Planted) -> None:
    anchors, company = np.array([4, 60, 7], np.int32), world.stock.company
    rows = np.arange(800, dtype=np.int32)
    found = kept_company(rows, anchors, world.stranger(), world.stock, 0.5)
    counted = np.zeros(800)
    for place, anchor in enumerate(anchors.tolist()):
        for item, score in zip(company.items[anchor].tolist(), company.scores[anchor].tolist(), strict=True):
            if item >= 0:
                counted[item] += score * 0.5**place
    assert np.allclose(found, counted, atol=1e-6)
    assert not kept_company(rows, NOTHING, world.stranger(), world.stock, 0.5).any()
    assert not near_all(rows, NOTHING, world.stock, 0.5).any()
    assert not own_plays(rows, world.stranger()).any()
