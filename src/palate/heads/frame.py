"""What was known before each example: the point-in-time join, so that a head cannot learn from the future.

An example is a listener, an item and a moment. Its taste and facts are made from the listens strictly before the
moment, by the code that serves; the item's vector is that of one published version of the space. A version that has
learnt later than the first example would tell of the future through its vectors, so it is refused unless allowed.
"""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns
from palate.core.clock import DAY_SECONDS, Calendar
from palate.core.errors import BadInput, UnknownItem
from palate.core.home import Home
from palate.embeddings.bulk import build_columns
from palate.embeddings.records import UserRecord
from palate.embeddings.space import Space, Spaces
from palate.heads.facts import FACTS, facts
from palate.heads.fitted import columns
from palate.listening.history import History
from palate.listening.listeners import ListenerColumns, read_listeners
from palate.listening.log import ListeningLog
from palate.retrieval.trends import Trends
from palate.store.items import ItemStore

BLOCK_EVENTS, BLOCK_ASKED = 500_000, 4_096  # of one part of the work: about 250 MB at most


@dataclass(frozen=True)
class Frame:
    """n examples, made by `frame`; `examples[rows]` gives some of them, by a mask, positions or a slice.

    space, space_mark  label and mark of the version that the vectors are of
    factors  how many coordinates, the first ones, items and tastes share beside popularity
    users    # (n,) text; rows # (n,) int32 catalogue rows; times # (n,) float64 unix seconds
    tastes   # (q, dim) float32, one for each distinct listener and moment; asked # (n,) int32 which of them
    vectors  # (items, dim) float32 by catalogue row
    facts    # (n, len(FACTS)) float32
    learnt_later  whether the space has learnt from listens after the first example
    simulated     whether the space was trained on simulated listeners
    """

    space: str
    space_mark: str
    factors: int
    users: NDArray[np.str_]
    rows: NDArray[np.int32]
    times: NDArray[np.float64]
    tastes: NDArray[np.float32]
    asked: NDArray[np.int32]
    vectors: NDArray[np.float32]
    facts: NDArray[np.float32]
    learnt_later: bool
    simulated: bool

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def dim(self) -> int:
        return int(self.vectors.shape[1])

    def __getitem__(self, chosen: slice | NDArray[np.bool_] | NDArray[np.integer]) -> "Frame":
        names = ("users", "rows", "times", "asked", "facts")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})

    def columns(self, inputs: Sequence[str]) -> NDArray[np.float32]:
        """(n, p) float32, what a model reads (fitted.py)."""
        return columns(inputs, self.tastes[self.asked], self.vectors[self.rows], self.facts, self.factors)

    def fingerprint(self, labels: NDArray[np.float64]) -> str:
        """32 hex digits that change with who, what, when and the labels, in whatever order of rows."""
        parts = [self.rows.tobytes(), self.times.tobytes(), np.asarray(labels, np.float64).tobytes()]
        return blake2b("\n".join(self.users.tolist()).encode() + b"".join(parts), digest_size=16).hexdigest()


def frame(
    home: Home | Path | str, users: Sequence[str], items: Sequence[str], times: Sequence[float],
    space: str | None = None, learnt_later: bool = False, store: ItemStore | None = None,
) -> Frame:  # fmt: skip
    """Examples from listener ids, item ids and moments (unix seconds), one of each an example, in any order.

    space         label of the version; None for the live one
    learnt_later  allows a version that has learnt after the first moment; what a head says of itself is then too good
    store         the home's items, where this process has them open already: a process opens them once
    Who has no listen before a moment is a stranger then. Popularity is that of the last midnight (home time) before it.
    BadInput for no examples, sequences of different lengths, a time that is no number; UnknownItem for an item that
    the version does not hold. Attributes of listeners (country, ...) are as they are now: no home keeps their history.
    """
    home = (home if isinstance(home, Home) else Home(Path(home))).require()
    spaces = Spaces(home.spaces)
    chosen = spaces.live if space is None else spaces.get(space)
    who, when = np.array(list(users), np.str_), np.array(list(times), np.float64)
    if not len(who) == len(items) == len(when) or not len(who):
        raise BadInput(f"{len(who)} users, {len(items)} items and {len(when)} times came; give as many of each, not 0")
    if not np.isfinite(when).all():
        raise BadInput(f"times[{int(np.argmin(np.isfinite(when)))}] is no number; give unix seconds")
    n_items = int(chosen.manifest["items"])
    with nullcontext(store) if store is not None else ItemStore(home.online / "items") as known:
        rows = _rows(known, items, n_items)
        with ListeningLog(home.log) as log:
            calendar, history = log.calendar(), _history(known, log, n_items, float(when.max()))
    moments = calendar.home_times(when)
    later = bool(chosen.manifest["moment"] > moments.min())
    if later and not learnt_later:
        raise BadInput(
            f"{chosen.label} has learnt from listens after the first example ({_date(when.min())}), which would tell "
            "of its future; use a version of before (palate train --until TIME), or allow it with learnt_later=True"
        )
    asking = _Asking(home, chosen, history, calendar)
    names, code = np.unique(who, return_inverse=True)
    pairs = np.empty(len(who), [("at", np.float64), ("user", np.int64)])
    pairs["at"], pairs["user"] = moments, code
    distinct, inverse = np.unique(pairs, return_inverse=True)  # ascending by moment
    asked = inverse.astype(np.int32)
    tastes, told = asking.answered(names[distinct["user"]].tolist(), distinct["at"].copy(), rows, asked)
    return Frame(
        chosen.label, chosen.mark, chosen.encoder.factors,
        who, rows, when, tastes, asked, chosen.item_vectors, told, later, bool(chosen.manifest.get("simulated", False)),
    )  # fmt: skip


@dataclass(frozen=True)
class _Asking:
    """The listens that the space knows, and what it makes of them."""

    home: Home
    space: Space
    history: History
    calendar: Calendar

    def answered(
        self, users: list[str], moments: NDArray[np.float64], rows: NDArray[np.int32], asked: NDArray[np.int32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Tastes (q, dim) of q listeners at their moments (ascending), and facts (n, len(FACTS)) of the n examples."""
        item_columns = ItemColumns.load(self.space.folder / "columns.npz")
        tastes = np.empty((len(users), self.space.encoder.dim), np.float32)
        out = np.empty((len(rows), len(FACTS)), np.float32)
        by_query = np.argsort(asked, kind="stable")
        bounds = np.searchsorted(asked[by_query], np.arange(len(users) + 1))
        trends: Trends | None = None
        for place, record, taste in self._states(users, moments, item_columns.kind):
            now, tastes[place] = float(moments[place]), taste
            midnight = now // DAY_SECONDS * DAY_SECONDS
            if trends is None or float(trends.moment) != midnight:
                trends = Trends.at(self.history, midnight)
            mine = by_query[bounds[place] : bounds[place + 1]]
            out[mine] = facts(record, now, rows[mine], item_columns, trends)
        return tastes, out

    def _states(
        self, users: list[str], moments: NDArray[np.float64], kinds: NDArray[np.uint8]
    ) -> Iterator[tuple[int, UserRecord, NDArray[np.float32]]]:
        """(place, record, taste) of each, in order. Each listener at each moment is built as a listener of its own."""
        known, encoder = {user: row for row, user in enumerate(self.history.users)}, self.space.encoder
        order = np.argsort(self.history.user, kind="stable")
        first = np.searchsorted(self.history.user[order], np.arange(len(known) + 1))
        times, listened = self.history.timestamp[order], np.array(self.space.listened)
        spans = np.zeros((len(users), 2), np.int64)
        for place, (user, moment) in enumerate(zip(users, moments.tolist(), strict=True)):
            row = known.get(user)
            if row is not None:
                begin, end = first[row], first[row + 1]
                spans[place] = begin, begin + np.searchsorted(times[begin:end], moment, side="left")
        told = self._told(users)
        for block in _blocks(spans[:, 1] - spans[:, 0]):
            mine = np.concatenate([order[begin:end] for begin, end in spans[block]])
            owner = np.repeat(np.arange(len(block), dtype=np.int32), spans[block, 1] - spans[block, 0])
            part = replace(self.history.take(mine), user=owner, users=[users[place] for place in block])
            found: dict[int, tuple[UserRecord, NDArray[np.float32]]] = {}
            for places, records in build_columns(part, listened, kinds):
                tastes = encoder.encode_columns(records, told and told.take(block[places]))
                found |= zip(places.tolist(), zip(records.records(), tastes, strict=True), strict=True)
            for inside, place in enumerate(block.tolist()):
                if inside not in found:
                    nobody = UserRecord.empty(encoder.dim)
                    attributes = told and told.take([place])
                    found[inside] = nobody, encoder.encode([nobody], attributes, float(moments[place]))[0]
                yield place, *found[inside]

    def _told(self, users: list[str]) -> ListenerColumns | None:
        """What is known of the listeners beyond their listens; None when the encoder would not read it."""
        if not self.space.encoder.reads_attributes:
            return None
        return read_listeners(self.home, users).in_home_time(self.calendar)


def _blocks(sizes: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The places 0 .. n - 1 in order, in parts that both bounds hold, or of one."""
    before, start = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]), 0
    while start < len(sizes):
        fits = int(np.searchsorted(before, before[start] + BLOCK_EVENTS, side="right")) - 1
        stop = min(max(fits, start + 1), start + BLOCK_ASKED)
        yield np.arange(start, stop)
        start = stop


def _rows(store: ItemStore, items: Sequence[str], n_items: int) -> NDArray[np.int32]:
    """(n,) catalogue rows; UnknownItem for one that is not among the first `n_items`."""
    found = {item: store.row(item) for item in set(items)}
    for item, row in found.items():
        if row is None or row >= n_items:
            raise UnknownItem(item)
    return np.array([found[item] for item in items], np.int32)


def _history(store: ItemStore, log: ListeningLog, n_items: int, until: float) -> History:
    """The listens before `until` (unix seconds) of items that the space knows."""
    rows = [store.row(item) for item in log.item_ids()]
    known = np.array([-1 if row is None or row >= n_items else row for row in rows], np.int32)
    return log.history(known, n_items, until)


def _date(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M}"
