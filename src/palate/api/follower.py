"""Folding beside the requests, in a thread of its own: one worker over what the server has open."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from palate.api.metrics import Metrics
from palate.api.serving import Serving
from palate.api.timed import timed
from palate.core.errors import PalateError
from palate.core.settings import read_settings
from palate.fresh import archive
from palate.fresh.dead import FILE as DEAD
from palate.fresh.dead import DeadLetters
from palate.fresh.engine import open_shares
from palate.fresh.fold import Folded, Folder
from palate.fresh.window import FreshSettings
from palate.fresh.worker import Worker
from palate.privacy.delete import Deletions
from palate.surfaces.live import LiveHome

POLL_SECONDS = 0.1  # for what other processes append; our own posts wake the follower
REFRESH_SECONDS = 1.0


class _Served:
    """The versions that a server has open, as a worker sees them."""

    def __init__(self, serving: Serving, metrics: Metrics, dead: DeadLetters, opened: Callable[[], None]) -> None:
        self._serving, self._metrics, self._dead = serving, metrics, dead
        self._folders: dict[str, tuple[LiveHome, Folder]] = {}
        self._refresh_at = time.monotonic() + REFRESH_SECONDS
        self._opened = opened
        self._moved = False  # at the last look; a look later nobody answers from what was there before

    def refresh(self) -> None:
        """Aliases are looked at in every round: a version that left must not be folded into, its records are going."""
        if self._serving.moved or time.monotonic() >= self._refresh_at:
            self._refresh_at = time.monotonic() + REFRESH_SECONDS
            if self._moved:
                self._opened()
            self._moved = self._serving.refresh()

    def labels(self) -> list[str]:
        """The live one first."""
        return list(self._serving.versions)

    def folder(self, label: str) -> Folder:
        """Made anew when the version was opened anew."""
        versions, serving = self._serving.versions, self._serving
        self._folders = {one: folder for one, folder in self._folders.items() if one in versions}
        version = versions[label]
        if label not in self._folders or self._folders[label][0] is not version:
            space, items, calendar = version.space, version.items, version.clock.calendar
            made = Folder.of(space, serving.log, serving.store, items, calendar, version.attributes, self._dead)
            encoder = timed(made.encoder, self._metrics.encode_seconds.labels(label).observe)
            self._folders[label] = (version, replace(made, encoder=encoder))
        return self._folders[label][1]


class Follower:
    """Runs a worker (fresh/worker.py) until stopped, woken by what this server accepts.

    opened: called when another version is live and nobody reads the one before any more.
    """

    def __init__(self, serving: Serving, metrics: Metrics, opened: Callable[[], None] = lambda: None) -> None:
        self._serving, self._metrics = serving, metrics
        online = serving.home.online
        self._dead = DeadLetters(online / DEAD)
        self._stopped = threading.Event()
        served, log, store = _Served(serving, metrics, self._dead, opened), serving.log, serving.store
        chores = {"a deletion": Deletions(serving.home, store).carry_out} | archive.chores(
            serving.home, log, store, served
        )
        shares = open_shares(serving.home)
        self._worker = Worker(online, served, store, self, chores, self._stopped.is_set, shares)
        self._window_seconds = read_settings(serving.home.settings).section(FreshSettings).window_ms / 1000
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "follow")

    def wake(self) -> None:
        """There is something to fold; called from the event loop."""
        self._wake.set()

    def behind(self) -> tuple[int, float]:
        """How many listens the live space's records lack, and for how many seconds the oldest of them has waited."""
        log, arrivals, moment = self._serving.log, self._serving.arrivals, time.monotonic()
        for end in set(log.ends()):  # what other processes appended is seen here first
            arrivals.note(end, moment)
        offsets = self._serving.store.standing(self._serving.live.space.label).offsets
        return log.lacking(offsets), arrivals.oldest(offsets, moment)

    def lags(self) -> dict[str, int]:
        """By label, how many listens the records of each version in use lack."""
        log, store = self._serving.log, self._serving.store
        return {label: log.lacking(store.standing(label).offsets) for label in self._serving.versions}

    def dead_letters(self) -> int:
        """How many listens could not be folded into a record."""
        return self._dead.count()

    async def run(self) -> None:
        """Follows until `stop`."""
        loop = asyncio.get_running_loop()
        while not self._stopped.is_set():
            if not await loop.run_in_executor(self._thread, self._round):
                await _set_within(self._wake, POLL_SECONDS)
            self._wake.clear()
        self._thread.shutdown(wait=False)
        self._worker.close()
        self._dead.close()

    def stop(self) -> None:
        """Ends `run` after the step under way."""
        self._stopped.set()
        self._wake.set()

    def folded(self, label: str, folded: Folded, seconds: float) -> None:
        """The worker tells what it did."""
        if self._serving.trained and label == self._serving.live.space.label:
            self._metrics.count_folded(folded.listens)
        self._metrics.batch_listens.labels(label).observe(folded.listens)
        self._metrics.batch_listeners.labels(label).observe(folded.listeners)
        self._metrics.fold_seconds.labels(label).observe(seconds)

    def failed(self, what: str) -> None:
        """The worker tells that something failed; it tries again."""
        self._metrics.fold_failures.inc()

    def _round(self) -> bool:
        try:
            listens, waited = self.behind() if self._serving.trained else (0, 0.0)
        except PalateError:  # a server that is away; the worker finds out too, and rests
            listens, waited = 0, 0.0
        if listens and waited < self._window_seconds:
            self._stopped.wait(self._window_seconds - waited)  # for others to share the batch of the oldest one
        return self._worker.round()


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Returns when the event is set, or after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
