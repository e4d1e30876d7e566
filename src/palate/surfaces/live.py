"""A trained home, opened for answering: the live space, the listeners' states, the items, the time."""

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns
from palate.catalog.kept import FILE as PLAYLISTS
from palate.catalog.kept import KeptPlaylists
from palate.core.clock import Clock
from palate.core.errors import UnknownItem
from palate.core.home import Home
from palate.core.settings import Settings, read_settings
from palate.embeddings.company import Company
from palate.embeddings.records import UserRecord
from palate.embeddings.space import Space, Spaces
from palate.embeddings.states import UserState
from palate.embeddings.statics import COUNTRY
from palate.fresh.engine import open_store
from palate.heads.serving import LiveHeads
from palate.listening.attributes import Attributes
from palate.listening.listeners import ListenerColumns
from palate.ranking.actions import weights_of
from palate.ranking.arrange import ArrangeSettings
from palate.ranking.ranker import Ranker
from palate.retrieval.crowds import FILE as CROWDS
from palate.retrieval.crowds import Crowds
from palate.retrieval.filters import FilterSettings
from palate.retrieval.leaning import leaned
from palate.retrieval.query import Aired, Query
from palate.retrieval.stock import Stock
from palate.retrieval.trends import Trends
from palate.store.index import VectorIndex
from palate.store.items import ItemStore, words_of
from palate.store.record_store import RecordStore
from palate.store.words import WordIndex
from palate.surfaces.airings import Airings
from palate.surfaces.ask import Ask
from palate.surfaces.explain import KeptLabels
from palate.surfaces.freshness import FreshnessSettings, Taken, Tastes
from palate.surfaces.head_settings import HeadSettings
from palate.surfaces.heads import Opinion
from palate.surfaces.limits import limits_of
from palate.surfaces.onboarding import Onboarding
from palate.surfaces.path import RequestPath
from palate.surfaces.seeds import Seeds

RANKER, COMPANY = "ranker.txt", "company.npz"
# Files of a space that answers can be made without, and what they are then like.
REPLACED = {RANKER: "the order is that of the taste", COMPANY: "nothing is offered for being heard together"}


def open_stock(space: Space) -> Stock:
    """The stock of a published space, as of the moment when it was trained."""
    folder = space.folder
    columns, trends = ItemColumns.load(folder / "columns.npz"), Trends.load(folder / "trends.npz")
    index = VectorIndex.load(folder / "index")
    vectors, listened = np.array(space.item_vectors), np.array(space.listened)
    crowds = Crowds.load(folder / CROWDS) if (folder / CROWDS).is_file() else None
    company = space.company if (folder / COMPANY).is_file() else Company.none(len(columns))
    stranger = space.encoder.stranger
    return Stock(space.label, columns, vectors, listened, index, company, trends, stranger, space.fold_in, crowds)


@dataclass(frozen=True)
class LiveHome:
    """Answers requests from one home. Reads only; records change when a Folder writes them.

    tastes  how fresh each surface's answers are; None: every request reads the records
    airings what listeners were shown before; None: nothing is kept of it
    """

    home: Home
    space: Space
    clock: Clock
    store: RecordStore
    items: ItemStore
    attributes: Attributes
    tastes: Tastes | None = None
    airings: Airings | None = None

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
        file, knobs = self.space.folder / RANKER, self._settings.section(ArrangeSettings)
        ranker = Ranker.load(file) if file.is_file() else Ranker(None)
        weights = weights_of(self._settings, FreshnessSettings().surfaces)
        return RequestPath(open_stock(self.space), ranker, KeptLabels(self.items), knobs, weights)

    @cached_property
    def lacking(self) -> str | None:
        """Which files of the space are gone, and what answers are like without, in a sentence; None for none."""
        gone = {name: so for name, so in REPLACED.items() if not (self.space.folder / name).is_file()}
        what = f"{self.space.label} has lost {' and '.join(gone)}, so {' and '.join(gone.values())}"
        return f"{what}; train again." if gone else None

    @cached_property
    def _settings(self) -> Settings:
        return read_settings(self.home.settings)

    @cached_property
    def _filters(self) -> FilterSettings:
        return self._settings.section(FilterSettings)

    @cached_property
    def onboarding(self) -> Onboarding:
        """What a new listener may pick, and what to offer them."""
        return Onboarding.of(self.path.stock, self.items, self.store)

    @property
    def playlists(self) -> KeptPlaylists:
        """What each playlist held at the latest training, without those of who was deleted since."""
        return KeptPlaylists.load(self.home.online / PLAYLISTS)

    @cached_property
    def seeds(self) -> Seeds:
        """From what a request names to rows to start from."""
        return Seeds(
            self.path.stock,
            self.find,
            lambda: self.onboarding.choices,
            lambda: self.playlists,
            lambda user_id: self.state(user_id).record,
        )

    @cached_property
    def heads(self) -> LiveHeads:
        """What other teams' heads say of items; each is loaded when first asked for."""
        return LiveHeads(self.home, self.path.stock, self.store, self.clock, self.attributes)

    @cached_property
    def _asks(self) -> HeadSettings:
        return self._settings.section(HeadSettings)

    def opinion(self, surface: str, query: Query, rows: NDArray[np.int32], user_id: str | None) -> Opinion:
        """What the head that [heads] names for the surface says of these rows; no values where it names none.

        Never raises for a head that is missing, damaged or off: the note says so.
        """
        name = self._asks.of(surface)
        return Opinion.of(self.heads.score(name, query, rows, user_id)) if name else Opinion()

    @cached_property
    def names(self) -> WordIndex:
        """The words of the names of artists and shows, by their places in `onboarding.choices`."""
        choices = self.onboarding.choices
        return WordIndex.of((words_of(name) for name in choices.names), choices.plays)

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
        row = self.find(item_id)
        if row is None:
            raise UnknownItem(item_id)
        return row

    def find(self, item_id: str) -> int | None:
        """The catalogue row of an item; None when the live space does not hold it."""
        row = self.items.row(item_id)
        return None if row is None or row >= self.path.stock.n_items else int(row)

    def query(self, ask: Ask, surface: str) -> Query:
        """Hydrates a request. Excluded ids that are unknown exclude nothing; for an unknown seed see seeds.py."""
        taken = self.taken(ask.user_id, surface) if ask.user_id is not None else None
        state = self.state("") if taken is None else taken.state
        excluded = [row for one in ask.exclude if (row := self.items.row(one)) is not None]
        now, stock = self.clock.now(), self.path.stock
        told = ListenerColumns({}) if ask.user_id is None else self.attributes.of([ask.user_id], self.clock.calendar)
        return Query(
            state.record, leaned(state.taste, state.record.marks, now, stock), now, seeds=self.seeds.rows(ask.seeds),
            exclude=np.array(excluded, np.int32), steer=ask.steer, limits=limits_of(told, self._filters, stock.columns),
            listener=ask.user_id, country=told.values.get(COUNTRY, [None])[0],
            aired=self.aired(ask, surface, state.record),
            offset=None if taken is None else taken.offset,
        )  # fmt: skip

    def aired(self, ask: Ask, surface: str, record: UserRecord) -> Aired | None:
        """What this surface showed the listener before; None where nothing is kept, nobody asks, or in private."""
        if self.airings is None or ask.user_id is None or ask.private:
            return None
        return self.airings.of(ask.user_id, surface, record, self.clock)
