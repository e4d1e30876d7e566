"""The archive of a Redis log: the home's own log, which training, evaluation and export read.

    streams --copy--> the home's log      exactly once: listens and the offsets that were copied are one transaction
    streams --trim--                      what is in the archive and in the records of every version in use
    archive --rebuild--> records          of a version that lacks what was trimmed: one that was away, or is new

A version that is promoted again after its records were dropped has offset 0 and is rebuilt too: what the home held
before its streams began is in the archive only.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from palate.core.errors import PalateError
from palate.core.home import Home
from palate.core.locks import alone
from palate.embeddings.bulk import build_records
from palate.embeddings.records import UserRecord
from palate.embeddings.states import UserState
from palate.fresh.engine import embedded, open_log
from palate.fresh.fold import FAULTS, Folder
from palate.fresh.worker import Versions
from palate.listening.backlog import EventLog
from palate.listening.redis_log import RedisLog
from palate.store.record_store import RecordStore

COPY_SECONDS, TRIM_SECONDS = 0.5, 30.0
ENCODE_BLOCK = 4_096

logger = logging.getLogger("palate.fresh")


def chores(home: Home, log: EventLog, store: RecordStore, versions: Versions) -> dict[str, Callable[[], None]]:
    """What the leading worker has to do for the archive, by what it is called in the log; nothing when embedded."""
    if not isinstance(log, RedisLog):
        return {}
    keeper = Keeper(home, log, store, versions)
    return {"archiving": keeper.copy, "rebuilding records": keeper.rebuild, "trimming streams": keeper.trim}


def copy(log: RedisLog) -> int:
    """Brings the archive level with the streams, and gives how many listens that were. Two at once do no harm.

    PalateError when the streams were trimmed beyond this archive, which another home has then.
    """
    copied = 0
    while (found := log.unarchived()) is not None:
        listens, since, upto = found
        if log.archive.take_over(listens, since, upto) is not None:
            copied += len(listens)
    return copied


def copy_of(home: Home) -> None:
    """Brings the home's log level with what was accepted, for who is about to read it; nothing when embedded."""
    if embedded(home):
        return
    with open_log(home) as log:
        if isinstance(log, RedisLog):
            copy(log)


def lags_behind(store: RecordStore, label: str, trimmed: Sequence[int]) -> bool:
    """Whether the records of a version lack something that the streams do not hold any more."""
    offsets = store.standing(label).offsets
    return any(offset < gone for offset, gone in zip(offsets, trimmed, strict=True))


def level(folder: Folder) -> None:
    """For who folds without a worker: rebuilds the records if they can only be had from the archive."""
    if isinstance(folder.log, RedisLog):
        copy(folder.log)
        if lags_behind(folder.store, folder.space, folder.log.trimmed()):
            rebuild(folder, folder.log)


def rebuild(folder: Folder, log: RedisLog) -> list[str]:
    """Makes the records of one version from the whole archive, and puts them in the place of those that there are.

    Gives the listeners whose record cannot be made, who have none then; the others have theirs.
    """
    logger.info("making the records of %s from the archive", folder.space)
    archive, store = log.archive, folder.store
    end, upto = archive.archived()
    n_items = len(folder.item_vectors)
    rows = (folder.items.row(item) for item in archive.item_ids())
    catalog_rows = np.array([row if row is not None and row < n_items else -1 for row in rows], np.int32)
    history = archive.history(catalog_rows, n_items, last_offset=end)
    records = build_records(history, folder.item_vectors, folder.kinds)
    named = ((history.users[row], record) for row, record in records)
    failed: list[str] = []
    store.replace(folder.space, _encoded(folder, named, failed), upto)
    return failed


def _encoded(
    folder: Folder, records: Iterator[tuple[str, UserRecord]], failed: list[str]
) -> Iterator[tuple[str, bytes]]:
    while block := list(islice(records, ENCODE_BLOCK)):
        yield from _states(folder, block, failed)


def _states(folder: Folder, block: list[tuple[str, UserRecord]], failed: list[str]) -> Iterator[tuple[str, bytes]]:
    """The states of a block; halved and halved again around a record that cannot be encoded."""
    encoder, attributes, users = folder.encoder, folder.attributes, [user for user, _ in block]
    try:
        told = attributes.of(users, folder.calendar) if attributes is not None and encoder.reads_attributes else None
        tastes = encoder.encode([record for _, record in block], told)
        if not (np.isfinite(tastes).all() and all(np.isfinite(record.sums).all() for _, record in block)):
            raise ValueError("the taste is not a finite vector")
    except FAULTS as error:
        if len(block) == 1:
            logger.error("a record of %s cannot be made: %s", folder.space, error, exc_info=error)
            failed.append(users[0])
            return
        for half in (block[: len(block) // 2], block[len(block) // 2 :]):
            yield from _states(folder, half, failed)
    else:
        for (user, record), taste in zip(block, tastes, strict=True):
            yield user, UserState(taste, record).pack()


@dataclass
class Keeper:
    """Does these three things from time to time; each may be called in every round of a worker."""

    home: Home
    log: RedisLog
    store: RecordStore
    versions: Versions
    _next: dict[str, float] = field(default_factory=dict)

    def copy(self) -> None:
        """Copies what is new, every COPY_SECONDS."""
        if self._due("copy", COPY_SECONDS):
            copy(self.log)

    def rebuild(self) -> None:
        """Rebuilds the records of each version in use that lacks what the streams do not hold any more."""
        if not self._due("rebuild", COPY_SECONDS):
            return
        trimmed = self.log.trimmed()
        for label in self.versions.labels():
            if lags_behind(self.store, label, trimmed):
                rebuild(self.versions.folder(label), self.log)

    def trim(self) -> None:
        """Trims the streams every TRIM_SECONDS, but not while a training is under way: it will want what comes now."""
        if not self._due("trim", TRIM_SECONDS):
            return
        training = PalateError("a training is under way")
        try:
            with alone(self.home.jobs / ".lock", training):
                trim(self.log, self.store, self.versions.labels())
        except PalateError as error:
            if error is not training:
                raise

    def _due(self, what: str, seconds: float) -> bool:
        if time.monotonic() < self._next.get(what, float("-inf")):
            return False
        self._next[what] = time.monotonic() + seconds
        return True


def trim(log: RedisLog, store: RecordStore, labels: list[str]) -> None:
    """Removes from the streams what is in the archive and in the records of all these versions."""
    held = [log.archive.archived()[1], *(store.standing(label).offsets for label in labels)]
    log.trim([min(offsets) for offsets in zip(*held, strict=True)])
