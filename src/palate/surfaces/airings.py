"""What a listener was shown before: the memory by which lists do not repeat themselves day after day.

What was shown in the last hours does not count yet, so an answer stays as it is within a sitting. What counts changes
on the full hour, and belongs to hours that nobody writes to any more: so a process may keep it for an hour, whichever
process showed it.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS, HOUR_SECONDS, Clock
from palate.embeddings.records import UserRecord
from palate.listening.deleted import DeletedUsers
from palate.listening.slates import SlateLog
from palate.retrieval.query import Aired

DAYS = 14  # home days that are remembered, today among them
SITTING_HOURS = 4  # full hours before this one that still belong to the sitting
MOST_KEPT = 4_000  # listeners and surfaces in the memory of a process, about 5 KB each


@dataclass(frozen=True)
class _Shown:
    """items # (a,) int32 rows, ascending; times # (a,) float64 home seconds, ascending for an item; whole: all."""

    items: NDArray[np.int32]
    times: NDArray[np.float64]
    whole: Aired


class Airings:
    """Reads the memory from the answer log; threads may share one. From a deletion on nothing read before is used."""

    def __init__(self, log: SlateLog) -> None:
        self._log, self._deleted = log, DeletedUsers.beside(log.path)
        self._kept: OrderedDict[tuple[str, str], tuple[float, _Shown]] = OrderedDict()  # longest unused first
        self._turn = threading.Lock()

    def of(self, user_id: str, surface: str, record: UserRecord, clock: Clock) -> Aired:
        """What this surface showed this listener before this sitting, in the last DAYS home days.

        A play forgets what was shown of the item until then. Empty when nothing is left.
        """
        shown = self._shown(user_id, surface, clock)
        if not len(record.items) or not len(shown.items):
            return shown.whole
        place = np.minimum(np.searchsorted(record.items, shown.items), len(record.items) - 1)
        played = (record.items[place] == shown.items) & (shown.times <= record.heard_last[place])
        return _by_item(shown.items[~played], shown.times[~played]) if played.any() else shown.whole

    def _shown(self, user_id: str, surface: str, clock: Clock) -> _Shown:
        now = clock.now()
        until, key = now // HOUR_SECONDS * HOUR_SECONDS - SITTING_HOURS * HOUR_SECONDS, (user_id, surface)
        with self._turn:
            if self._deleted.refresh():
                self._kept.clear()
            at, found = self._kept.get(key, (np.nan, None))
            if found is not None and at == until:
                self._kept.move_to_end(key)
                return found
        shown = self._read(user_id, surface, (now // DAY_SECONDS - DAYS + 1) * DAY_SECONDS, until, clock)
        with self._turn:
            if not self._deleted.standing(user_id).deleted:
                self._kept[key] = (until, shown)
                self._kept.move_to_end(key)
                if len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
        return shown

    def _read(self, user_id: str, surface: str, since: float, until: float, clock: Clock) -> _Shown:
        """What was shown from `since` until before `until`, home seconds."""
        items, times = self._log.aired(user_id, surface, max(since, 0.0))  # unix time is never before home time
        home = clock.calendar.home_times(times)
        counts = (home >= since) & (home < until)
        items, home = items[counts], home[counts]
        order = np.argsort(items, kind="stable")  # an item's times come in order
        items, home = items[order], home[order]
        return _Shown(items, home, _by_item(items, home))


def _by_item(items: NDArray[np.int32], times: NDArray[np.float64]) -> Aired:
    """Each item once; what is given is in the order of _Shown."""
    if not len(items):
        return Aired(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))
    another = np.append(True, np.diff(items) != 0)
    day = times // DAY_SECONDS
    new_day = another | np.append(True, np.diff(day) != 0)
    begins = np.flatnonzero(another)
    ends = np.append(begins[1:], len(items)) - 1
    days = np.add.reduceat(new_day, begins, dtype=np.int32)
    return Aired(items[begins], days, times[ends])
