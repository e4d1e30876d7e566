"""The memory of what was shown: the right days, the right listener, the right surface, and a play forgets."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS, HOUR_SECONDS, Calendar, Clock
from palate.embeddings.records import UserRecord
from palate.listening.airing import Airing
from palate.listening.deleted import DeletedUsers
from palate.listening.slates import FILE, SlateLog
from palate.retrieval.query import Aired
from palate.surfaces.airings import DAYS, SITTING_HOURS, Airings

DAY = 20_000 * DAY_SECONDS  # the beginning of a day
NOON = DAY + 12 * HOUR_SECONDS
NOTHING = UserRecord.empty(2)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SlateLog]:
    with SlateLog(tmp_path / FILE) as opened:
        yield opened


def show(log: SlateLog, time: float, *rows: int, user: str = "u", surface: str = "home") -> None:
    log.append([], [Airing(user, surface, time, np.array(rows, np.int32))])


def at(now: float, *pauses: tuple[float, float]) -> Clock:
    return Clock(Calendar(pauses), lambda: now)


def told(aired: Aired) -> dict[int, tuple[int, float]]:
    """By row, on how many days and when last."""
    assert (aired.items.dtype, aired.times.dtype, aired.last.dtype) == (np.int32, np.int32, np.float64)
    assert (np.diff(aired.items) > 0).all()
    return {
        row: (times, last)
        for row, times, last in zip(aired.items.tolist(), aired.times.tolist(), aired.last.tolist(), strict=True)
    }


def ask(log: SlateLog, now: float = NOON, user: str = "u", surface: str = "home") -> dict[int, tuple[int, float]]:
    return told(Airings(log).of(user, surface, NOTHING, at(now)))


def record(**heard_last: float) -> UserRecord:
    """One with plays of rows r1, r2, ... at these times; -inf for what was only skipped."""
    rows = np.array([int(name[1:]) for name in heard_last], np.int32)
    last = np.array(list(heard_last.values()))
    plays = np.isfinite(last).astype(np.int32)
    return replace(NOTHING, items=rows, heard_last=last, last=np.full(len(rows), NOON), plays=plays, heard=plays)


def test_nothing_shown_is_an_empty_memory(log: SlateLog) -> None:
    assert ask(log) == {}


def test_days_are_counted_and_the_latest_time_is_kept(log: SlateLog) -> None:
    show(log, DAY - DAY_SECONDS, 1, 2)
    show(log, DAY - 60, 2)  # the same day
    show(log, DAY + 60, 2, 3)
    assert ask(log) == {1: (1, DAY - DAY_SECONDS), 2: (2, DAY + 60), 3: (1, DAY + 60)}


def test_another_listener_and_another_surface_never_leak_in(log: SlateLog) -> None:
    show(log, DAY, 1, user="u", surface="home")
    show(log, DAY, 2, user="v", surface="home")
    show(log, DAY, 3, user="u", surface="radio")
    assert (list(ask(log)), list(ask(log, user="v")), list(ask(log, surface="radio"))) == ([1], [2], [3])
    assert ask(log, user="v", surface="radio") == {}


def test_the_sitting_does_not_count_and_an_hour_changes_nothing(log: SlateLog) -> None:
    begin = NOON - SITTING_HOURS * HOUR_SECONDS
    show(log, begin - 1, 1)
    show(log, begin, 2)
    show(log, NOON - 1, 3)
    assert list(ask(log, NOON)) == list(ask(log, NOON + HOUR_SECONDS - 1)) == [1]
    assert list(ask(log, NOON + HOUR_SECONDS)) == [1, 2]
    assert list(ask(log, NOON + SITTING_HOURS * HOUR_SECONDS)) == [1, 2, 3]


def test_what_lies_further_back_is_forgotten(log: SlateLog) -> None:
    first = DAY - (DAYS - 1) * DAY_SECONDS
    show(log, first, 1)
    show(log, first - 1, 2)
    assert ask(log) == {1: (1, first)}


def test_a_play_forgets_what_was_shown_until_then(log: SlateLog) -> None:
    for day in (4, 3, 2):
        show(log, DAY - day * DAY_SECONDS, 1, 2, 3)
    heard = record(r1=DAY - 3 * DAY_SECONDS + 60, r2=DAY, r3=-np.inf, r9=DAY)
    left = told(Airings(log).of("u", "home", heard, at(NOON)))
    assert left == {1: (1, DAY - 2 * DAY_SECONDS), 3: (3, DAY - 2 * DAY_SECONDS)}


def test_a_pause_of_the_home_does_not_make_anything_older(log: SlateLog) -> None:
    pause = (DAY, DAY + 100 * DAY_SECONDS)
    show(log, DAY - 2 * DAY_SECONDS, 1)
    show(log, pause[1] + HOUR_SECONDS, 1)
    now = pause[1] + DAY_SECONDS
    assert told(Airings(log).of("u", "home", NOTHING, at(now))) == {1: (1, pause[1] + HOUR_SECONDS)}
    assert told(Airings(log).of("u", "home", NOTHING, at(now, pause))) == {1: (2, DAY + HOUR_SECONDS)}


def test_a_deletion_is_forgotten_at_once(log: SlateLog) -> None:
    show(log, DAY, 1)
    airings = Airings(log)
    assert list(told(airings.of("u", "home", NOTHING, at(NOON)))) == [1]
    DeletedUsers.beside(log.path).delete(["u"])
    log.erase(["u"])
    assert told(airings.of("u", "home", NOTHING, at(NOON))) == {}


shown = st.lists(st.tuples(st.integers(-16 * 24, 12), st.sampled_from(["u", "v"]), st.integers(0, 4)), max_size=40)


@settings(max_examples=60, deadline=None)
@given(shown, st.dictionaries(st.integers(0, 4), st.integers(-16 * 24, 12)))
def test_it_is_what_a_list_would_say(
    tmp_path_factory: pytest.TempPathFactory, shown: list[tuple[int, str, int]], plays: dict[int, int]
) -> None:
    heard = record(**{f"r{row}": NOON + hour * HOUR_SECONDS + 1_800 for row, hour in sorted(plays.items())})
    counts: dict[int, list[float]] = {}
    with SlateLog(tmp_path_factory.mktemp("log") / FILE) as log:
        for hour, user, row in shown:
            time = NOON + hour * HOUR_SECONDS + 10.0
            show(log, time, row, user=user)
            played = plays.get(row, -(10**6)) >= hour
            if user == "u" and hour < -SITTING_HOURS and time >= DAY - (DAYS - 1) * DAY_SECONDS and not played:
                counts.setdefault(row, []).append(time)
        found = told(Airings(log).of("u", "home", heard, at(NOON + 59)))
    assert found == {row: (len({time // DAY_SECONDS for time in times}), max(times)) for row, times in counts.items()}
