"""Who does what over one home: one leader, and rounds of folding that a deletion can hold up."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from palate.core.locks import alone


class FoldLock:
    """Of all processes that follow one home, one leads: it carries out deletions. Freed when its holder dies."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)

    def mine(self) -> bool:
        """True when this process holds the lock, or could take it now."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Lets go of the lock."""
        os.close(self._descriptor)


class Rounds:
    """Rounds of several workers run beside each other; `held_up` waits for those under way and lets none begin.

    A file that is rewritten without what was deleted must not be written to meanwhile.
    """

    def __init__(self, folder: Path) -> None:
        self._gate, self._round = folder / "gate.lock", folder / "round.lock"

    @contextmanager
    def one(self) -> Iterator[None]:
        """Inside the block no deletion is under way."""
        self._round.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._round, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            with alone(self._gate):  # who holds rounds up waits behind it, so rounds that overlap cannot starve them
                fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """Inside the block nobody folds."""
        with alone(self._gate), alone(self._round):
            yield
