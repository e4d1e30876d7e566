"""Two listeners in one list: the same whoever asks, and counted right."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from palate.core.errors import BadInput
from palate.core.listens import Event
from palate.surfaces.ask import Ask
from palate.surfaces.screens.blend import Blend, Member, listed, listeners, match_percent, times

from .planted import Planted, planted

NOTHING = np.zeros(0, np.int32)


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


@pytest.fixture(scope="module")
def members(world: Planted) -> list[Member]:
    users = world.listeners(least_events=30)[:12]
    return [Member(world.inputs.history.users[user], world.query(user), world.stock) for user in users]


def blend(world: Planted, members: list[Member], taken: tuple[int, ...] = ()) -> Blend:
    ordered = sorted(members, key=lambda one: one.user_id)
    queries = [replace(one.query, exclude=np.array(taken, np.int32)) for one in ordered]
    return Blend(ordered, queries, world.stock, world.path.labels)


def test_how_well_two_match_is_the_same_both_ways(members: list[Member]) -> None:
    for one, other in pairwise(members):
        assert match_percent(one, other) == match_percent(other, one)
        assert 0 <= match_percent(one, other) <= 100
        assert match_percent(one, one) == 100


def test_somebody_of_the_same_taste_matches_better_than_others(world: Planted, members: list[Member]) -> None:
    """Half of what one hears, as a listener of their own."""
    one = members[0]
    record = one.record.copy()
    for name in ("items", "weights", "plays", "skips", "last", "heard", "heard_last"):
        setattr(record, name, getattr(record, name)[::2])
    half = Member("half", replace(one.query, record=record), world.stock)
    assert match_percent(one, half) == 100
    assert max(match_percent(one, other) for other in members[1:]) < 100


def test_what_both_play_is_the_intersection(world: Planted, members: list[Member]) -> None:
    found = 0
    for one, other in pairwise(members):
        both = blend(world, [one, other])
        mine, theirs = ({row for row in who.played.tolist() if row % 20} for who in (one, other))
        assert set(both.shared().tolist()) == mine & theirs
        assert set(both.bridges().tolist()) == mine ^ theirs
        found += len(mine & theirs)
    assert found > 10


def test_the_first_that_both_play_is_the_one_of_the_greatest_smallest_share(
    world: Planted, members: list[Member]
) -> None:
    for one, other in pairwise(members):
        shared = blend(world, [one, other]).shared().tolist()
        shares = [min(one.weights(np.array([r]))[0], other.weights(np.array([r]))[0]) for r in shared]
        assert shares == sorted(shares, reverse=True)


def test_every_count_in_a_sentence_is_that_of_the_record(world: Planted, members: list[Member]) -> None:
    three, told = blend(world, members[:3]), 0
    by_name = {one.user_id: one for one in members[:3]}
    for shelf in three.shelves(20):
        for item in shelf.items:
            for one in (one for one in item.evidence if one["type"] == "shared"):
                for user, plays in one["plays"].items():
                    assert plays == by_name[user].plays(world.row_of[one["item_id"]]) > 0
                    assert f"{user} {times(plays)}" in item.reason or f"{user} played {times(plays)}" in item.reason
                    told += 1
    assert told > 20


def test_nothing_comes_twice_nor_what_anybody_hid_or_excluded(world: Planted, members: list[Member]) -> None:
    one, other = members[0], members[1]
    taken, hid = int(one.played[1]), int(one.played[2])
    record = other.record.copy()
    record.mark(hid, Event.HIDE, world.now)
    hiding = Member(other.user_id, replace(other.query, record=record), world.stock)
    items = [item.item_id for shelf in blend(world, [one, hiding], (taken,)).shelves(1_000) for item in shelf.items]
    rows = {world.row_of[item] for item in items}
    assert len(rows) == len(items) > 20
    assert not rows & {taken, hid}
    assert all(row % 20 for row in rows)


def test_one_alone_is_what_they_play_most(world: Planted, members: list[Member]) -> None:
    alone = blend(world, members[:1])
    assert (alone.matches(), len(alone.shared())) == ([], 0)
    weights = members[0].weights(alone.bridges()).tolist()
    assert weights == sorted(weights, reverse=True)


def test_a_blend_needs_two() -> None:
    assert listeners(Ask("b", others=("a", "b"))) == ["a", "b"]
    for ask in (Ask("a", others=("a",)), Ask("a"), Ask(None, others=("a",))):
        with pytest.raises(BadInput, match="two different listeners"):
            listeners(ask)
    with pytest.raises(BadInput, match="12 listeners"):
        listeners(Ask("me", others=tuple("abcdefghijk")))
    assert listed(["a", "b", "c"]) == "a, b and c"
