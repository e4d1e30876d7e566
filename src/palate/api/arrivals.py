"""When the log grew, as this process saw it: for how long the oldest listen after some offset has been waiting."""

import threading
from bisect import bisect_right
from collections.abc import Sequence

MAX_MARKS = 4_096  # a hundredth of each age, from 10 ms to a week, takes 1,800
SHARE = 0.01


class Arrivals:
    """Remembers when the log's end was first seen where. Threads may share one.

    Marks are thinned as they become many: those that lie closer together than a hundredth of their age become one, with
    the earliest time. So a wait may come out a hundredth longer than it was, and never shorter.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._ends: list[int] = []  # ascending, as are the times when the first and the last of each mark was seen
        self._moments: list[float] = []
        self._lasts: list[float] = []

    def note(self, end: int, moment: float) -> None:
        """The log ends at `end` now; `moment` is any clock that does not run backwards."""
        with self._turn:
            if self._ends and end <= self._ends[-1]:
                return
            self._ends.append(end)
            self._moments.append(moment)
            self._lasts.append(moment)
            if len(self._ends) > MAX_MARKS:
                self._thin()

    def waiting(self, offset: int, moment: float) -> float:
        """For how many seconds the oldest listen after `offset` has been in the log; 0.0 when there is none."""
        with self._turn:
            place = bisect_right(self._ends, offset)
            return max(moment - self._moments[place], 0.0) if place < len(self._ends) else 0.0

    def _thin(self) -> None:
        marks, newest = list(zip(self._ends, self._moments, self._lasts, strict=True)), self._lasts[-1]
        kept = marks[:1]
        for end, moment, last in marks[1:]:
            start = kept[-1][1]
            if last - start <= SHARE * (newest - last):
                kept[-1] = (end, start, last)
            else:
                kept.append((end, moment, last))
        self._ends = [end for end, _, _ in kept]
        self._moments = [moment for _, moment, _ in kept]
        self._lasts = [last for _, _, last in kept]


class ArrivalsBySequence:
    """The same of a log whose offsets are one sequence, or one for each partition of listeners (EventLog.sequences)."""

    def __init__(self, sequences: int) -> None:
        self._each = [Arrivals() for _ in range(sequences)]

    def note(self, end: int, moment: float) -> None:
        """The sequence of `end` ends there now."""
        self._each[end % len(self._each)].note(end, moment)

    def waiting(self, offset: int, moment: float) -> float:
        """For how many seconds the oldest listen after `offset` of its sequence has been in the log."""
        return self._each[offset % len(self._each)].waiting(offset, moment)

    def oldest(self, offsets: Sequence[int], moment: float) -> float:
        """The longest of these times; offsets # (PARTITIONS,), one for each partition."""
        if len(self._each) == 1:
            return self._each[0].waiting(min(offsets), moment)
        return max(one.waiting(offset, moment) for one, offset in zip(self._each, offsets, strict=True))
