"""What a listener said of items beside listening: hide, not now, more like this. It steers answers and moves no sum.

A mark is one event of STEERING. Of events that take each other back only the latest counts, so marks may be added in
any order and any pieces, added twice, and merged: what is kept is the largest (time, event) of each item and slot.

    slot      events                       what it says
    item      hide, unhide                 must not come back; may again
    artist    hide_artist, unhide_artist   nothing by this item's artist; may again
    leaning   more_like, less_like         answers lean towards the item, or away from it
    rest      not_now                      not in the next weeks
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.listens import STEERING, Event

_NO_SLOT = 255
_SLOT = np.full(256, _NO_SLOT, np.uint8)  # by event
_SLOT[[Event.HIDE, Event.UNHIDE]] = 0
_SLOT[[Event.HIDE_ARTIST, Event.UNHIDE_ARTIST]] = 1
_SLOT[[Event.MORE_LIKE, Event.LESS_LIKE]] = 2
_SLOT[Event.NOT_NOW] = 3
_ROW = np.dtype([("item", "<i4"), ("what", "u1"), ("time", "<f8")])
MARK_BYTES = _ROW.itemsize
_STEERS = np.zeros(256, np.bool_)
_STEERS[list(STEERING)] = True


def steering(event: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n,) the event where it is one of STEERING, else 0 (play): what Events.mark and Lot.mark hold."""
    return np.where(_STEERS[event], event, 0).astype(np.uint8)


@dataclass(frozen=True)
class Marks:
    """One listener's marks, ascending by item, then slot. Never changed; `plus` gives others.

    items # (m,) int32 catalogue rows
    whats # (m,) uint8 core.listens.Event, one of STEERING
    times # (m,) float64 home seconds; -inf where it is not known, as in what was hidden before format 4
    """

    items: NDArray[np.int32]
    whats: NDArray[np.uint8]
    times: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Marks) and self.pack() == other.pack()

    __hash__ = None  # type: ignore[assignment]  # equal by what they hold, like the arrays in them

    def plus(self, items: NDArray[Any], whats: NDArray[Any], times: NDArray[Any]) -> "Marks":
        """With more marks; the order in which they come does not matter."""
        every = np.concatenate([self.items, items]).astype(np.int32)
        what = np.concatenate([self.whats, whats]).astype(np.uint8)
        time = np.concatenate([self.times, times]).astype(np.float64)
        key = every.astype(np.int64) << 2 | _SLOT[what]
        order = np.lexsort((what, time, key))
        latest = order[np.append(np.diff(key[order]) > 0, True)] if len(order) else order
        return Marks(every[latest], what[latest], time[latest])

    def merge(self, other: "Marks") -> "Marks":
        """Those of both together."""
        return self.plus(other.items, other.whats, other.times) if len(other) else self

    def of(self, what: Event) -> NDArray[np.int32]:
        """(k,) ascending rows whose latest mark in its slot is this event."""
        rows: NDArray[np.int32] = self.items[self.whats == what]
        return rows

    @property
    def hidden(self) -> NDArray[np.int32]:
        """(h,) ascending rows that must not come back."""
        return self.of(Event.HIDE)

    def hidden_artists(self, artist: NDArray[np.int32]) -> NDArray[np.int32]:
        """(k,) ascending codes of hidden artists: the latest mark on any item of the artist decides.

        artist: # (items,) int32 code by row, -1 unknown. Items beyond it, and those of nobody, hide no artist.
        """
        mine = np.flatnonzero((_SLOT[self.whats] == 1) & (self.items < len(artist)))
        mine = mine[artist[self.items[mine]] >= 0]
        order = mine[np.lexsort((self.whats[mine], self.times[mine]))]
        latest = dict(zip(artist[self.items[order]].tolist(), self.whats[order].tolist(), strict=True))
        return np.array(sorted(code for code, what in latest.items() if what == Event.HIDE_ARTIST), np.int32)

    def resting(self, now: float, seconds: float) -> NDArray[np.int32]:
        """(k,) ascending rows of which the listener said "not now" less than `seconds` before `now`."""
        rows: NDArray[np.int32] = self.items[(self.whats == Event.NOT_NOW) & (self.times > now - seconds)]
        return rows

    def pack(self) -> bytes:
        """How many, then 13 bytes each."""
        rows = np.empty(len(self), _ROW)
        rows["item"], rows["what"], rows["time"] = self.items, self.whats, self.times
        return np.int32(len(self)).tobytes() + rows.tobytes()

    @classmethod
    def unpack(cls, data: bytes) -> "Marks":
        """Reads what `pack` wrote; ValueError when it is something else."""
        count = int(np.frombuffer(data, np.int32, 1)[0])
        rows = np.frombuffer(data, _ROW, offset=4)
        if len(rows) != count or not _STEERS[rows["what"]].all():
            raise ValueError(f"its marks are not the {count} that they promise")
        return cls(rows["item"].copy(), rows["what"].copy(), rows["time"].copy())


NO_MARKS = Marks(np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros(0))


def hides(items: NDArray[np.int32]) -> Marks:
    """Items that were hidden at an unknown time."""
    return NO_MARKS.plus(items, np.full(len(items), Event.HIDE), np.full(len(items), -np.inf))
