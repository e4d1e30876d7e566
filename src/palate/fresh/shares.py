"""Which partitions of the listeners this process folds, when several processes over one home share the work."""

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from palate.core.partitions import PARTITIONS

LOOK_SECONDS = 1.0  # how soon workers that come and go are noticed


class Shares:
    """A fair share of the partitions, by locks that the kernel frees when their holder dies, however it dies.

    Every worker holds a seat, so that each can count the others; with n of them nobody keeps more than 1/n of the
    partitions, rounded up. Two may believe that they own a partition for a moment: what they write is a compare and
    set (store/folds.py), so a share says who should work, not who may.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._clock, self._look_at = clock, float("-inf")
        self._seats = [_Lock(folder / f"worker-{number:02d}.lock") for number in range(PARTITIONS)]
        self._parts = [_Lock(folder / f"partition-{number:02d}.lock") for number in range(PARTITIONS)]
        self._seat: _Lock | None = None

    def mine(self) -> tuple[int, ...]:
        """The partitions to fold now, ascending; none while all seats are taken."""
        if self._clock() >= self._look_at:
            self._look_at = self._clock() + LOOK_SECONDS
            self._share(self._workers())
        return tuple(number for number, part in enumerate(self._parts) if part.held)

    def close(self) -> None:
        """Gives everything back."""
        for lock in (*self._seats, *self._parts):
            lock.close()

    def _workers(self) -> int:
        """How many hold a seat, this one included; 0 when there is none for it."""
        if self._seat is None:
            self._seat = next((seat for seat in self._seats if seat.take()), None)
        others = [seat for seat in self._seats if seat is not self._seat]
        taken = sum(not seat.free() for seat in others)
        return 0 if self._seat is None else taken + 1

    def _share(self, workers: int) -> None:
        most = -(-PARTITIONS // workers) if workers else 0
        held = [part for part in self._parts if part.held]
        for part in held[most:]:
            part.give()
        wanted = most - len(held)
        for part in self._parts:
            if wanted > 0 and not part.held and part.take():
                wanted -= 1


class _Lock:
    """One lock file."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self.held = False

    def take(self) -> bool:
        """True when this process could take it now, or holds it."""
        if not self.held:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.held = True
            except BlockingIOError:
                return False
        return True

    def free(self) -> bool:
        """Whether nobody holds it. Two who ask at once may each see the other's look for a holder, until the next."""
        if self.held or not self.take():
            return False
        self.give()
        return True

    def give(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self.held = False

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self.held = -1, False
