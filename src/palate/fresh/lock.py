"""One folder at a time: two that read the same record and both add a listen to it would count it twice or lose it."""

import fcntl
import os
from pathlib import Path


class FoldLock:
    """Of all processes that serve or follow one home, one folds. The kernel frees the lock when its holder dies."""

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
