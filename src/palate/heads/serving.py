"""Heads in the request path: loaded when first asked for, loaded again when another version is promoted.

A head reads the version of the space that it was taught on. Where that is the live one, the query has all it needs.
Where it is pinned beside the live one, the listener's taste is read from the pinned version's records and items take
the pinned version's vectors. Where it is gone, a head that was declared aligned reads the live version that was turned
onto its own. Otherwise it is off. Nothing here raises for a head that cannot answer: a surface goes on without it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.aliases import FILE
from palate.core.artefacts import file_mark
from palate.core.clock import Clock
from palate.core.errors import PalateError, Unavailable
from palate.core.home import Home
from palate.embeddings.records import UserRecord
from palate.embeddings.space import Space, Spaces
from palate.embeddings.states import UserState
from palate.heads.facts import FACTS, facts
from palate.heads.fitted import Fitted
from palate.heads.registry import NAME, Ground, Heads, ground_of
from palate.listening.attributes import Attributes
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.store.record_store import RecordStore

Mark = tuple[tuple[int, int] | None, tuple[int, int] | None]


@dataclass(frozen=True)
class Scores:
    """What a head says of some items.

    values # (n,) float32, NaN for an item that its space does not hold; None when the head cannot answer
    head   label of the version; None when there is none
    space  label of the version whose vectors were read; None when none were
    note   one sentence: why there are no values, or which other space they are from; None when all is as it should be
    """

    values: NDArray[np.float32] | None
    head: str | None = None
    space: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class _Pinned:
    """A space beside the live one; vectors # (items, dim), in memory: a page fault costs more than an answer."""

    space: Space
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class _Served:
    """One head as it stands: `fitted` is None when it is off; `pinned` is set when it reads a space beside the live."""

    mark: Mark
    head: str | None
    ground: Ground
    fitted: Fitted | None = None
    pinned: _Pinned | None = None


class LiveHeads:
    """The heads of a home beside one live space. Reads only; threads may share it."""

    def __init__(self, home: Home, stock: Stock, store: RecordStore, clock: Clock, attributes: Attributes) -> None:
        self._heads, self._spaces, self._stock = Heads(home), Spaces(home.spaces), stock
        self._store, self._clock, self._attributes = store, clock, attributes
        self._served: dict[str, _Served] = {}
        self._beside: dict[str, _Pinned] = {}

    def score(self, name: str, query: Query, rows: NDArray[np.int32], user_id: str | None = None) -> Scores:
        """What the live version of the head `name` says of these items for this listener.

        query   of the live space: its record and taste, and now
        rows    # (n,) int32 catalogue rows that the live space holds; none of them, no values
        user_id whose query it is: needed where the head reads a pinned space; None for nobody in particular
        Never raises for a head that is missing, damaged or off: then `values` is None and `note` says why.
        """
        served = self._current(name)
        if served.fitted is None:
            return Scores(None, served.head, None, served.ground.note)
        if served.pinned is None:
            record, taste, vectors = query.record, query.taste, self._stock.vectors
        else:
            try:
                state = self._state(served.pinned.space, query, user_id)
            except PalateError as error:
                return Scores(None, served.head, None, f"the head {served.head} is off: {error}")
            record, taste, vectors = state.record, state.taste, served.pinned.vectors
        known = rows < len(vectors)
        asked = rows[known]
        told = np.zeros((len(asked), len(FACTS)), np.float32)
        if "facts" in served.fitted.inputs:
            told = facts(record, query.now, asked, self._stock.columns, self._stock.trends)
        values = np.full(len(rows), np.nan, np.float32)
        values[known] = served.fitted.scores(taste[None], vectors[asked], told)
        return Scores(values, served.head, served.ground.space, served.ground.note)

    def told(self) -> list[dict[str, Any]]:
        """Every head as it stands here: name, live label, how it is served, from which space, and a note."""
        return [
            {
                "name": name,
                "head": one.head,
                "serves": one.ground.how,
                "space": one.ground.space,
                "note": one.ground.note,
            }
            for name, one in ((name, self._current(name)) for name in self._heads.names())
        ]

    def _current(self, name: str) -> _Served:
        """The head as it stands; looked at again when its history or that of the spaces has changed, at two stats."""
        if not NAME.fullmatch(name):
            return _Served((None, None), None, Ground("off", None, f"there is no head {name[:80]!r}"))
        home = self._heads.home
        mark = (file_mark(home.heads / f"{name}.jsonl"), file_mark(home.spaces / FILE))
        before = self._served.get(name)
        if before is not None and before.mark == mark:
            return before
        served = self._opened(name, mark)
        if mark[0] is not None:  # what does not exist is cheap to look for again, and requests may make up names
            self._served[name] = served
        return served

    def _opened(self, name: str, mark: Mark) -> _Served:
        label: str | None = None
        try:
            label = self._heads.live(name)
            if label is None:
                return _Served(mark, None, Ground("off", None, f"no version of the head {name[:80]!r} is live"))
            fitted, manifest = self._heads.load(label)
            ground = ground_of(label, manifest, self._spaces)
            if ground.how == "off":
                return _Served(mark, label, ground)
            if ground.space == self._stock.space:
                return _Served(mark, label, ground, fitted)
            return _Served(mark, label, ground, fitted, self._space_beside(str(ground.space)))
        except (PalateError, OSError) as error:
            return _Served(mark, label, Ground("off", None, f"the head {label or name[:80]} is off: {error}"))

    def _space_beside(self, label: str) -> _Pinned:
        """Heads of one space share what was read of it."""
        if label not in self._beside:
            space = self._spaces.get(label)
            self._beside[label] = _Pinned(space, np.array(space.item_vectors))
        return self._beside[label]

    def _state(self, space: Space, query: Query, user_id: str | None) -> UserState:
        """The listener in the pinned space, a stranger's for a stranger; Unavailable where that space missed them."""
        stored = None if user_id is None else self._store.get(space.label, user_id)
        if stored is not None:
            return UserState.unpack(stored)
        if not query.stranger:
            raise Unavailable(
                f"{space.label} has no record of this listener; run palate fresh, or train the head again"
            )
        encoder, record = space.encoder, UserRecord.empty(space.encoder.dim)
        told = self._attributes.of([user_id], self._clock.calendar) if user_id and encoder.reads_attributes else None
        return UserState(encoder.encode([record], told, query.now)[0], record)
