"""What time it is, in the life of a home.

A home's log may end long before today: an old export, or the simulated year. Tastes should not fade through years in
which nothing was recorded at all, so a pause of the whole log (set when a space is published) does not count:
`home time` is unix time with the pauses cut out. The log keeps true times; everything that decays reads home time.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HOUR_SECONDS = 3_600.0
DAY_SECONDS = 86_400.0
PAUSE_SECONDS = 28 * DAY_SECONDS  # shorter silences are ordinary: a small home on holiday


@dataclass(frozen=True)
class Calendar:
    """Maps unix seconds to home time. `pauses` are (start, end) in unix seconds, ascending and disjoint.

    >>> Calendar(((100.0, 150.0),)).home_time(90.0), Calendar(((100.0, 150.0),)).home_time(160.0)
    (90.0, 110.0)
    """

    pauses: tuple[tuple[float, float], ...] = ()

    def home_time(self, timestamp: float) -> float:
        """Unix seconds -> home seconds; a moment inside a pause maps to the pause's start."""
        return timestamp - sum(min(max(timestamp - start, 0.0), end - start) for start, end in self.pauses)

    def home_times(self, timestamps: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same for an array of any shape."""
        out = timestamps.copy()
        for start, end in self.pauses:
            out -= np.clip(timestamps - start, 0.0, end - start)
        return out

    def unix_time(self, home_time: float) -> float:
        """The earliest unix seconds with this home time.

        >>> Calendar(((100.0, 150.0),)).unix_time(90.0), Calendar(((100.0, 150.0),)).unix_time(110.0)
        (90.0, 160.0)
        """
        moment = home_time
        for start, end in self.pauses:
            if moment > start:
                moment += end - start
        return moment


@dataclass(frozen=True)
class Clock:
    """Now, for a home. Tests pass their own `wall`."""

    calendar: Calendar = Calendar()
    wall: Callable[[], float] = time.time

    def now(self) -> float:
        """The present in home time, in seconds."""
        return self.calendar.home_time(self.wall())


def calendar_of(pauses: Sequence[tuple[float, float]]) -> Calendar:
    """A calendar from stored pauses, in any order."""
    return Calendar(tuple(sorted((float(start), float(end)) for start, end in pauses)))
