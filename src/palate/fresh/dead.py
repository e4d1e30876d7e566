"""The dead-letter place: listens that could not be folded into a record, with the reason, while the rest flowed.

A letter names a listen by its place in the log, where it stays, and says nothing of whose it is: who deletes a
listener deletes nothing here. Letters are written before the commit that goes past them, so none is lost. A letter may
stand for a listen that was folded after all (the worker was killed in between); `retry` (retry.py) puts that right too.
"""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from palate.core.database import Database, Layout

FILE = "dead.sqlite"  # in a home's online folder
MAX_REASON_CHARACTERS = 500

_LAYOUT = Layout(
    name="the dead letters",
    format=1,
    schema=(
        """CREATE TABLE letters(space TEXT NOT NULL, partition INTEGER NOT NULL, "offset" INTEGER NOT NULL,
        reason TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY(space, partition, "offset")) WITHOUT ROWID""",
    ),
    remedy="remove it: the listens that it names are in the log, and the next training folds them",
)


_PLACE = 'WHERE space = ? AND partition = ? AND "offset" = ?'


@dataclass(frozen=True)
class Letter:
    """One listen that is not in the records of `space`.

    partition, offset  where it is in the log
    at                 unix seconds when folding it failed last
    """

    space: str
    partition: int
    offset: int
    reason: str
    at: float


class DeadLetters:
    """The letters of one home, in a SQLite file that is made with the first of them; any process may write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opening = threading.Lock()
        self._open: Database | None = None

    def add(self, space: str, partition: int, offsets: Iterable[int], reason: str) -> None:
        """Writes one letter for each offset, durably; what is there already stays."""
        at, told = time.time(), reason[:MAX_REASON_CHARACTERS]
        with self._database().write() as db:
            rows = [(space, partition, one, told, at) for one in offsets]
            db.executemany("INSERT OR IGNORE INTO letters VALUES(?, ?, ?, ?, ?)", rows)

    def all(self) -> list[Letter]:
        """Every letter, by space, partition and offset."""
        if not self.path.is_file():
            return []
        with self._database().read() as db:
            found = db.execute('SELECT * FROM letters ORDER BY space, partition, "offset"')
            return [Letter(*row) for row in found]

    def count(self) -> int:
        """How many there are."""
        if not self.path.is_file():
            return 0
        with self._database().read() as db:
            return int(db.execute("SELECT count(*) FROM letters").fetchone()[0])

    def renew(self, letters: Iterable[Letter], reason: str) -> None:
        """These failed again, now and for this reason; durably."""
        at, told = time.time(), reason[:MAX_REASON_CHARACTERS]
        with self._database().write() as db:
            rows = [(told, at, one.space, one.partition, one.offset) for one in letters]
            db.executemany(f"UPDATE letters SET reason = ?, at = ? {_PLACE}", rows)

    def remove(self, letters: Iterable[Letter]) -> None:
        """Forgets these, durably."""
        with self._database().write() as db:
            db.executemany(f"DELETE FROM letters {_PLACE}", [(one.space, one.partition, one.offset) for one in letters])

    def close(self) -> None:
        """Gives the file back."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def __enter__(self) -> "DeadLetters":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _database(self) -> Database:
        with self._opening:  # a server counts them in one thread while it writes them in another
            if self._open is None:
                self._open = Database(self.path, _LAYOUT)
            return self._open
