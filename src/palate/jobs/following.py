"""Folding by itself, apart from a server: one worker that runs until it is stopped, or several that share the work."""

import multiprocessing
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.partitions import PARTITIONS
from palate.core.settings import read_settings
from palate.embeddings.space import Spaces
from palate.fresh import archive
from palate.fresh.dead import FILE as DEAD
from palate.fresh.dead import DeadLetters
from palate.fresh.engine import open_log, open_shares, open_store
from palate.fresh.fold import Folded
from palate.fresh.versions import HomeVersions
from palate.fresh.window import FreshSettings
from palate.fresh.worker import Watch, Worker
from palate.privacy.delete import Deletions

POLL_SECONDS = 0.05  # how often the log is looked at while nothing comes
CHILD_SECONDS = 20.0  # for a worker to finish the round under way
RETRY_SECONDS = 1.0  # between a worker's death and the next one in its place


class Silent:
    """A watch that tells nobody."""

    def folded(self, label: str, folded: Folded, seconds: float) -> None:
        """Nothing."""

    def failed(self, what: str) -> None:
        """Nothing; the worker has logged it."""


def follow(home: Home, stopping: Callable[[], bool], watch: Watch | None = None) -> None:
    """Folds what is logged into every version in use, as one of the home's workers, until `stopping` says so.

    Servers over the same home are workers too, and give up the share that is due to this one.
    """
    online = home.require().online
    pause_seconds = max(POLL_SECONDS, read_settings(home.settings).section(FreshSettings).window_ms / 1000)
    with (
        open_log(home) as log,
        open_store(home) as store,
        DeadLetters(online / DEAD) as dead,
    ):
        versions = HomeVersions(home, log, store, dead)
        chores = {"a deletion": Deletions(home, store).carry_out} | archive.chores(home, log, store, versions)
        worker = Worker(online, versions, store, watch or Silent(), chores, stopping, open_shares(home))
        try:
            while not stopping():
                if not worker.round():
                    time.sleep(pause_seconds)
        finally:
            worker.close()
            versions.close()


def follow_with(home: Home, workers: int) -> None:
    """The same with several processes, until SIGINT or SIGTERM; one that dies is replaced.

    They end when this process does, however it ends. BadInput for fewer than 1 or more than PARTITIONS.
    """
    if not 1 <= workers <= PARTITIONS:
        raise BadInput(f"{workers} workers cannot share a home; give 1 to {PARTITIONS}")
    home.require()
    stop = _stop_on_signals()
    if workers == 1:
        return follow(home, stop)
    context = multiprocessing.get_context("spawn")  # LMDB and SQLite must not be carried across a fork

    def started() -> BaseProcess:
        process = context.Process(target=_worker, args=(home.root,), daemon=True)
        process.start()
        return process

    running = [started() for _ in range(workers)]
    try:
        while not stop():
            time.sleep(POLL_SECONDS)
            for place, process in enumerate(running):
                if not process.is_alive() and not stop():
                    time.sleep(RETRY_SECONDS)
                    running[place] = started()
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.join(CHILD_SECONDS)


def lacking(home: Home) -> dict[str, int]:
    """By label, how many listens the records of each version in use lack, the live one first.

    Empty before the first training.
    """
    labels = Spaces(home.require().spaces).in_use
    if not labels:
        return {}
    with open_log(home) as log, open_store(home, readonly=True) as store:
        return {label: log.lacking(store.standing(label).offsets) for label in labels}


def _worker(root: Path) -> None:
    told, parent = _stop_on_signals(), multiprocessing.parent_process()
    # Nobody would stop the worker of a parent that was killed.
    follow(Home(root), lambda: told() or not (parent is not None and parent.is_alive()))


def _stop_on_signals() -> Callable[[], bool]:
    """Becomes true with the first SIGINT or SIGTERM."""
    told: list[int] = []

    def tell(number: int, _: FrameType | None) -> None:
        told.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, tell)
    return lambda: bool(told)
