"""Mending: a pause in which listens turn up is cut at them, and what lies before it keeps its home time."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS, PAUSE_SECONDS
from palate.core.ids import ItemId, UserId
from palate.core.listens import Listen, in_columns
from palate.listening.log import ListeningLog

DAY = DAY_SECONDS


def heard(log: ListeningLog, *days: float) -> None:
    log.append(in_columns([Listen(UserId("ana"), ItemId("a"), day * DAY) for day in days]))


@pytest.mark.parametrize(
    ("days", "left"),
    [
        ([], [(10, 110)]),
        ([5, 10, 110, 120], [(10, 110)]),  # outside, and on its edges
        ([60], [(10, 110)]),  # one listen in the middle: silence before it, silence after it
        ([20, 30], [(30, 110)]),  # an export that goes on where the last one ended
        ([60, 61, 62], [(10, 60), (62, 110)]),
        (range(11, 110, 9), []),  # never 28 days without one
    ],
)
def test_a_pause_is_cut_at_the_listens_in_it(tmp_path: Path, days, left) -> None:
    with ListeningLog(tmp_path / "log.sqlite") as log:
        log.add_pause(10 * DAY, 110 * DAY)
        heard(log, *days)
        expected = tuple((start * DAY, end * DAY) for start, end in left)
        assert log.mend_pauses().pauses == expected
        assert log.mend_pauses().pauses == expected
    with ListeningLog(tmp_path / "log.sqlite") as log:
        assert log.calendar().pauses == expected


@settings(max_examples=25)
@given(st.lists(st.integers(0, 300), max_size=8), st.integers(0, 100), st.integers(28, 150))
def test_mended_pauses_are_silences_of_the_log_inside_the_old_ones(tmp_path_factory, days, start, length) -> None:
    folder = tmp_path_factory.mktemp("log")
    with ListeningLog(folder / "log.sqlite") as log:
        before = log.add_pause(start * DAY, (start + length) * DAY)
        heard(log, *days)
        after = log.mend_pauses()
    for first, last in after.pauses:
        assert start * DAY <= first < last <= (start + length) * DAY
        assert last - first >= PAUSE_SECONDS
    for day in range(0, 300, 7):
        assert after.home_time(day * DAY) >= before.home_time(day * DAY)
        if day <= start:
            assert after.home_time(day * DAY) == before.home_time(day * DAY)
    inside = sorted({start, start + length, *(day for day in days if start < day < start + length)})
    for one, two in pairwise(inside):
        passed = after.home_time(two * DAY) - after.home_time(one * DAY)
        assert passed in ((two - one) * DAY, 0.0)
        assert passed > 0.0 or two - one >= 28


def test_a_silence_shorter_than_the_limit_is_no_pause(tmp_path: Path) -> None:
    with ListeningLog(tmp_path / "log.sqlite") as log:
        assert log.add_pause(0.0, PAUSE_SECONDS - DAY_SECONDS).pauses == ()


def test_a_pause_of_exactly_the_limit_counts_and_follows_the_others(tmp_path: Path) -> None:
    first, second = (0.0, PAUSE_SECONDS), (2 * PAUSE_SECONDS, 4 * PAUSE_SECONDS)
    with ListeningLog(tmp_path / "log.sqlite") as log:
        log.add_pause(*first)
        assert log.add_pause(*second).pauses == (first, second)
