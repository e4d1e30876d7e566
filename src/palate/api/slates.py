"""Slates that were answered: kept for further pages, and written to the answer log beside the requests.

A request only hands its answer over. A thread writes what has gathered in one transaction; when it cannot keep up,
answers are dropped from the log and counted, and no request waits.
"""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from palate.api.metrics import Metrics
from palate.core.clock import DAY_SECONDS, HOUR_SECONDS
from palate.core.errors import PalateError
from palate.listening.airing import Airing
from palate.listening.deleted import DeletedUsers
from palate.listening.slates import PRUNED_AT_ONCE, Answered, SlateLog, SlateSettings

GATHER_SECONDS = 0.2  # so long answers gather for one commit, each of which costs a sync of the disk
MOST_WAITING = 2_000  # answers; at 100 a second, 20 s without a disk

logger = logging.getLogger("palate.api")


class SlateWriter:
    """Writes answers to the log from a thread of its own. `put` may be called from any thread."""

    def __init__(self, log: SlateLog, settings: SlateSettings, metrics: Metrics, wall: Callable[[], float]) -> None:
        self._log, self._settings, self._metrics, self._wall = log, settings, metrics, wall
        self._waiting: deque[Answered | Airing] = deque()
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._prune_at = 0.0
        self._thread = threading.Thread(target=self._run, name="slates", daemon=True)
        self._thread.start()

    def put(self, one: Answered | Airing) -> None:
        """Hands an answer, or a further page that was shown, over; drops and counts it when too many wait."""
        if len(self._waiting) >= MOST_WAITING:
            self._metrics.slates.labels("dropped").inc()
            return
        self._waiting.append(one)
        self._wake.set()

    def close(self) -> None:
        """Ends the thread once all that was handed over is written."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            self._wake.wait(HOUR_SECONDS)
            self._stopping.wait(GATHER_SECONDS)
            self._wake.clear()
            stopping = self._stopping.is_set()  # before taking: what was handed over before `close` is in here
            self._write([self._waiting.popleft() for _ in range(len(self._waiting))])
            self._prune()

    def _write(self, taken: list[Answered | Airing]) -> None:
        """All in one transaction; if that is refused, one by one, so that one bad answer harms only itself."""
        answered = [one for one in taken if isinstance(one, Answered)]
        turned = [one for one in taken if isinstance(one, Airing)]
        try:
            if taken:
                self._log.append(answered, turned)
                self._metrics.slates.labels("logged").inc(len(answered))
        except PalateError as error:
            if len(taken) > 1:
                for one in taken:
                    self._write([one])
                return
            self._metrics.slates.labels("failed").inc()
            logger.error("an answer was not logged: %s", error)

    def _prune(self) -> None:
        if time.monotonic() < self._prune_at:
            return
        self._prune_at = time.monotonic() + HOUR_SECONDS
        try:
            if self._log.prune(self._wall() - self._settings.keep_days * DAY_SECONDS) == PRUNED_AT_ONCE:
                self._prune_at = 0.0
        except PalateError as error:
            logger.error("old answers were not forgotten: %s", error)


class KeptSlates:
    """The latest slates of this process, by id; behind them the log. Threads may share one."""

    def __init__(self, log: SlateLog | None, writer: SlateWriter | None, deleted: DeletedUsers, most: int) -> None:
        self._log, self._writer, self._deleted, self._most = log, writer, deleted, most
        self._kept: OrderedDict[str, Answered] = OrderedDict()  # longest unused first
        self._turn = threading.Lock()

    def keep(self, one: Answered) -> None:
        """Keeps an answer for further pages, and has it logged."""
        with self._turn:
            self._forget_deleted()
            self._kept.setdefault(one.slate.slate_id, one)  # the first one stays, as in the log
            self._kept.move_to_end(one.slate.slate_id)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        if self._writer is not None:
            self._writer.put(one)

    def shown(self, one: Airing) -> None:
        """Has a further page logged."""
        if self._writer is not None:
            self._writer.put(one)

    def find(self, slate_id: str) -> Answered | None:
        """An answer that was given; None for one that is not known or is forgotten. Reads the log if need be."""
        with self._turn:
            self._forget_deleted()
            found = self._kept.get(slate_id)
            if found is not None:
                self._kept.move_to_end(slate_id)
                return found
        return None if self._log is None else self._log.find(slate_id)

    def close(self) -> None:
        """Writes what waits."""
        if self._writer is not None:
            self._writer.close()

    def _forget_deleted(self) -> None:
        if self._deleted.refresh():
            self._kept.clear()


def open_slates(
    log: SlateLog | None, deleted: DeletedUsers, settings: SlateSettings, metrics: Metrics, wall: Callable[[], float]
) -> KeptSlates:
    """What a server keeps of its answers; without a log they are kept in memory only."""
    writer = None if log is None else SlateWriter(log, settings, metrics, wall)
    return KeptSlates(log, writer, deleted, settings.in_memory)
