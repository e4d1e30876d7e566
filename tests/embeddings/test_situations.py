"""Moments of the past: whole sittings, nothing later, and windows that are those of the record."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.embeddings import situations as situations_module
from palate.embeddings.records import UserRecord
from palate.embeddings.situations import Situations, draw_situations
from palate.embeddings.weights import taste_weights
from palate.listening.history import History
from palate.testing.strategies import histories

from .worlds import history_of, made_up_items, with_event

DAY, ALL = DAY_SECONDS, 1_000
VECTORS, KINDS_OF_ITEMS = made_up_items(6)


def ranges(situations: Situations) -> list[tuple[int, int]]:
    return list(zip(situations.first.tolist(), situations.last.tolist(), strict=True))


def owners(history: History) -> np.ndarray:
    """(listens,) whose each of a situation's listens is."""
    return np.sort(history.user[taste_weights(history) > 0])


def made(*listens: tuple[int, float], cuts: list[tuple[int, int]], n_items: int = 6) -> Situations:
    """Situations of (item, day)."""
    item, day = np.array(listens, np.float64).reshape(-1, 2).T
    first, last = np.array(cuts, np.int64).reshape(-1, 2).T
    return Situations(item.astype(np.int32), day * DAY, first, last, n_items)


def test_a_listener_at_the_door_of_each_sitting_by_hand() -> None:
    """u0: two listens on day 0, one on day 3, a skip alone on day 10, one on day 20. u1: one on day 5."""
    plays = [(0, 1, 0.0), (0, 2, 0.1), (0, 1, 3.0), (1, 0, 5.0), (0, 4, 10.0), (0, 3, 20.0)]
    found = draw_situations(with_event(history_of(plays, 6), 4, Event.SKIP), each=ALL, most=ALL, seed=0)
    assert found.items.tolist() == [1, 2, 1, 3, 0]
    assert (found.times / DAY).tolist() == [0.0, 0.1, 3.0, 20.0, 5.0]
    assert ranges(found) == [(0, 2), (0, 3), (0, 4), (4, 5)]
    assert (found.moments / DAY).tolist() == [0.1, 3.0, 20.0, 5.0]
    assert (len(found), found.n_items) == (4, 6)


def test_a_long_past_is_cut_to_its_latest_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(situations_module, "LONGEST", 2)
    plays = [(0, item, float(item)) for item in range(4)] + [(1, 5, 9.0)]
    assert ranges(draw_situations(history_of(plays), ALL, ALL, 0)) == [(0, 1), (0, 2), (1, 3), (2, 4), (4, 5)]


@given(histories(n_users=4), st.integers(1, 3), st.integers(0, 9))
def test_what_is_drawn_is_whole_and_past_and_holds_every_present(history: History, each: int, seed: int) -> None:
    everything, found = (draw_situations(history, one, ALL, seed) for one in (ALL, each))
    assert set(ranges(found)) <= set(ranges(everything))
    assert len(set(ranges(found))) == len(found)
    owner = owners(history)
    ends = set(np.append(np.flatnonzero(np.diff(owner)) + 1, len(owner)).tolist()) if len(owner) else set()
    assert ends <= set(found.last.tolist())
    earlier = [int(owner[last - 1]) for last in found.last.tolist() if last not in ends]
    assert all(earlier.count(user) <= each for user in range(4))
    for first, last in ranges(found):
        assert len(set(owner[first:last].tolist())) == 1
        assert first == 0 or owner[first - 1] != owner[first]
        assert (found.times[first:last] <= found.times[last - 1]).all()
        if last not in ends:  # what the same listener heard next is left out
            assert found.times[last] >= found.times[last - 1]


@given(histories(n_users=3))
def test_no_sitting_is_torn(history: History) -> None:
    """With one sitting for each listener and day, the moments are the ends of days, and all of them."""
    found = draw_situations(history, ALL, ALL, 0)
    counted = history.take(taste_weights(history) > 0)
    order = np.argsort(counted.user, kind="stable")
    sitting = counted.session[order]
    assert all(last == len(sitting) or sitting[last] != sitting[last - 1] for last in found.last.tolist())
    assert len(found) == len(set(counted.session.tolist()))


def test_the_seed_decides_and_most_is_a_bound() -> None:
    history = history_of([(user, 0, float(day)) for day in range(30) for user in range(3)])
    first, again, other = (draw_situations(history, 5, ALL, seed) for seed in (1, 1, 2))
    assert ranges(first) == ranges(again) != ranges(other)
    assert len(first) == len(other) == 3 * (1 + 5)
    few, everything = draw_situations(history, 5, 7, 1), draw_situations(history, ALL, ALL, 1)
    assert len(few) == 7
    assert set(ranges(few)) <= set(ranges(first)) <= set(ranges(everything))
    assert ranges(few) == sorted(ranges(few))


@pytest.mark.parametrize("event", [Event.SKIP, Event.SEARCH, None])
def test_without_a_listen_there_is_no_situation(event: Event | None) -> None:
    history = history_of([], 3) if event is None else with_event(history_of([(0, 1, 1.0)], 3), 0, event)
    found = draw_situations(history, 5, ALL, 0)
    windows = found.windows()
    assert (len(found), found.moments.shape, windows.counts.shape) == (0, (0,), (3, 0))
    assert windows.profiles(7.0, every_play=True).shape == (0, 3)


@given(histories(n_users=3), st.data())
def test_windows_are_those_of_the_record_of_the_same_listens(history: History, data: st.DataObject) -> None:
    drawn = draw_situations(history, ALL, ALL, 0)
    chosen = data.draw(st.lists(st.integers(0, len(drawn) - 1), max_size=6)) if len(drawn) else []
    situations = drawn.take(np.array(chosen, np.int64))
    windows = situations.windows()
    sums = np.zeros((len(windows.shares), len(situations), 4))
    for window, share in enumerate(windows.shares):
        np.add.at(sums[window], windows.rows, share[:, None] * VECTORS[windows.items])
    for place, (first, last) in enumerate(ranges(situations)):
        record = UserRecord.empty(4)
        for item, moment in zip(drawn.items[first:last].tolist(), drawn.times[first:last].tolist(), strict=True):
            record.add(item, int(KINDS_OF_ITEMS[item]), VECTORS[item], moment, 1.0, False)
        assert record.at == situations.moments[place]
        np.testing.assert_allclose(sums[:, place], record.sums.sum(axis=1), atol=1e-4)
        np.testing.assert_allclose(windows.counts[:, place], record.counts.sum(axis=1), rtol=1e-5)


def test_profiles_by_hand() -> None:
    """The first: item 1 now and two weeks ago, item 2 a week ago. The second: item 3 twice, a week apart."""
    windows = made((1, 0.0), (2, 7.0), (1, 14.0), (3, 30.0), (3, 37.0), cuts=[(0, 3), (3, 5)]).windows()
    assert windows.profiles(7.0, every_play=True).toarray().tolist() == [
        [0, 1 + 1 / 4, 1 / 2, 0, 0, 0],
        [0, 0, 0, 1 + 1 / 2, 0, 0],
    ]
    latest = windows.profiles(7.0, every_play=False)
    assert latest.toarray().tolist() == [[0, 1, 1 / 2, 0, 0, 0], [0, 0, 0, 1, 0, 0]]
    assert latest.dtype == np.float32


def test_some_are_taken_in_the_order_asked_for_and_may_overlap() -> None:
    situations = made((1, 0.0), (2, 7.0), (1, 14.0), cuts=[(0, 1), (0, 2), (1, 3)])
    windows = situations.take(np.array([2, 0])).windows()
    assert windows.items.tolist() == [2, 1, 1]
    assert windows.rows.tolist() == [0, 0, 1]
    assert windows.pointers.tolist() == [0, 2, 3]
    assert (windows.ages / DAY).tolist() == [7.0, 0.0, 0.0]
    assert windows.shares[0].tolist() == [1 / 2, 1.0, 1.0]
    assert windows.counts[0].tolist() == [1.5, 1.0]


def test_listens_left_out_leave_the_rest_as_it_was_and_perhaps_nothing() -> None:
    whole = made((1, 0.0), (2, 7.0), (1, 14.0), cuts=[(0, 3), (0, 1), (1, 2)]).windows()
    left = whole.without(np.array([False, True, False, True, False]))
    assert (left.items.tolist(), left.pointers.tolist()) == ([1, 1, 2], [0, 2, 2, 3])
    assert (left.ages / DAY).tolist() == [14.0, 0.0, 0.0]
    assert left.counts[0].tolist() == [1 + 1 / 4, 0.0, 1.0]
