"""Many listeners' records side by side: a batch of events is folded into all of them at once.

What a record means, and what an event changes, is said in records.py; this is the same in columns, for who has a
thousand listeners in a batch or all of them. Both read and write the same bytes. Of sums and counts only the cells
that occur are here: a listener and a kind of item that the listener has heard.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from palate.core.errors import Corrupt
from palate.core.items import KINDS
from palate.embeddings import habits
from palate.embeddings.habits import Told
from palate.embeddings.marks import NO_MARKS, Marks
from palate.embeddings.records import AFFINITY_HALF_LIFE, HALF_LIVES_DAYS, HALF_LIVES_SECONDS, UserRecord, decay

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

N_KINDS, WINDOWS, ROW_BITS = len(KINDS), len(HALF_LIVES_DAYS), 32
ROW_MASK = (1 << ROW_BITS) - 1
# What stands at the front of a packed record, and the columns after it: their type, and what they have one value of.
HEAD = np.dtype([("version", "i4"), ("dim", "i4"), ("kinds", "i4"), ("items", "i4"), ("at", "f8"), ("first", "f8"),
                 ("habits", "f8", len(habits.SUMS))])  # fmt: skip
PLAIN = np.int32(2).tobytes()  # a record without marks; with them, it is one of format 4


@dataclass(frozen=True)
class Events:
    """n events of any listeners in any order; every column # (n,).

    user      whose, a place in the columns
    item      int64 catalogue row
    kind      uint8 position in core.items.KINDS
    timestamp home seconds
    weight    what it adds to a taste, 0 for a skip
    skipped   is it a skip
    played    False for what counts without having been heard: a save, a pick at onboarding
    mark      uint8, the core.listens.Event of what only marks the item (marks.py), else 0; of a mark the columns from
              `weight` to `played` are not read
    """

    user: Places
    item: Places
    kind: NDArray[np.uint8]
    timestamp: Floats
    weight: Floats
    skipped: NDArray[np.bool_]
    played: NDArray[np.bool_]
    mark: NDArray[np.uint8]

    def take(self, rows: NDArray[np.bool_]) -> "Events":
        """Those where `rows` is True."""
        return Events(**{one.name: getattr(self, one.name)[rows] for one in fields(self)})


@dataclass(frozen=True)
class RecordColumns:
    """The records of q listeners, c cells and p pairs of listener and item; never changed, `added` gives others.

    at, first   # (q,) float64 home seconds, as in UserRecord
    habits      # (q, habits.SUMS) float64
    cells       # (c,) int64 ascending: a listener's place times the number of kinds, and the kind
    counts      # (c, half-lives) float64
    sums        # (c, half-lives, dim) float64
    pairs       # (p,) int64 ascending: a listener's place in the high half, the item's row in the low one
    weights, last, heard_last # (p,) float64
    plays, skips, heard       # (p,) int32
    marks       by the listener's place; who has none is not there
    """

    at: Floats
    first: Floats
    habits: Floats
    cells: Places
    counts: Floats
    sums: Floats
    pairs: Places
    weights: Floats
    plays: NDArray[np.int32]
    skips: NDArray[np.int32]
    last: Floats
    heard: NDArray[np.int32]
    heard_last: Floats
    marks: dict[int, Marks]

    @classmethod
    def empty(cls, size: int, dim: int) -> "RecordColumns":
        """The records of `size` listeners of whom nothing is known."""
        nothing, none, whole = np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int32)
        return cls(
            np.full(size, -np.inf), np.full(size, np.inf), np.zeros((size, len(habits.SUMS))),
            nothing, np.zeros((0, WINDOWS)), np.zeros((0, WINDOWS, dim)),
            nothing, none, whole, whole, none, whole, none, {},
        )  # fmt: skip

    @property
    def dim(self) -> int:
        return int(self.sums.shape[2])

    def __len__(self) -> int:
        return len(self.at)

    # -- what an event changes

    def added(self, events: Events, item_vectors: NDArray[np.float32]) -> "RecordColumns":
        """With the events folded in; equal to UserRecord.add with each of them, in any order, up to rounding.

        item_vectors # (items, dim) float32
        """
        if events.mark.any():
            marked = replace(self, marks=self._with_marks(events.take(events.mark > 0)))
            return marked.added(events.take(events.mark == 0), item_vectors)
        if not len(events.user):
            return self
        at, first = self.at.copy(), self.first.copy()
        np.maximum.at(at, events.user, events.timestamp)
        np.minimum.at(first, events.user, events.timestamp)
        passed = np.subtract(at, self.at, out=np.zeros(len(self)), where=at > self.at)
        faded = decay(passed[:, None], HALF_LIVES_SECONDS)
        fade = decay((at[events.user] - events.timestamp)[:, None], HALF_LIVES_SECONDS)
        share = events.weight[:, None] * fade
        cells, counts, sums = self._with_sums(events, share, faded, item_vectors)
        told = self.habits * np.where(np.arange(len(habits.SUMS)) == habits.EVER, 1.0, faded[:, -1:])
        heard = events.played & ~events.skipped
        more = habits.sums_of(events.timestamp, events.weight, events.skipped, heard, fade[:, -1])
        told += np.stack([_totals(events.user, column, len(self)) for column in more.T], axis=1)
        weight = share[:, AFFINITY_HALF_LIFE]
        return RecordColumns(
            at, first, told, cells, counts, sums,
            *self._with_items(events, weight, heard, faded[:, AFFINITY_HALF_LIFE]), self.marks,
        )  # fmt: skip

    def _with_sums(
        self, events: Events, share: Floats, faded: Floats, item_vectors: NDArray[np.float32]
    ) -> tuple[Places, Floats, Floats]:
        """cells, counts and sums; share # (n, half-lives), faded # (q, half-lives) what is left of the old."""
        counted = np.flatnonzero(events.weight)
        share, cell = share[counted], events.user[counted] * N_KINDS + events.kind[counted]
        there = np.zeros(len(self) * N_KINDS, np.bool_)
        there[self.cells] = there[cell] = True
        cells, place = np.flatnonzero(there), np.cumsum(there) - 1
        old = slice(None) if len(cells) == len(self.cells) else place[self.cells]
        rows = place[cell][:, None] * WINDOWS + np.arange(WINDOWS)
        left = faded[self.cells // N_KINDS]
        counts = _totals(rows.ravel(), share.ravel(), len(cells) * WINDOWS).reshape(-1, WINDOWS)
        counts[old] += self.counts * left
        # scipy's csr @ dense sums 3 M listens/s on one core; measured faster than torch, duckdb and joins.
        heard, column = np.unique(events.item[counted], return_inverse=True)
        vectors = item_vectors[heard].astype(np.float64)  # a row an item, not a row a listen: that would be gigabytes
        entries = (share.ravel(), (rows.ravel(), np.repeat(column, WINDOWS)))
        shares = sp.csr_matrix(entries, (len(cells) * WINDOWS, len(heard)))
        sums: Floats = np.asarray(shares @ vectors).reshape(-1, WINDOWS, self.dim)
        sums[old] += self.sums * left[:, :, None]
        return cells.astype(np.int64), counts, sums

    def _with_items(
        self, events: Events, weight: Floats, heard: NDArray[np.bool_], faded: Floats
    ) -> tuple[Places, Floats, NDArray[np.int32], NDArray[np.int32], Floats, NDArray[np.int32], Floats]:
        """pairs and their columns; weight # (n,) seen from `at`, faded # (q,) what is left of an old weight."""
        touched, which = np.unique(events.user << ROW_BITS | events.item, return_inverse=True)
        pairs, old, place = _merged(self.pairs, touched)
        size = len(pairs)

        def counted(before: NDArray[np.int32], mask: NDArray[np.bool_]) -> NDArray[np.int32]:
            now = _put(np.zeros(size, np.int32), old, before)
            now[place] += np.bincount(which, mask, len(touched)).astype(np.int32)
            return now

        def latest(before: Floats, mask: NDArray[np.bool_] | slice) -> Floats:
            now = _put(np.full(size, -np.inf), old, before)
            np.maximum.at(now, place[which[mask]], events.timestamp[mask])
            return now

        weights = _put(np.zeros(size), old, self.weights * faded[self.pairs >> ROW_BITS])
        weights[place] += _totals(which, weight, len(touched))
        plays, skips = counted(self.plays, ~events.skipped), counted(self.skips, events.skipped)
        return (
            pairs, weights, plays, skips, latest(self.last, slice(None)),
            counted(self.heard, heard), latest(self.heard_last, heard),
        )  # fmt: skip

    def _with_marks(self, marked: Events) -> dict[int, Marks]:
        """marks, with these events; few listeners say anything, so one after another."""
        marks, order = dict(self.marks), np.argsort(marked.user, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(marked.user[order])) + 1):
            place = int(marked.user[rows[0]])
            before = marks.get(place, NO_MARKS)
            marks[place] = before.plus(marked.item[rows], marked.mark[rows], marked.timestamp[rows])
        return marks

    # -- what is read of them

    @property
    def bounds(self) -> Places:
        """(q + 1,) where each listener's pairs begin and end."""
        return np.searchsorted(self.pairs, np.arange(len(self) + 1) << ROW_BITS)

    def told(self) -> Told:
        """What an encoder's habits are made of."""
        counts = np.zeros((len(self) * N_KINDS, WINDOWS))
        counts[self.cells] = self.counts
        by_kind = counts.reshape(len(self), N_KINDS, WINDOWS).transpose(0, 2, 1)
        squares = _totals(self.pairs >> ROW_BITS, self.weights**2, len(self))
        items = np.diff(self.bounds).astype(np.float64)
        return Told(by_kind, self.habits, squares, items, self.at, self.first)

    def window_sums(self) -> Floats:
        """(q, half-lives, dim) the sums of all kinds together."""
        owner = self.cells // N_KINDS
        if len(self.cells) == len(self) and (owner == np.arange(len(self))).all():
            return self.sums  # as most have heard one kind
        sums, begins = np.zeros((len(self), WINDOWS, self.dim)), np.flatnonzero(np.diff(owner, prepend=-1))
        if len(begins):
            sums[owner[begins]] = np.add.reduceat(self.sums, begins, axis=0)
        return sums

    def records(self) -> Iterator[UserRecord]:
        """Each listener's record, in order; they share nothing."""
        told, bounds, owner = self.told(), self.bounds, self.cells // N_KINDS
        ends = np.searchsorted(owner, np.arange(len(self) + 1))
        for place in range(len(self)):
            cells, pairs = slice(ends[place], ends[place + 1]), slice(bounds[place], bounds[place + 1])
            sums = np.zeros((WINDOWS, N_KINDS, self.dim))
            sums[:, self.cells[cells] % N_KINDS] = self.sums[cells].transpose(1, 0, 2)
            yield UserRecord(
                float(self.at[place]), sums, told.counts[place].copy(),
                (self.pairs[pairs] & ROW_MASK).astype(np.int32), self.weights[pairs].copy(), self.plays[pairs].copy(),
                self.skips[pairs].copy(), self.last[pairs].copy(), self.heard[pairs].copy(),
                self.heard_last[pairs].copy(), float(self.first[place]), self.habits[place].copy(),
                float(told.squares[place]), self.marks.get(place, NO_MARKS),
            )  # fmt: skip

    # -- the bytes of UserRecord.pack

    def pack(self) -> list[bytes]:
        """Each listener's record as UserRecord.pack writes it, in order."""
        kept = np.flatnonzero(self.counts.any(axis=1) | self.sums.any(axis=(1, 2)))
        cells, counts, sums = self.cells[kept], self.counts[kept].astype(np.float32), self.sums.astype(np.float32)
        n_kinds, n_items = np.bincount(cells // N_KINDS, minlength=len(self)), np.diff(self.bounds)
        head = np.zeros(len(self), HEAD)
        head["version"], head["dim"], head["kinds"], head["items"] = 2, self.dim, n_kinds, n_items
        head["version"][list(self.marks)] = UserRecord.FORMAT
        head["at"], head["first"], head["habits"] = self.at, self.first, self.habits
        items = [
            (self.pairs & ROW_MASK).astype(np.int32), self.plays, self.skips, self.heard,
            self.weights.astype(np.float32),
        ]  # fmt: skip
        windows = [_as_stored(counts, n_kinds), _as_stored(sums if len(kept) == len(sums) else sums[kept], n_kinds)]
        parts = [
            _cut(head, np.ones(len(self), np.int64)), _cut(self.last, n_items), _cut(self.heard_last, n_items),
            _cut((cells % N_KINDS).astype(np.int32), n_kinds), *[_cut(column, n_items) for column in items],
            *[_cut(column, n_kinds * WINDOWS) for column in windows],
            [self.marks[place].pack() if place in self.marks else b"" for place in range(len(self))],
        ]  # fmt: skip
        return [b"".join(record) for record in zip(*parts, strict=True)]

    @classmethod
    def unpack(cls, stored: Sequence[bytes | None], dim: int) -> "RecordColumns":
        """The records from UserRecord.pack, of any format; None for a listener who has none yet.

        dim: of the sums. Corrupt when one is no record, or has another dim. No records give no columns.
        """
        blank = UserRecord.empty(dim).pack()
        data, marks = [blank] * len(stored), dict[int, Marks]()
        for place, one in enumerate(stored):
            if one is not None and one.startswith(PLAIN) and len(one) >= HEAD.itemsize:
                data[place] = one
            elif one is not None:
                data[place], said = _plain(one)
                marks |= {place: said} if len(said) else {}
        head: NDArray[Any] = np.frombuffer(b"".join([one[: HEAD.itemsize] for one in data]), HEAD)
        n_kinds, n_items = head["kinds"].astype(np.int64), head["items"].astype(np.int64)
        _check(data, head, dim)
        sizes = [n_items * 8, n_items * 8, n_kinds * 4, *[n_items * 4] * 5, n_kinds * WINDOWS * 4]
        offsets = np.cumsum([np.full(len(data), HEAD.itemsize), *sizes, n_kinds * WINDOWS * 4 * dim], axis=0).tolist()
        last, heard_last, kind, item, plays, skips, heard, weights, counts, sums = (
            b"".join([one[start:stop] for one, start, stop in zip(data, starts, stops, strict=True)])
            for starts, stops in pairwise(offsets)
        )
        places = np.arange(len(data))
        cells = np.repeat(places, n_kinds) * N_KINDS + np.frombuffer(kind, np.int32)
        pairs = np.repeat(places, n_items) << ROW_BITS | np.frombuffer(item, np.int32)
        if (np.diff(pairs) <= 0).any() or (cells // N_KINDS != np.repeat(places, n_kinds)).any():
            raise Corrupt(f"one of {len(data)} user records has damaged items or kinds; run `palate train`")
        return cls(
            head["at"].copy(), head["first"].copy(), head["habits"].copy(),
            cells,
            _by_cell(np.frombuffer(counts, np.float32), n_kinds).astype(np.float64),
            _by_cell(np.frombuffer(sums, np.float32).reshape(-1, dim), n_kinds).astype(np.float64),
            pairs,
            np.frombuffer(weights, np.float32).astype(np.float64), np.frombuffer(plays, np.int32),
            np.frombuffer(skips, np.int32), np.frombuffer(last), np.frombuffer(heard, np.int32),
            np.frombuffer(heard_last), marks,
        )  # fmt: skip


def _plain(data: bytes) -> tuple[bytes, Marks]:
    """The same record without its marks, as format 2 has it; and the marks."""
    record = UserRecord.unpack(data)
    marks, record.marks = record.marks, NO_MARKS
    return record.pack(), marks


def _check(data: list[bytes], head: NDArray[Any], dim: int) -> None:
    """Corrupt for a record whose bytes are not as many as its head says, or whose dim is another."""
    n_kinds, items = head["kinds"].astype(np.int64), head["items"].astype(np.int64)
    size = HEAD.itemsize + items * 36 + n_kinds * (4 + 4 * WINDOWS * (1 + dim))
    sound = (size == [len(one) for one in data]) & (head["dim"] == dim) & (np.minimum(n_kinds, items) >= 0)
    for place in np.flatnonzero(~sound).tolist():
        found = UserRecord.unpack(data[place]).dim  # says what is wrong, unless it is the dim
        raise Corrupt(f"a user record with sums of {found} numbers came, this space has {dim}; run `palate train`")


def _by_cell(stored: NDArray[np.float32], n_kinds: Places) -> NDArray[np.float32]:
    """(c, half-lives, ...) of rows as packed records have them, all kinds of one half-life together."""
    if n_kinds.max(initial=0) <= 1:  # as most have heard one kind
        return stored.reshape(-1, WINDOWS, *stored.shape[1:])
    return stored[_stored_rows(n_kinds)]


def _as_stored(cells: NDArray[np.float32], n_kinds: Places) -> NDArray[np.float32]:
    """The inverse of `_by_cell`."""
    rows = cells.reshape(-1, *cells.shape[2:])
    return rows if n_kinds.max(initial=0) <= 1 else _put(np.empty_like(rows), _stored_rows(n_kinds).ravel(), rows)


def _stored_rows(n_kinds: Places) -> Places:
    """(c, half-lives) where each cell's rows stand among stored ones."""
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(n_kinds)])
    start, width = np.repeat(before[:-1], n_kinds), np.repeat(n_kinds, n_kinds)
    inner = np.arange(len(start)) - start
    rows: Places = (start * WINDOWS + inner)[:, None] + width[:, None] * np.arange(WINDOWS)
    return rows


def _cut(column: NDArray[Any], lengths: Places) -> list[bytes]:
    """The column's bytes in pieces, so many rows in each."""
    data, row = column.tobytes(), column.itemsize * int(np.prod(column.shape[1:]))
    stops = accumulate((lengths * row).tolist(), initial=0)
    return [data[start:stop] for start, stop in pairwise(stops)]


def _totals(where: Places, values: Floats, size: int) -> Floats:
    """(size,) the values summed by where they belong."""
    return np.bincount(where, values, size).astype(np.float64, copy=False)  # of nothing it counts in integers


def _merged(old: Places, touched: Places) -> tuple[Places, Places | slice, Places]:
    """Both, ascending, each value once; where the old ones stand in it, and where the touched ones do."""
    if not len(old):
        return touched, slice(0, 0), np.arange(len(touched))
    place = np.searchsorted(old, touched)
    fresh = old[np.minimum(place, len(old) - 1)] != touched
    if not fresh.any():
        return old, slice(None), place
    place += np.cumsum(fresh) - fresh
    is_old = np.ones(len(old) + int(fresh.sum()), np.bool_)
    is_old[place[fresh]] = False
    before, merged = np.flatnonzero(is_old), np.empty(len(is_old), np.int64)
    merged[before], merged[place[fresh]] = old, touched[fresh]
    return merged, before, place


def _put(column: NDArray[Any], where: Places | slice, values: NDArray[Any]) -> NDArray[Any]:
    """The column, with `values` at some places."""
    column[where] = values
    return column
