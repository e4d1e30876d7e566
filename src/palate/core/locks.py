"""One at a time: a lock file that the system gives back when its holder dies, however it dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from palate.core.errors import PalateError


@contextmanager
def alone(path: Path, refusal: PalateError | None = None) -> Iterator[None]:
    """Inside the block nobody else is inside one with the same `path`, no other thread either.

    Without a `refusal` the others wait; with one, it is raised instead of waiting. The file and its folder are made
    when missing, and the file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if refusal is not None else 0))
        except BlockingIOError as error:
            if refusal is None:
                raise
            raise refusal from error
        yield
    finally:
        os.close(descriptor)
