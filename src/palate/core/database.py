"""The SQLite file under a log: its tables, its transactions and what its errors mean."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from palate.core.errors import Corrupt, PalateError

PARAMETERS = 900  # values in one statement; SQLite took at most 999 before 3.32
BUSY_SECONDS = 60.0  # how long one writer waits for another; an import holds the log for about a second at a time


@dataclass(frozen=True)
class Layout:
    """What one kind of log is, to SQLite and in the sentences of its errors.

    name   what errors call it, before its path
    format written into a new file; a file of a higher one is refused
    schema the statements that make a new file, the table `meta` aside
    remedy what to do about a damaged file
    """

    name: str
    format: int
    schema: tuple[str, ...]
    remedy: str


class Database:
    """One connection that writes and one that reads, each used by one thread at a time.

    A file that does not exist is made. Errors leave as Corrupt (a damaged file, a newer format) or PalateError (a full
    disk, no rights, another writer that does not end), never as sqlite3's.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path, self._layout = path, layout
        self._writing, self._reading = threading.Lock(), threading.Lock()
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._connection()
            try:
                self._reader = self._connection()
            except BaseException:
                self._writer.close()
                raise
            try:
                self._prepare()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Gives the file back; the database cannot be used after it."""
        self._writer.close()
        self._reader.close()

    def shred(self) -> None:
        """Writes the file anew without what was deleted, whose bytes stay in free pages and in the WAL otherwise.

        Takes the file's size twice, and as long as copying it; other writers wait, readers do not. PalateError when a
        reader does not let go of the old state.
        """
        with self._writing, self._explained():
            self._writer.execute("VACUUM")
            busy = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise PalateError(
                f"{self._layout.name} {self.path} is being read without an end; stop its readers, try again"
            )

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees what has been committed, and that no writer holds up."""
        with self._reading, self._explained():
            yield self._reader

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: on disk when the block ends, undone when it raises."""
        with self._writing, self._explained(), self._immediately():
            yield self._writer

    def _connection(self) -> sqlite3.Connection:
        # isolation_level=None: every transaction is opened by hand, so no read leaves one open
        db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA synchronous=FULL")  # in WAL, NORMAL may lose the last commits when the power fails
            db.execute("PRAGMA cache_size=-65536")
            # 32 MB between checkpoints, not 4: keys land on random pages, which are then written once, not often.
            db.execute("PRAGMA wal_autocheckpoint=8000")
        except BaseException:  # it is no database
            db.close()
            raise
        return db

    @contextmanager
    def _immediately(self) -> Iterator[None]:
        # IMMEDIATE takes the write lock at once: what reads first and then writes could fail half-way for want of it
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._writer.execute("COMMIT")
        finally:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")

    def _prepare(self) -> None:
        if not self._made():
            self._writer.execute("PRAGMA journal_mode=WAL")
            with self._immediately():
                if not self._made():  # by another process, while this one waited
                    self._writer.execute("CREATE TABLE meta(name TEXT PRIMARY KEY, value)")
                    for statement in self._layout.schema:
                        self._writer.execute(statement)
                    self._writer.execute("INSERT INTO meta VALUES('format', ?)", (self._layout.format,))
        found = self._writer.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
        if found is None or found[0] > self._layout.format:
            raise Corrupt(
                f"{self._layout.name} {self.path} has format {found and found[0]}, and this Palate reads up to "
                f"{self._layout.format}; upgrade Palate, or restore the log from a backup"
            )

    def _made(self) -> bool:
        return self._writer.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is not None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        what = f"{self._layout.name} {self.path}"
        try:
            yield
        except OSError as error:
            raise PalateError(f"{what} cannot be made: {error.strerror}; check the folder's rights") from error
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise Corrupt(f"{what} is damaged ({error}); {self._layout.remedy}") from error
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise PalateError(
                    f"{what} has been held by another writer for {BUSY_SECONDS:.0f} s; wait for the import that "
                    "holds it, or end it"
                ) from error
            if code == sqlite3.SQLITE_FULL:
                raise PalateError(f"the disk of {what} is full and nothing was written; free some space") from error
            raise PalateError(f"{what} cannot be used: {error}; check the folder's rights and disk") from error


def insert(db: sqlite3.Connection, into: str, values: list[Any], width: int = 1) -> int:
    """Inserts rows of `width` values, given one after another; gives how many rows were added.

    `into` is the statement up to VALUES. Many rows a statement take half the time of `executemany`: 500,000 keys in
    0.28 s instead of 0.55 s.
    """
    step = PARAMETERS // width * width
    row = "(" + ",".join("?" * width) + ")"
    added = 0
    for start in range(0, len(values), step):
        part = values[start : start + step]
        added += db.execute(f"{into} VALUES " + ",".join([row] * (len(part) // width)), part).rowcount
    return added


class DatabaseFile:
    """What every log in one SQLite file has: it can be closed, used as a context, and written anew."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path, self._database = path, Database(path, layout)

    def close(self) -> None:
        """Gives the file back; it cannot be used after it."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def shred(self) -> None:
        """Writes the file anew, without the bytes of what was erased."""
        self._database.shred()
