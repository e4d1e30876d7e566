"""The user record: what Palate remembers of a listener, as small sums instead of a history.

For half-lives h (a week, four weeks, half a year) and kinds k (track, episode, audiobook), seen from the moment `at`:

    sums[h, k]   = sum over listens of  w * 2^(-(at - t) / h) * item_vector
    counts[h, k] = sum over listens of  w * 2^(-(at - t) / h)

Adding a listen is O(d), whenever it happened; `remove` is its inverse; records of the same listener add up (`merge`).
Beside the sums stands what the sums cannot say: each item heard, with how often, how recently and how many skips, and
a few numbers about how much, when and how the listener listens (habits.py).
`at` is the listener's own latest listen: a taste does not fade because its owner was away, new listens dilute it and
never replace it, and what is stored stays exact until the next listen.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput, Corrupt
from palate.core.items import KINDS
from palate.core.listens import Event
from palate.embeddings import habits
from palate.embeddings.marks import MARK_BYTES, NO_MARKS, Marks, hides

HALF_LIVES_DAYS = (7.0, 28.0, 182.0)  # the three windows of Generalized User Representations (arXiv 2403.00584)
HALF_LIVES_SECONDS = np.array(HALF_LIVES_DAYS) * DAY_SECONDS
ITEM_COLUMNS = ("items", "weights", "plays", "skips", "last", "heard", "heard_last")
AFFINITY_HALF_LIFE = 1  # an item's own weight decays with the middle half-life


def decay(
    age_seconds: NDArray[np.float64] | float, half_life_seconds: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """2^(-age / half-life), shapes broadcast."""
    result: NDArray[np.float64] = np.exp2(-np.asarray(age_seconds) / half_life_seconds)
    return result


@dataclass
class UserRecord:
    """One listener's record; mutable, owned by whoever folds listens into it. Empty until the first listen.

    sums    # (half-lives, kinds, dim) float64, seen from `at`
    counts  # (half-lives, kinds) float64
    items   # (m,) int32 catalogue rows, ascending: everything heard, skipped or saved
    weights # (m,) float64 decayed plays, seen from `at`
    plays   # (m,) int32 events that counted
    skips   # (m,) int32
    last    # (m,) float64 home seconds of the latest event on the item
    heard   # (m,) int32 those of `plays` that were plays, no saves or picks: what may be called played to the listener
    heard_last # (m,) float64 home seconds of the latest of these, -inf for none
    first   home seconds of the earliest event, inf for none
    habits  # (habits.SUMS,) float64 how much, when and how, seen from `at`
    squares sum of the squares of `weights`
    marks   what the listener said of items beside listening (marks.py); no part of the taste
    """

    at: float
    sums: NDArray[np.float64]
    counts: NDArray[np.float64]
    items: NDArray[np.int32]
    weights: NDArray[np.float64]
    plays: NDArray[np.int32]
    skips: NDArray[np.int32]
    last: NDArray[np.float64]
    heard: NDArray[np.int32]
    heard_last: NDArray[np.float64]
    first: float
    habits: NDArray[np.float64]
    squares: float
    marks: Marks = NO_MARKS

    @classmethod
    def empty(cls, dim: int) -> "UserRecord":
        """The record of a listener of whom nothing is known; `at` is -inf."""
        shape = (len(HALF_LIVES_DAYS), len(KINDS))
        whole = np.zeros(0, np.int32)
        none = np.zeros(0)
        return cls(
            -np.inf, np.zeros((*shape, dim)), np.zeros(shape), whole, none, whole, whole, none, whole, none,
            np.inf, np.zeros(len(habits.SUMS)), 0.0,
        )  # fmt: skip

    @property
    def dim(self) -> int:
        return int(self.sums.shape[2])

    def add(
        self, item: int, kind: int, vector: NDArray[np.float32], timestamp: float, weight: float, skip: bool,
        play: bool = True,
    ) -> None:  # fmt: skip
        """Folds one event in. `vector` (dim,) may be zeros for an item without one; late events too.

        play: False for what counts without having been heard: a save, a pick at onboarding.
        """
        self._advance(timestamp)
        self.first = min(self.first, timestamp)
        self._change(item, kind, vector, timestamp, weight, skip, play and not skip, sign=1)
        place = np.searchsorted(self.items, item)
        self.last[place] = max(self.last[place], timestamp)
        if play and not skip:
            self.heard_last[place] = max(self.heard_last[place], timestamp)

    def remove(
        self, item: int, kind: int, vector: NDArray[np.float32], timestamp: float, weight: float, skip: bool,
        play: bool = True,
    ) -> None:  # fmt: skip
        """The inverse of `add` with the same arguments: sums, counts and plays as if it had never happened.

        `at` and an item's `last` only move forward and `first` only back, so they stay; an item without any event left
        is forgotten.
        BadInput, and nothing changed, when the record holds no such event of the item.
        """
        place = int(np.searchsorted(self.items, item))
        known = place < len(self.items) and self.items[place] == item
        if not known or (self.skips if skip else self.plays)[place] < 1:
            raise BadInput(
                f"no {'skip' if skip else 'play'} of item row {item} is in this record, so none can be removed"
            )
        self._change(item, kind, vector, timestamp, weight, skip, play and not skip, sign=-1)
        left = (self.plays > 0) | (self.skips > 0)
        if not left.all():
            for name in ITEM_COLUMNS:
                setattr(self, name, getattr(self, name)[left])

    @property
    def hidden(self) -> NDArray[np.int32]:
        """(h,) catalogue rows, ascending: what must not come back."""
        return self.marks.hidden

    def mark(self, item: int, what: Event, timestamp: float) -> None:
        """Notes what the listener said of an item, `what` one of STEERING. Nothing else changes, `at` neither."""
        self.marks = self.marks.plus(np.array([item]), np.array([what]), np.array([timestamp]))

    def _advance(self, moment: float) -> None:
        if moment > self.at:
            fade = decay(moment - self.at, HALF_LIVES_SECONDS)  # all 0 for an empty record, whose `at` is -inf
            self.sums *= fade[:, None, None]
            self.counts *= fade[:, None]
            self.weights *= fade[AFFINITY_HALF_LIFE]
            self.habits *= habits.faded(fade[-1])
            self.squares *= float(fade[AFFINITY_HALF_LIFE]) ** 2
            self.at = moment

    def _change(
        self, item: int, kind: int, vector: NDArray[np.float32], timestamp: float, weight: float, skip: bool,
        heard: bool, sign: int,
    ) -> None:  # fmt: skip
        fade = decay(self.at - timestamp, HALF_LIVES_SECONDS)
        share = sign * weight * fade
        self.sums[:, kind] += share[:, None] * vector
        self.counts[:, kind] += share
        place = int(np.searchsorted(self.items, item))
        if place == len(self.items) or self.items[place] != item:
            for name, value in zip(ITEM_COLUMNS, (item, 0.0, 0, 0, -np.inf, 0, -np.inf), strict=True):
                setattr(self, name, np.insert(getattr(self, name), place, value))
        before = float(self.weights[place])
        self.weights[place] += share[AFFINITY_HALF_LIFE]
        self.squares += float(self.weights[place]) ** 2 - before**2
        self.habits += sign * habits.sums_of_one(timestamp, weight, skip, heard, float(fade[-1]))
        self.plays[place] += sign * (not skip)
        self.skips[place] += sign * skip
        self.heard[place] += sign * heard

    def merge(self, other: "UserRecord") -> "UserRecord":
        """The record of both histories together; neither is changed."""
        one, two = self.copy(), other.copy()
        one._advance(two.at)
        two._advance(one.at)
        items = np.union1d(one.items, two.items).astype(np.int32)
        merged = replace(
            one, sums=one.sums + two.sums, counts=one.counts + two.counts, items=items,
            first=min(one.first, two.first), habits=one.habits + two.habits,
            marks=one.marks.merge(two.marks),
        )  # fmt: skip
        for name, combine, start in (
            ("weights", np.add, 0.0), ("plays", np.add, 0), ("skips", np.add, 0), ("last", np.maximum, -np.inf),
            ("heard", np.add, 0), ("heard_last", np.maximum, -np.inf),
        ):  # fmt: skip
            column = np.full(len(items), start, getattr(one, name).dtype)
            for record in (one, two):
                place = np.searchsorted(items, record.items)
                column[place] = combine(column[place], getattr(record, name))
            setattr(merged, name, column)
        merged.squares = float(merged.weights @ merged.weights)
        return merged

    def copy(self) -> "UserRecord":
        """A record that shares nothing with this one."""
        names = ("sums", "counts", "habits", *ITEM_COLUMNS)
        return replace(self, **{name: getattr(self, name).copy() for name in names})

    # What is stored: a header, the kinds that occur, the items. float32 halves it; the rounding (1e-7 relative) does
    # not pile up, because every fold also decays what is there. Format 4 is format 2 with marks behind it, and is
    # written only where there are any; format 3 had only what was hidden.
    FORMAT: ClassVar[int] = 4

    def pack(self) -> bytes:
        """The record as bytes, without the kinds that the listener never heard."""
        kinds = np.flatnonzero(self.counts.any(axis=0) | self.sums.any(axis=(0, 2)))
        version = self.FORMAT if len(self.marks) else 2
        header = np.array([version, self.dim, len(kinds), len(self.items)], np.int32)
        parts = [
            header, np.array([self.at, self.first]), self.habits, self.last, self.heard_last, kinds.astype(np.int32),
            self.items, self.plays, self.skips, self.heard, self.weights.astype(np.float32),
            self.counts[:, kinds].astype(np.float32), self.sums[:, kinds].astype(np.float32),
        ]  # fmt: skip
        return b"".join(part.tobytes() for part in parts) + (self.marks.pack() if len(self.marks) else b"")

    @classmethod
    def unpack(cls, data: bytes) -> "UserRecord":
        """The record from `pack`; Corrupt when the bytes are no record.

        Format 1 knew no habits: they are made up as if every event on an item had been at the time of its latest.
        """
        try:
            version, dim, n_kinds, m = (int(v) for v in np.frombuffer(data, np.int32, 4))
            if not 1 <= version <= cls.FORMAT:
                raise Corrupt(
                    f"user record of format {version}, this Palate reads 1 to {cls.FORMAT}; run `palate train`"
                )
            halves, told = len(HALF_LIVES_DAYS), 0 if version == 1 else 1 + len(habits.SUMS)
            size = 24 + told * 8 + m * 36 + n_kinds * (4 + 4 * halves * (1 + dim))
            n_marks = int(np.frombuffer(data, np.int32, 1, size)[0]) if version >= 3 else 0
            size += 4 + n_marks * (4 if version == 3 else MARK_BYTES) if version >= 3 else 0
            if dim < 1 or min(n_kinds, m, n_marks) < 0 or len(data) != size:
                raise ValueError(f"its header promises {size}")
            reader, record = _Reader(data, offset=16), cls.empty(dim)
            record.at = float(reader.take(np.float64, 1)[0])
            if told:
                record.first = float(reader.take(np.float64, 1)[0])
                record.habits = reader.take(np.float64, len(habits.SUMS))
            record.last, record.heard_last = (reader.take(np.float64, m) for _ in range(2))
            kinds = reader.take(np.int32, n_kinds)
            record.items, record.plays, record.skips, record.heard = (reader.take(np.int32, m) for _ in range(4))
            record.weights = reader.take(np.float32, m).astype(np.float64)
            record.counts[:, kinds] = reader.take(np.float32, halves * n_kinds).reshape(halves, n_kinds)
            record.sums[:, kinds] = reader.take(np.float32, halves * n_kinds * dim).reshape(halves, n_kinds, dim)
            if version == 3:
                record.marks = hides(reader.take(np.int32, 1 + n_marks)[1:])
            elif version == 4:
                record.marks = Marks.unpack(data[reader.offset :])
        except (ValueError, IndexError) as error:
            raise Corrupt(f"a user record of {len(data)} bytes cannot be read ({error}); run `palate train`") from error
        record.squares = float(record.weights @ record.weights)  # of what was stored, so that roundings do not add up
        if not told:
            record._make_up_habits()
        return record

    def _make_up_habits(self) -> None:
        """As well as the items tell: `first` is then the earliest of their latest events."""
        self.first = float(self.last.min(initial=np.inf))
        longest, played = HALF_LIVES_SECONDS[-1], np.isfinite(self.heard_last)
        heard, latest = self.heard[played], self.heard_last[played]
        nothing = np.zeros(len(heard), np.bool_)
        plays = habits.sums_of(latest, heard.astype(np.float64), nothing, ~nothing, decay(self.at - latest, longest))
        fade = decay(self.at - self.last, longest)
        self.habits = plays.sum(axis=0)
        self.habits[habits.EVER] = self.plays.sum()
        self.habits[habits.SKIPS] = self.skips @ fade
        self.habits[habits.CHOICES] = (self.plays - self.heard) @ fade


T = TypeVar("T", bound=np.generic)


@dataclass
class _Reader:
    """Takes arrays off the front of some bytes."""

    data: bytes
    offset: int

    def take(self, dtype: type[T], n: int) -> NDArray[T]:
        array: NDArray[T] = np.frombuffer(self.data, dtype, n, self.offset).copy()
        self.offset += array.nbytes
        return array
