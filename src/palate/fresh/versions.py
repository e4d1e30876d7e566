"""The versions in use of a home, for a worker that runs without a server."""

import time
from collections.abc import Callable

from palate.core.aliases import FILE
from palate.core.artefacts import file_mark
from palate.core.clock import Calendar
from palate.core.errors import NotTrained
from palate.core.home import Home
from palate.embeddings.space import Space, Spaces
from palate.fresh.dead import DeadLetters
from palate.fresh.fold import Folder
from palate.listening.attributes import Attributes
from palate.listening.backlog import EventLog
from palate.store.items import ItemStore
from palate.store.record_store import RecordStore

REFRESH_SECONDS = 1.0


class HomeVersions:
    """Reads aliases and items again when they changed. Only what folding needs is loaded: no index, no ranker."""

    def __init__(
        self, home: Home, log: EventLog, store: RecordStore, dead: DeadLetters,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._home, self._log, self._store, self._dead, self._clock = home, log, store, dead, clock
        self._attributes = Attributes(home.listeners)
        self._items: ItemStore | None = None
        self._folders: dict[str, Folder] = {}
        self._labels: list[str] = []
        self._calendar = Calendar()
        self._seen: tuple[int, int] | None = None
        self._look_at = float("-inf")

    def refresh(self) -> None:
        """Looks at the time of the file of aliases always, and at items and pauses once a second."""
        seen = file_mark(self._home.spaces / FILE)
        if seen == self._seen and self._clock() < self._look_at:
            return
        self._look_at = self._clock() + REFRESH_SECONDS
        if seen is not None:
            spaces = Spaces(self._home.spaces)
            live = spaces.aliases.standing().live
            self._renew()
            self._labels = sorted(spaces.in_use, key=lambda label: label != live)
            self._folders = {one: folder for one, folder in self._folders.items() if one in self._labels}
        self._seen = seen

    def labels(self) -> list[str]:
        """The live one first; empty before the first training."""
        return self._labels

    def folder(self, label: str) -> Folder:
        """Made when first asked for."""
        if self._items is None:
            raise NotTrained(f"{self._home.root} has no items online; run `palate train`")
        if label not in self._folders:
            space = Space(self._home.spaces / label)
            self._folders[label] = Folder.of(
                space, self._log, self._store, self._items, self._calendar, self._attributes, self._dead
            )
        return self._folders[label]

    def close(self) -> None:
        """Gives the files back that it opened."""
        self._folders.clear()
        if self._items is not None:
            self._items.close()
            self._items = None

    def _renew(self) -> None:
        """Forgets what was made from items or pauses that are no longer so."""
        path, calendar = self._home.online / "items", self._log.calendar()
        if self._items is None or self._items.version != ItemStore.live_version(path) or calendar != self._calendar:
            self.close()
            self._items, self._calendar = ItemStore(path), calendar
