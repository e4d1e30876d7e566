"""A trained home opened by a command, rather than by a server."""

import time
from dataclasses import dataclass, replace

from palate.core.clock import Clock
from palate.core.errors import PalateError
from palate.core.home import Home
from palate.embeddings.space import Space, Spaces
from palate.fresh.archive import level
from palate.fresh.dead import FILE as DEAD
from palate.fresh.dead import DeadLetters
from palate.fresh.engine import open_log, open_store
from palate.fresh.fold import Folded, Folder
from palate.fresh.lock import FoldLock, Rounds
from palate.jobs.slates import airings
from palate.listening.attributes import Attributes
from palate.listening.backlog import EventLog
from palate.listening.log import ListeningLog
from palate.store.items import ItemStore
from palate.store.record_store import RecordStore
from palate.surfaces.live import LiveHome


def open_live(home: Home, readonly: bool = True) -> LiveHome:
    """The live space, ready to answer at the present time of the home."""
    with ListeningLog(home.require().log) as log:
        clock = Clock(log.calendar(), time.time)
    return replace(LiveHome.open(home, clock, readonly), airings=airings(home))


@dataclass(frozen=True)
class CaughtUp(Folded):
    """What one `catch_up` did to the live space's records, and to those beside them.

    space   label of the live space
    beside  by label, what it did to the other versions in use
    failed  by label, why one of those could not be folded into
    """

    space: str
    beside: dict[str, Folded]
    failed: dict[str, str]


def catch_up(home: Home) -> CaughtUp:
    """Folds what the records of every version in use lack, the live one first.

    A damaged version stops none of the others, and what cannot be folded goes to the dead letters. PalateError when a
    server is doing all this already, and when the live space is the damaged one.
    """
    lock = FoldLock(home.require().online / "fold.lock")
    try:
        if not lock.mine():
            raise PalateError(f"a running server keeps {home.root} fresh already; nothing to do")
        spaces = Spaces(home.spaces)
        live, in_use = spaces.live, spaces.in_use
        with (
            open_log(home) as log,
            open_store(home) as store,
            ItemStore(home.online / "items") as items,
            DeadLetters(home.online / DEAD) as dead,
            Rounds(home.online / "fold").one(),
        ):
            folded, failed = _each(home, in_use, log, store, items, dead)
    finally:
        lock.close()
    if live.label in failed:
        raise failed[live.label]
    done = folded.pop(live.label)
    told = {label: str(error) for label, error in failed.items()}
    return CaughtUp(done.listens, done.listeners, done.offset, live.label, folded, told)


def _each(
    home: Home, labels: list[str], log: EventLog, store: RecordStore, items: ItemStore, dead: DeadLetters
) -> tuple[dict[str, Folded], dict[str, PalateError]]:
    """By label, what was folded; and what went wrong."""
    folded: dict[str, Folded] = {}
    failed: dict[str, PalateError] = {}
    attributes = Attributes(home.listeners)
    for label in labels:
        try:
            space = Space(home.spaces / label)
            folder = Folder.of(space, log, store, items, log.calendar(), attributes, dead)
            level(folder)
            folded[label] = folder.catch_up()
        except PalateError as error:
            failed[label] = error
    return folded, failed
