"""One list a week: new to the listener, from outside their bubble, and the same until Monday."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palate.core.clock import Clock
from palate.core.listens import Event
from palate.listening.deleted import FILE as DELETED
from palate.listening.deleted import DeletedUsers
from palate.listening.weekly import KEPT_WEEKS, WeeklyLists
from palate.retrieval.query import Query
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer
from palate.surfaces.screens.discover_weekly import LENGTH, made, shown, week_of

from .planted import Planted, planted

DAY = 86_400.0


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


def listening(world: Planted, query: Query, rows: list[int]) -> Query:
    """The same listener after a play of each."""
    record, now = query.record.copy(), query.now
    for row in rows:
        record.add(row, int(world.stock.columns.kind[row]), world.stock.listened[row], now, 1.0, False)
        now += 300.0
    return replace(query, record=record, taste=world.trained.encoder.encode([record])[0], now=now)


def test_one_in_ten_is_familiar_and_the_rest_was_never_heard(world: Planted) -> None:
    for user in world.listeners(least_events=50)[:20]:
        query = world.query(user)
        rows = made(query, world.path, [])
        heard = np.isin(rows, query.record.items[query.record.plays > 0])
        assert len(set(rows.tolist())) == len(rows) == LENGTH
        assert np.flatnonzero(heard).tolist() == [9, 19, 29]
        assert world.stock.columns.available[rows].all()


def test_it_is_from_outside_the_usual_bubble(world: Planted) -> None:
    artist, outside = world.stock.columns.artist, []
    for user in world.listeners(least_events=20)[:40]:
        query = world.query(user)
        mine = set(artist[query.record.items[query.record.plays > 0]].tolist())
        rows = made(query, world.path, [])
        new = [row for row in rows.tolist() if row not in set(query.record.items[query.record.plays > 0].tolist())]
        outside.append(np.mean([artist[row] not in mine for row in new]))
        first = new[: round(len(new) * outside[-1])]
        assert all(artist[row] not in mine for row in first)  # known artists stand behind
    assert np.mean(outside) > 0.5


def test_the_next_list_has_nothing_of_the_last_ones(world: Planted) -> None:
    query, past = world.query(world.listeners(least_events=50)[0]), list[np.ndarray]()
    for _ in range(5):
        past.append(made(query, world.path, past))
    assert len(set(np.concatenate(past).tolist())) == 5 * LENGTH


def test_a_kept_list_stays_in_its_order_while_the_listener_listens(world: Planted) -> None:
    for user in world.listeners(least_events=50)[:10]:
        query = world.query(user)
        rows = made(query, world.path, [])
        later = listening(world, query, [*rows[:5].tolist(), 7, 11, 13])
        mask = np.zeros(world.stock.n_items, np.bool_)
        mask[rows] = True
        kept = world.path.rank(shown(rows.tolist()), replace(later, only=mask), LENGTH).candidates.items
        assert kept.tolist() == rows.tolist()
        later.record.mark(int(rows[3]), Event.HIDE, later.now)
        kept = world.path.rank(shown(rows.tolist()), replace(later, only=mask), LENGTH).candidates.items
        assert kept.tolist() == [row for row in rows.tolist() if row != rows[3]]


def test_a_week_begins_on_monday() -> None:
    monday = 1_795_392_000.0  # 2026-11-23
    assert (week_of(monday - 1.0), week_of(monday), week_of(monday + 6.9 * DAY)) == ("2026-W47", "2026-W48", "2026-W48")


def test_the_first_list_of_a_week_is_the_one_that_is_kept(tmp_path: Path) -> None:
    with WeeklyLists(tmp_path / "weekly.sqlite") as lists, WeeklyLists(tmp_path / "weekly.sqlite") as others:
        assert lists.keep("ann", "2026-W47", np.array([3, 1]), 0.0).tolist() == [3, 1]
        assert others.keep("ann", "2026-W47", np.array([5]), 0.0).tolist() == [3, 1]
        for week in range(10, 10 + KEPT_WEEKS):
            others.keep("ann", f"2027-W{week}", np.array([week]), 0.0)
        assert list(lists.of("ann")) == [f"2027-W{week}" for week in range(9 + KEPT_WEEKS, 9, -1)]
        assert (lists.of("bob"), lists.erase(["ann", "bob"])) == ({}, {"ann": KEPT_WEEKS, "bob": 0})
        assert others.of("ann") == {}


def test_nothing_is_kept_of_who_was_deleted(tmp_path: Path) -> None:
    DeletedUsers(tmp_path / DELETED).delete(["ann"])
    with WeeklyLists(tmp_path / "weekly.sqlite") as lists:
        assert lists.keep("ann", "2026-W47", np.array([3]), 1e12).tolist() == [3]
        assert lists.keep("bob", "2026-W47", np.array([4]), 1e12).tolist() == [4]
        assert (lists.of("ann"), list(lists.of("bob"))) == ({}, ["2026-W47"])


@pytest.mark.slow
def test_a_home_answers_with_one_list_for_a_week(live: LiveHome) -> None:
    user = "sim-user-0003"

    def at(days: float) -> LiveHome:
        return replace(live, clock=Clock(live.clock.calendar, lambda: live.clock.wall() + days * DAY))

    monday = next(day for day in range(1, 9) if week_of(at(day).clock.now()) != week_of(at(day - 1).clock.now()))
    ids = [
        [one.item_id for one in answer(at(monday + d), "discover_weekly", Ask(user, 30)).items] for d in (0.1, 3, 5.5)
    ]
    assert ids[0] == ids[1] == ids[2]
    assert len(ids[0]) == LENGTH
    nextweek = [one.item_id for one in answer(at(monday + 7.1), "discover_weekly", Ask(user, 30)).items]
    assert not set(ids[0]) & set(nextweek)
    some = answer(at(monday + 1), "discover_weekly", Ask(user, 5, exclude=tuple(ids[0][:2])))
    assert [one.item_id for one in some.items] == ids[0][2:7]
    private = answer(at(monday + 14.1), "discover_weekly", Ask(user, 30, private=True))
    assert [one.item_id for one in private.items] == [
        one.item_id for one in answer(at(monday + 14.1), "discover_weekly", Ask(user, 30)).items
    ]
    assert answer(at(monday), "discover_weekly", Ask("nobody", 5)).stranger
