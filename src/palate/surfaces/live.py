"""A trained home, opened for answering: the live space, the listeners' states, the items, the time."""

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns
from palate.core.clock import Clock
from palate.core.errors import BadInput, UnknownItem
from palate.core.home import Home
from palate.core.slate import Slate
from palate.embeddings.records import UserRecord
from palate.embeddings.space import Space, Spaces
from palate.embeddings.states import UserState
from palate.fresh.engine import open_store
from palate.listening.attributes import Attributes
from palate.ranking.ranker import Ranker
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.retrieval.trends import Trends
from palate.store.index import VectorIndex
from palate.store.items import ItemStore
from palate.store.record_store import RecordStore
from palate.surfaces.explain import KeptLabels
from palate.surfaces.for_you import FOR_YOU, FOR_YOU_UNHEARD
from palate.surfaces.freshness import Taken, Tastes
from palate.surfaces.onboarding import Onboarding
from palate.surfaces.path import RequestPath
from palate.surfaces.radio import RADIO
from palate.surfaces.similar import SIMILAR

SURFACES = ("for_you", "radio", "similar")
MOST_ITEMS = 1_000  # in one slate
RADIO_SEEDS = 5  # latest items that a radio without a seed starts from


def open_stock(space: Space) -> Stock:
    """The stock of a published space, as of the moment when it was trained."""
    folder = space.folder
    columns, trends = ItemColumns.load(folder / "columns.npz"), Trends.load(folder / "trends.npz")
    index = VectorIndex.load(folder / "index")
    vectors, listened = np.array(space.item_vectors), np.array(space.listened)
    stranger = space.encoder.stranger
    return Stock(space.label, columns, vectors, listened, index, space.company, trends, stranger, space.fold_in)


@dataclass(frozen=True)
class LiveHome:
    """Answers requests from one home. Reads only; records change when a Folder writes them.

    tastes  how fresh each surface's answers are; None: every request reads the records
    """

    home: Home
    space: Space
    clock: Clock
    store: RecordStore
    items: ItemStore
    attributes: Attributes
    tastes: Tastes | None = None

    @classmethod
    def open(cls, home: Home, clock: Clock, readonly: bool = True) -> "LiveHome":
        """Opens the live space; NotTrained when there is none."""
        space = Spaces(home.require().spaces).live
        return cls(
            home,
            space,
            clock,
            open_store(home, readonly),
            ItemStore(home.online / "items"),
            Attributes(home.listeners),
        )

    @cached_property
    def path(self) -> RequestPath:
        """The request path over the live space."""
        ranker = Ranker.load(self.space.folder / "ranker.txt")
        return RequestPath(open_stock(self.space), ranker, KeptLabels(self.items))

    @cached_property
    def onboarding(self) -> Onboarding:
        """What a new listener may pick, and what to offer them."""
        return Onboarding.of(self.path.stock, self.items, self.store)

    def state(self, user_id: str) -> UserState:
        """The listener's taste and record; of who has none, what the attributes say, else a stranger's.

        A stored taste has read the attributes as they were at its latest listen.
        """
        return self._state(user_id, self.store.get(self.space.label, user_id))

    def _state(self, user_id: str, stored: bytes | None) -> UserState:
        if stored is not None:
            return UserState.unpack(stored)
        encoder, record = self.space.encoder, UserRecord.empty(self.space.encoder.dim)
        told = self.attributes.of([user_id], self.clock.calendar) if encoder.reads_attributes else None
        return UserState(encoder.encode([record], told, self.clock.now())[0], record)

    def read(self, user_id: str) -> Taken:
        """The listener's state as it is stored now, and the offset of the log that it is level with."""
        stored, offset = self.store.read(self.space.label, user_id)
        return Taken(self._state(user_id, stored), offset)

    def taken(self, user_id: str, surface: str) -> Taken:
        """The same for an answer of this surface: as fresh as the surface wants it."""
        read = partial(self.read, user_id)
        return read() if self.tastes is None else self.tastes.taken(surface, user_id, read)

    def age_seconds(self, taken: Taken) -> float | None:
        """The time since the latest listen in a taste, in home time; None for a stranger's."""
        return None if taken.stranger else max(self.clock.now() - taken.state.record.at, 0.0)

    def row(self, item_id: str) -> int:
        """The catalogue row of an item; UnknownItem when the live space does not hold it."""
        row = self.items.row(item_id)
        if row is None or row >= self.path.stock.n_items:
            raise UnknownItem(item_id)
        return int(row)

    def query(self, user_id: str | None, seeds: list[str], exclude: list[str], surface: str = FOR_YOU.name) -> Query:
        """Hydrates a request. Excluded ids that are unknown exclude nothing; an unknown seed is an error."""
        taken = self.taken(user_id, surface) if user_id is not None else None
        state = self.state("") if taken is None else taken.state
        excluded = [row for one in exclude if (row := self.items.row(one)) is not None]
        rows = np.array([self.row(seed) for seed in seeds], np.int32)
        offset = None if taken is None else taken.offset
        return Query(state.record, state.taste, self.clock.now(), rows, np.array(excluded, np.int32), offset)

    def for_you(self, user_id: str, n: int, exclude: list[str] | None = None, unheard: bool = False) -> Slate:
        """The listener's own slate; `unheard` leaves out what they ever played."""
        recipe = FOR_YOU_UNHEARD if unheard else FOR_YOU
        return self.path.answer(recipe, self.query(user_id, [], exclude or []), checked(n), user_id)

    def similar(self, item_id: str, n: int) -> Slate:
        """What goes with an item."""
        return self.path.answer(SIMILAR, self.query(None, [item_id], []), checked(n), None)

    def radio(self, user_id: str | None, seeds: list[str], n: int, exclude: list[str] | None = None) -> Slate:
        """What to play next from seeds, or from the listener's latest items when there are none."""
        query = self.query(user_id, seeds, exclude or [], RADIO.name)
        if not len(query.seeds):
            query = replace(query, seeds=self._latest(query.record))
        return self.path.answer(RADIO, query, checked(n), user_id)

    def surface(self, name: str, user_id: str, n: int, seeds: list[str], exclude: list[str], unheard: bool) -> Slate:
        """A surface by name; BadInput lists the names."""
        if name == "for_you":
            return self.for_you(user_id, n, exclude, unheard)
        if name == "radio":
            return self.radio(user_id, seeds, n, exclude)
        if name == "similar" and len(seeds) == 1:
            return self.similar(seeds[0], n)
        if name == "similar":
            raise BadInput(f"similar needs exactly one seed item, got {len(seeds)}; add seed=ITEM")
        raise BadInput(f"no surface {name[:40]!r}; choose from {', '.join(SURFACES)}")

    def _latest(self, record: UserRecord) -> NDArray[np.int32]:
        wanted = (record.plays > 0) & ~np.isin(record.items, record.hidden)
        played = np.flatnonzero(wanted & (record.items < self.path.stock.n_items))
        return record.items[played[np.argsort(-record.last[played], kind="stable")[:RADIO_SEEDS]]]


def checked(n: int) -> int:
    """`n`, if a slate can be that long; else BadInput."""
    if not 1 <= n <= MOST_ITEMS:
        raise BadInput(f"n = {n} must be between 1 and {MOST_ITEMS:,}")
    return n
