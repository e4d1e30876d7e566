"""Keeps the records of every version in use level with the log, beside the requests and in its own thread."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from palate.api.counted import counted
from palate.api.metrics import Metrics
from palate.api.serving import Serving
from palate.api.settings import FreshSettings
from palate.core.errors import PalateError
from palate.core.settings import read_settings
from palate.fresh.fold import Folder
from palate.fresh.lock import FoldLock
from palate.privacy.asked import pending
from palate.privacy.delete import carry_out
from palate.surfaces.live import LiveHome

POLL_SECONDS = 0.1  # for what other processes append; our own posts wake the follower
REFRESH_SECONDS = 1.0
MAX_BACK_OFF_SECONDS = 30.0
SLICE_LISTENS = 1_024  # of a version beside the live one in one turn, for which the live one has to wait: .2 s

logger = logging.getLogger("palate.api")


@dataclass(frozen=True)
class _Rest:
    """After a failure: not again before `until` (monotonic seconds); `seconds` is how long that is."""

    until: float
    seconds: float


class Follower:
    """Folds new listens into every version in use, opens promoted ones, deletes who asked for it, until stopped.

    What fails is tried again, with longer and longer rests, and holds up nothing else.
    """

    def __init__(self, serving: Serving, metrics: Metrics) -> None:
        self._serving, self._metrics = serving, metrics
        self._lock = FoldLock(serving.home.online / "fold.lock")
        self._window_seconds = read_settings(serving.home.settings).section(FreshSettings).window_ms / 1000
        self._folders: dict[str, tuple[LiveHome, Folder]] = {}
        self._rests: dict[str, _Rest] = {}
        self._refresh_at = time.monotonic() + REFRESH_SECONDS
        self._delete_at = 0.0
        self._wake, self._stop = asyncio.Event(), asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "follow")

    def wake(self) -> None:
        """There is something to fold; called from the event loop."""
        self._wake.set()

    def behind(self) -> tuple[int, float]:
        """How many listens the live space's records lack, and for how many seconds the oldest of them has waited."""
        end, folded = self._serving.log.end_offset(), self._serving.store.offset(self._serving.live.space.label)
        moment = time.monotonic()
        self._serving.arrivals.note(end, moment)  # what other processes appended is seen here first
        return max(end - folded, 0), self._serving.arrivals.waiting(folded, moment)

    def lags(self) -> dict[str, int]:
        """By label, how many listens the records of each version in use lack."""
        end, store = self._serving.log.end_offset(), self._serving.store
        return {label: max(end - store.offset(label), 0) for label in self._serving.versions}

    async def run(self) -> None:
        """Follows until `stop`."""
        while not self._stop.is_set():
            await self._tried("opening what was promoted", self._refresh)
            await self._tried("a deletion", self._delete_asked)
            await self._gather()
            if not await self._round():
                await _set_within(self._wake, POLL_SECONDS)
            self._wake.clear()
        self._thread.shutdown(wait=False)
        self._lock.close()

    def stop(self) -> None:
        """Ends `run` after the step under way."""
        self._stop.set()
        self._wake.set()

    async def _gather(self) -> None:
        """Until the oldest new listen has waited for the window: those that come meanwhile share its batch."""
        listens, waited = self.behind() if self._serving.trained else (0, 0.0)
        if listens and waited < self._window_seconds:
            await _set_within(self._stop, self._window_seconds - waited)

    async def _round(self) -> bool:
        """Every version's turn, and the live one's before each other one's. True when one of them lacks more."""
        first, *others = self._serving.versions or ("",)
        more = False
        for label in [turn for other in others for turn in (first, other)] or [first]:
            if label and not self._stop.is_set():
                more |= await self._tried(f"folding into {label}", partial(self._fold, label))
        return more

    async def _tried(self, what: str, work: Callable[[], bool]) -> bool:
        """What `work` gives, in the thread. False when it fails, which is logged and counted, and while it rests."""
        rest = self._rests.get(what, _Rest(0.0, POLL_SECONDS))
        if time.monotonic() < rest.until:
            return False
        step = asyncio.get_running_loop().run_in_executor(self._thread, work)
        await asyncio.wait({step})
        error = step.exception()
        if error is None:
            self._rests.pop(what, None)
            return step.result()
        self._metrics.fold_failures.inc()
        seconds = min(2 * rest.seconds, MAX_BACK_OFF_SECONDS)
        self._rests[what] = _Rest(time.monotonic() + seconds, seconds)
        logger.error("%s failed, again in %.1f s: %s", what, seconds, error, exc_info=error)
        return False

    def _refresh(self) -> bool:
        """Aliases are looked at in every round: a version that left must not be folded into, its records are going."""
        if self._serving.moved or time.monotonic() >= self._refresh_at:
            self._refresh_at = time.monotonic() + REFRESH_SECONDS
            self._serving.refresh()
        return False

    def _delete_asked(self) -> bool:
        """A deletion that cannot be finished now is tried again later, and folding goes on meanwhile."""
        home = self._serving.home
        if time.monotonic() < self._delete_at or not self._lock.mine():
            return False
        try:
            carry_out(home, self._serving.store)
            if pending(home):  # a training is under way
                self._delete_at = time.monotonic() + REFRESH_SECONDS
        except (PalateError, OSError) as error:
            self._delete_at = time.monotonic() + MAX_BACK_OFF_SECONDS
            logger.error("a deletion failed, again in %.0f s: %s", MAX_BACK_OFF_SECONDS, error, exc_info=error)
        return False

    def _fold(self, label: str) -> bool:
        """One turn: all that the live space lacks, or a slice of what another version does. True when it lacks more."""
        versions = self._serving.versions
        self._folders = {one: folder for one, folder in self._folders.items() if one in versions}
        version = versions.get(label)
        if version is None or not self._lock.mine():
            return False
        if self._serving.trained and label == self._serving.live.space.label:
            if self.behind()[0]:
                self._metrics.count_folded(self._folder_of(version).catch_up().listens)
                self.behind()
            return False
        end = self._serving.log.end_offset()
        if self._serving.store.offset(label) >= end:
            return False
        return self._folder_of(version).catch_up(SLICE_LISTENS).offset < end

    def _folder_of(self, version: LiveHome) -> Folder:
        label = version.space.label
        if label not in self._folders or self._folders[label][0] is not version:
            serving = self._serving
            space, items, calendar = version.space, version.items, version.clock.calendar
            folder = Folder.of(space, serving.log, serving.store, items, calendar, version.attributes)
            self._folders[label] = (version, counted(folder, self._metrics))
        return self._folders[label][1]


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Returns when the event is set, or after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
