"""Keeps the records of every version in use level with the log, round after round, whatever fails."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from palate.fresh.fold import Folded, Folder
from palate.fresh.leases import Leases
from palate.fresh.lock import FoldLock, Rounds
from palate.fresh.shares import Shares
from palate.store.record_store import RecordStore

FIRST_BACK_OFF_SECONDS, MAX_BACK_OFF_SECONDS = 0.2, 30.0
SLICE_LISTENS = 4_096  # of a version beside the live one in one turn, for which the live one has to wait: .2 s

T = TypeVar("T")

logger = logging.getLogger("palate.fresh")


class Versions(Protocol):
    """The versions of the space that are in use."""

    def refresh(self) -> None:
        """Looks what is in use now. Called in every round, so it must be quick when nothing changed."""
        ...

    def labels(self) -> list[str]:
        """The live one first, then the others; empty before the first training."""
        ...

    def folder(self, label: str) -> Folder:
        """What folds into one of them; PalateError when it is damaged."""
        ...


class Watch(Protocol):
    """Who is told what a worker does."""

    def folded(self, label: str, folded: Folded, seconds: float) -> None: ...

    def failed(self, what: str) -> None: ...


@dataclass(frozen=True)
class _Rest:
    """After a failure: not again before `until` (monotonic seconds); `seconds` is how long that is."""

    until: float
    seconds: float


class Worker:
    """One of those who fold over a home, in one thread. What fails is tried again, with longer and longer rests.

    folder   where the locks are, the home's `online`
    chores   what else has to be done over a home, by the one worker that leads; each is called in every round
    stopping asked between two steps
    shares   how it shares the listeners with others
    """

    def __init__(
        self, folder: Path, versions: Versions, store: RecordStore, watch: Watch,
        chores: dict[str, Callable[[], None]], stopping: Callable[[], bool], shares: Shares | Leases,
    ) -> None:  # fmt: skip
        self._versions, self._store, self._watch, self._stopping = versions, store, watch, stopping
        self._chores = chores
        self._leading = FoldLock(folder / "fold.lock")
        self._shares, self._rounds = shares, Rounds(folder / "fold")
        self._rests: dict[str, _Rest] = {}
        self._epoch: int | None = None

    def round(self) -> bool:
        """Every version's turn, and the live one's before each other one's. True when one of them lacks more."""
        self._tried("opening what was promoted", self._versions.refresh)
        if self._leading.mine():
            for what, chore in self._chores.items():
                self._tried(what, chore)
        partitions, more = self._tried("sharing the work", self._shares.mine) or (), False
        first, *others = self._versions.labels() or [""]
        for label in [one for other in others for one in (first, other)] or [first]:
            if label and partitions and not self._stopping():
                most = None if label == first else SLICE_LISTENS
                turn = partial(self._fold, label, most, partitions)
                more |= bool(self._tried(f"folding into {label}", turn))
        return more

    def close(self) -> None:
        """Lets go of what it holds; others take it over."""
        self._shares.close()
        self._leading.close()

    def _fold(self, label: str, most: int | None, partitions: tuple[int, ...]) -> bool:
        """One turn of one version; True when it lacks more."""
        with self._rounds.one():
            self._reopened()
            start = time.perf_counter()
            folded = self._versions.folder(label).catch_up(most, partitions)
        if folded.listens:
            self._watch.folded(label, folded, time.perf_counter() - start)
        return most is not None and folded.listens >= most

    def _reopened(self) -> None:
        """After a deletion the store is opened anew: pages that this process has in memory may hold the deleted."""
        epoch = self._store.standing("").epoch
        if self._epoch is not None and epoch != self._epoch:
            self._store.reopen()
        self._epoch = epoch

    def _tried(self, what: str, work: Callable[[], T]) -> T | None:
        """What `work` gives. None when it fails, which is logged and counted, and while it rests."""
        rest = self._rests.get(what, _Rest(0.0, FIRST_BACK_OFF_SECONDS / 2))
        if time.monotonic() < rest.until:
            return None
        try:
            result = work()
        except Exception as error:  # a fault of ours must not end the folding either
            self._watch.failed(what)
            seconds = min(2 * rest.seconds, MAX_BACK_OFF_SECONDS)
            self._rests[what] = _Rest(time.monotonic() + seconds, seconds)
            logger.error("%s failed, again in %.1f s: %s", what, seconds, error, exc_info=error)
            return None
        self._rests.pop(what, None)
        return result
