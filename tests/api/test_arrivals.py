"""For how long listens have been waiting: known by construction, then against the same kept in full."""

from hypothesis import given
from hypothesis import strategies as st

from palate.api import arrivals
from palate.api.arrivals import Arrivals


def waiting(log: Arrivals, end: int, folded: int, moment: float) -> float:
    log.note(end, moment)
    return log.waiting(folded, moment)


def test_it_counts_from_when_the_oldest_listen_after_an_offset_was_seen():
    log = Arrivals()
    assert waiting(log, end=10, folded=10, moment=0.0) == 0.0
    assert waiting(log, end=12, folded=10, moment=5.0) == 0.0
    assert waiting(log, end=20, folded=10, moment=7.0) == 2.0
    assert waiting(log, end=20, folded=12, moment=9.0) == 2.0  # what was seen at 7 is the oldest now
    assert waiting(log, end=20, folded=20, moment=11.0) == 0.0
    assert log.waiting(11, 12.0) == 7.0  # an answer from a taste that was read long ago


def test_of_a_log_that_nobody_saw_grow_nothing_is_known():
    assert Arrivals().waiting(0, 5.0) == 0.0


grown = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(grown, st.integers(0, 100))
def test_marks_say_what_the_whole_past_would_say(steps, offset):
    log, end, moment, seen = Arrivals(), 0, 0.0, {}
    for more, pause in steps:
        end, moment = end + more, moment + pause
        log.note(end, moment)
        seen |= {one: moment for one in range(1, end + 1) if one not in seen}
    first = seen.get(offset + 1)
    assert log.waiting(offset, moment) == (0.0 if first is None else moment - first)


def test_thinned_marks_say_a_hundredth_too_much_at_most(monkeypatch):
    monkeypatch.setattr(arrivals, "MAX_MARKS", 1_000)
    log = Arrivals()
    for end in range(1, 10_001):
        log.note(end, float(end))  # listen n was seen at n
    waits = [(log.waiting(offset, 10_000.0), 9_999.0 - offset) for offset in range(10_000)]
    assert all(true <= found <= 1.01 * true + 1e-9 for found, true in waits)
    assert any(found > true for found, true in waits), "nothing was thinned"


def test_many_marks_of_one_moment_become_one(monkeypatch):
    monkeypatch.setattr(arrivals, "MAX_MARKS", 4)
    log = Arrivals()
    for end in range(1, 100):
        log.note(end, 1.0)
    assert log.waiting(0, 3.0) == log.waiting(98, 3.0) == 2.0
    assert log.waiting(99, 3.0) == 0.0
