"""A run's folder: what its files are called, and the lock by which a living run is told from an interrupted one.

The lock is the system's (flock): it goes when its process does, however that ends.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from palate.core.errors import BadInput

FORMAT = 1
JOURNAL, ABOUT, LOCK, MEDIA = "journal.jsonl", "run.json", ".lock", "media"


def take(folder: Path) -> int:
    """The descriptor that holds the run in `folder` until it is closed; BadInput when a living process has it."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    while not _locked(descriptor, fcntl.LOCK_EX):
        if not _locked(descriptor, fcntl.LOCK_SH):  # not just somebody who looks (held)
            os.close(descriptor)
            raise BadInput(f"the run {folder.name} is kept by another process; wait for its end or start another run")
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        time.sleep(0.001)
    return descriptor


@contextmanager
def held(folder: Path) -> Iterator[bool]:
    """Whether a living process keeps the run in `folder`; while the block runs, none can begin to."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY)  # reading is enough, so a read-only home can be looked at
    except OSError:
        yield False
        return
    try:
        yield not _locked(descriptor, fcntl.LOCK_SH)  # several may look at once
    finally:
        os.close(descriptor)


def _locked(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
