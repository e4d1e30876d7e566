"""Keeps the records level with the log and the live space current, beside the requests and in its own thread."""

import asyncio
import logging
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from palate.api.metrics import Metrics
from palate.api.serving import Serving
from palate.fresh.fold import Folder
from palate.fresh.lock import FoldLock
from palate.surfaces.live import LiveHome

POLL_SECONDS = 0.1  # for what other processes append; our own posts wake the follower
REFRESH_SECONDS = 1.0
MAX_BACK_OFF_SECONDS = 30.0
MAX_MARKS = 1_000

logger = logging.getLogger("palate.api")


class Lag:
    """For how long the oldest listen that is in the log and not in the records has been waiting."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._marks: deque[tuple[int, float]] = deque()  # (log's end, when it was first seen), ascending

    def seconds(self, end: int, folded: int, moment: float) -> float:
        """0.0 when `folded` has reached `end`; `moment` is any clock that does not run backwards."""
        with self._turn:
            while self._marks and self._marks[0][0] <= folded:
                self._marks.popleft()
            newest = self._marks[-1][0] if self._marks else folded
            if end > newest and len(self._marks) < MAX_MARKS:
                self._marks.append((end, moment))
            return moment - self._marks[0][1] if self._marks else 0.0


class Follower:
    """Folds new listens and opens newly promoted spaces, until it is stopped. Failures are logged and tried again."""

    def __init__(self, serving: Serving, metrics: Metrics) -> None:
        self._serving, self._metrics = serving, metrics
        self._lock = FoldLock(serving.home.online / "fold.lock")
        self._lag = Lag()
        self._folder: tuple[LiveHome, Folder] | None = None
        self._refresh_at = time.monotonic() + REFRESH_SECONDS
        self._wake, self._stop = asyncio.Event(), asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "follow")

    def wake(self) -> None:
        """There is something to fold; called from the event loop."""
        self._wake.set()

    def behind(self) -> tuple[int, float]:
        """How many listens wait to be folded, and for how many seconds the oldest of them has."""
        end, folded = self._serving.log.end_offset(), self._serving.store.offset(self._serving.live.space.label)
        return max(end - folded, 0), self._lag.seconds(end, folded, time.monotonic())

    async def run(self) -> None:
        """Follows until `stop`."""
        delay = POLL_SECONDS
        while not self._stop.is_set():
            step = asyncio.get_running_loop().run_in_executor(self._thread, self.step)
            await asyncio.wait({step})
            error = step.exception()
            if error is None:
                delay = POLL_SECONDS
                await _set_within(self._wake, delay)
                self._wake.clear()
            else:
                self._metrics.fold_failures.inc()
                delay = min(2 * delay, MAX_BACK_OFF_SECONDS)
                logger.error("folding failed, again in %.1f s: %s", delay, error, exc_info=error)
                await _set_within(self._stop, delay)
        self._thread.shutdown(wait=False)
        self._lock.close()

    def stop(self) -> None:
        """Ends `run` after the step under way."""
        self._stop.set()
        self._wake.set()

    def step(self) -> None:
        """One round: a newly promoted space, then every listen that is not folded yet."""
        if time.monotonic() >= self._refresh_at:
            self._serving.refresh()
            self._refresh_at = time.monotonic() + REFRESH_SECONDS
        if self._serving.trained and self._lock.mine() and self.behind()[0]:
            self._metrics.folded.inc(self._folder_of(self._serving.live).catch_up().listens)
            self.behind()

    def _folder_of(self, live: LiveHome) -> Folder:
        if self._folder is None or self._folder[0] is not live:
            stock = live.path.stock
            folder = Folder(
                log=self._serving.log, store=live.store, items=live.items, space=live.space.label,
                item_vectors=stock.vectors, kinds=stock.columns.kind, encoder=live.space.encoder,
                calendar=live.clock.calendar,
            )  # fmt: skip
            self._folder = (live, folder)
        return self._folder[1]


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Returns when the event is set, or after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
