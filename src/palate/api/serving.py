"""What one server process holds open: the log, the listeners' records, and every version in use as it is now."""

from collections.abc import Callable

from palate.api.arrivals import ArrivalsBySequence
from palate.core.aliases import FILE
from palate.core.artefacts import file_mark
from palate.core.clock import Calendar, Clock
from palate.core.errors import NotTrained
from palate.core.home import Home
from palate.core.settings import read_settings
from palate.embeddings.space import Space, Spaces
from palate.fresh.engine import open_log, open_store
from palate.listening.attributes import Attributes
from palate.listening.deleted import DeletedUsers
from palate.listening.slates import FILE as SLATES
from palate.listening.slates import SlateLog, SlateSettings
from palate.store.items import ItemStore
from palate.surfaces.airings import Airings
from palate.surfaces.ask import Ask
from palate.surfaces.freshness import FreshnessSettings, Tastes
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer


class Serving:
    """Opened once for each process and closed at its end. `live` is replaced as a whole, so a request takes it once.

    An untrained home can be opened: it accepts events, and answers once `palate train` has run.
    """

    def __init__(self, home: Home, wall: Callable[[], float]) -> None:
        self.home, self.wall = home.require(), wall
        self.log = open_log(home)
        self.arrivals = ArrivalsBySequence(self.log.sequences)
        self.store = open_store(home)  # written too: LMDB opens a file once in a process
        self._seen: tuple[tuple[int, int] | None, Calendar] = (None, Calendar())
        self._live: LiveHome | None = None
        self._in_use: dict[str, LiveHome] = {}
        self._items: ItemStore | None = None
        self._attributes = Attributes(self.home.listeners)  # of all versions
        told = read_settings(self.home.settings)
        self._freshness, self.slate_settings = told.section(FreshnessSettings), told.section(SlateSettings)
        self.slate_log = SlateLog(self.home.listening / SLATES) if self.slate_settings.keep_days else None
        self._airings = None if self.slate_log is None else Airings(self.slate_log)
        self.refresh()

    @property
    def live(self) -> LiveHome:
        """The live home; NotTrained when there is none yet."""
        if self._live is None:
            raise NotTrained(f"{self.home.root} has no trained space yet; run `palate train`")
        return self._live

    @property
    def trained(self) -> bool:
        """Whether there is a live space to answer from."""
        return self._live is not None

    @property
    def versions(self) -> dict[str, LiveHome]:
        """By label, every version that may be asked for: the live one first, then the others in use.

        Their parts are loaded when first asked for, so one that is damaged is among them too.
        """
        live = self._live
        return ({} if live is None else {live.space.label: live}) | {
            label: version for label, version in self._in_use.items() if live is None or label != live.space.label
        }

    @property
    def moved(self) -> bool:
        """Whether an alias or a pin has moved since `refresh`; one look at a file's time."""
        return file_mark(self.home.spaces / FILE) != self._seen[0]

    def refresh(self) -> bool:
        """Opens what was promoted since; until it is ready the old space answers. True when something changed.

        Slow (it loads a space), so it runs outside the event loop. Raises PalateError when the new space is damaged.
        """
        self.forget_deleted()
        seen = (file_mark(self.home.spaces / FILE), self.log.calendar())
        if seen == self._seen or seen[0] is None:
            return False
        spaces, clock = Spaces(self.home.spaces), Clock(seen[1], self.wall)
        label, in_use = spaces.aliases.standing().live, spaces.in_use
        if not in_use:
            self._in_use, self._seen = {}, seen
            return False
        items = self._current_items()
        self._in_use = {one: self._version(one, clock, items) for one in in_use}
        if label is None or (self._live is not None and (label, seen[1]) == (self._live.space.label, self._seen[1])):
            self._seen = seen  # a version was proposed, pinned or refused; the live one is as it was
            return False
        live = self._opened(spaces.live, clock, items)
        _warm(live)
        self._live, self._seen = live, seen
        return True

    def forget_deleted(self) -> None:
        """Drops the tastes that were kept for later answers, if somebody was deleted since they were read."""
        for version in self.versions.values():
            if version.tastes is not None:
                version.tastes.forget_deleted()

    def close(self) -> None:
        """Gives the files back."""
        if self._live is not None:
            self._live.items.close()
        if self._items is not None:
            self._items.close()
        if self.slate_log is not None:
            self.slate_log.close()
        self.store.close()
        self.log.close()

    def _version(self, label: str, clock: Clock, items: ItemStore) -> LiveHome:
        """One of those in use; the same as before while nothing changed, since it may have loaded much."""
        before = self._in_use.get(label)
        if before is not None and before.items is items and before.clock.calendar == clock.calendar:
            return before
        return self._opened(Space(self.home.spaces / label), clock, items)

    def _opened(self, space: Space, clock: Clock, items: ItemStore) -> LiveHome:
        tastes = Tastes(self._freshness, DeletedUsers.of(self.home))  # empty: another version has other tastes
        return LiveHome(self.home, space, clock, self.store, items, self._attributes, tastes, self._airings)

    def _current_items(self) -> ItemStore:
        """The item store as it is on disk; the open one when it still is that version.

        A replaced store is not closed here: requests under way read it, and the last of them lets it go.
        """
        path = self.home.online / "items"
        if self._items is None or self._items.version != ItemStore.live_version(path):
            self._items = ItemStore(path)
        return self._items


def _warm(live: LiveHome) -> None:
    """Loads what the first request would have to wait for."""
    stock = live.path.stock
    stock.directions, stock.lengths, stock.plays, stock.popular, stock.new  # noqa: B018  # cached when first read
    answer(live, "for_you", Ask(next(live.store.users(live.space.label), ""), 1))
