"""The index of runs: what each was last read as, beside the mark of the journal it was read from.

A cache and nothing else. It may be deleted, damaged, locked, full or of another home: that costs time at the next
listing and never changes what is listed.
"""

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

Mark = tuple[int, int]  # size in bytes and time of change in ns of a run's journal
VERSION = 1  # of what a document holds; an index of another version is made again
WAIT_SECONDS = 2.0
_TABLE = "CREATE TABLE IF NOT EXISTS runs(id TEXT PRIMARY KEY, size INTEGER, changed INTEGER, doc BLOB)"


def mark(journal: Path | str) -> Mark:
    """The mark of a journal; (0, 0) for one that is not there."""
    try:
        stat = os.stat(journal)
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


class Index:
    """The file `index.sqlite` of a lab. Making it touches nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, tuple[Mark, bytes]]:
        """Every document by its run; {} when there is no index or it cannot be read."""
        try:
            with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", WAIT_SECONDS, uri=True)) as db:
                if db.execute("PRAGMA user_version").fetchone() != (VERSION,):
                    return {}
                rows = db.execute("SELECT id, size, changed, doc FROM runs")
                return {name: ((size, changed), doc) for name, size, changed, doc in rows}
        except sqlite3.Error:
            return {}

    def write(self, found: Iterable[tuple[str, Mark, bytes]], gone: Iterable[str] = ()) -> None:
        """Puts documents in and takes others out, if that can be done now. A damaged file is begun again."""
        rows = [(name, size, changed, doc) for name, (size, changed), doc in found]
        out = [(name,) for name in gone]
        if not rows and not out:
            return
        try:
            with closing(sqlite3.connect(self._path, WAIT_SECONDS)) as db, db:
                if db.execute("PRAGMA user_version").fetchone() != (VERSION,):
                    db.execute("DROP TABLE IF EXISTS runs")
                    db.execute(_TABLE)
                    db.execute(f"PRAGMA user_version = {VERSION}")
                db.executemany("INSERT OR REPLACE INTO runs VALUES(?, ?, ?, ?)", rows)
                db.executemany("DELETE FROM runs WHERE id = ?", out)
        except sqlite3.OperationalError:  # locked, full, read-only
            return
        except sqlite3.DatabaseError:
            self._remove()

    def _remove(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            return
