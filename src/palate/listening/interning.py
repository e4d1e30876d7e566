"""Ids as the log stores them: each text once, a row number everywhere else."""

import sqlite3
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from palate.core.database import PARAMETERS, insert
from palate.core.errors import BadInput, Corrupt
from palate.core.ids import MAX_ID_CHARACTERS

T = TypeVar("T")

# The row of a deleted id is kept, since the rows after it must not move; a number stands in the place of the text.
TEXT_ID = "CASE typeof(id) WHEN 'text' THEN id ELSE '' END"
REMEMBERED = 1_000_000  # ids kept in memory each way, about 150 MB; beyond that they are read again


class _Rows(dict[str, int]):
    """id -> row. An id that is not in it gets the next of -1, -2, ... and is put down in `unmet`.

    So one pass over a column finds the rows of known ids and lists the others, each once, without a line of Python
    for a known one: the passes over text are half of what an append costs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unmet: list[str] = []

    def __missing__(self, id_: str) -> int:
        self.unmet.append(id_)
        self[id_] = -len(self.unmet)
        return -len(self.unmet)


class Interned:
    """One of the log's tables of ids, with what this process has learned of it.

    A row is given once, from 0 upwards, and never changes. `rows` belongs to the writing connection and `ids` to the
    reading one: each keeps its own memory, so they need no lock between them.
    """

    def __init__(self, table: str) -> None:
        self._table = table
        self._row_of = _Rows()
        self._id_of: dict[int, str] = {}

    def rows(self, db: sqlite3.Connection, ids: list[str]) -> NDArray[np.int32]:
        """(n,) int32 rows of `ids`, giving new ones to ids never met; inside a transaction. BadInput for a bad id."""
        if len(self._row_of) > REMEMBERED:
            self.forget()
        rows = np.fromiter(map(self._row_of.__getitem__, ids), np.int32, len(ids))
        if self._row_of.unmet:
            unmet = self._learn(db, self._row_of.unmet)
            self._row_of.unmet = []
            rows = np.where(rows < 0, unmet[np.minimum(rows, -1) + len(unmet)], rows)
        return rows

    def _learn(self, db: sqlite3.Connection, unmet: list[str]) -> NDArray[np.int32]:
        """Puts the rows of ids that this process meets for the first time in its memory; gives them last id first."""
        first = db.execute(f"SELECT coalesce(max(row) + 1, 0) FROM {self._table}").fetchone()[0]
        try:
            stored = self._stored(db, unmet) if first else {}
            new = [one for one in unmet if one not in stored]
            check_ids(new)
            given = dict(zip(new, range(first, first + len(new)), strict=True))
            insert(db, f"INSERT INTO {self._table}(id, row)", [value for pair in given.items() for value in pair], 2)
        except UnicodeEncodeError as error:
            raise BadInput(f"the id {error.object[:80]!r} is not valid text; send it as UTF-8") from error
        stored.update(given)
        self._row_of.update(stored)
        return np.array([stored[one] for one in reversed(unmet)], np.int32)

    def _stored(self, db: sqlite3.Connection, ids: list[str]) -> dict[str, int]:
        stored: dict[str, int] = {}
        for part in _parts(ids):
            marks = ",".join("?" * len(part))
            stored.update(db.execute(f"SELECT id, row FROM {self._table} WHERE id IN ({marks})", part))
        return stored

    def ids(self, db: sqlite3.Connection, rows: NDArray[np.int32]) -> list[str]:
        """The ids at `rows`; Corrupt if one was never given, since the log writes ids before the listens of them."""
        if len(self._id_of) > REMEMBERED:
            self._id_of.clear()
        known, wanted = self._id_of, rows.tolist()
        for part in _parts([row for row in dict.fromkeys(wanted) if row not in known]):
            marks = ",".join("?" * len(part))
            known.update(db.execute(f"SELECT row, {TEXT_ID} FROM {self._table} WHERE row IN ({marks})", part))
        try:
            return [known[row] for row in wanted]
        except KeyError as error:
            raise Corrupt(
                f"the listening log has listens of row {error} in its table {self._table}, which it lacks; restore the "
                "log from a backup"
            ) from error

    def forget(self) -> None:
        """Drops what is remembered of rows by id: after a transaction that was undone, they may be given again."""
        self._row_of = _Rows()

    def forget_ids(self) -> None:
        """Drops what is remembered of ids by row: one of them may be gone."""
        self._id_of.clear()


def _parts(things: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(things), PARAMETERS):
        yield things[start : start + PARAMETERS]


def check_ids(ids: list[str]) -> None:
    """Raises BadInput for an empty id or one longer than MAX_ID_CHARACTERS."""
    lengths = list(map(len, ids))
    if lengths and not 1 <= min(lengths) <= max(lengths) <= MAX_ID_CHARACTERS:
        bad = next(one for one in ids if not 1 <= len(one) <= MAX_ID_CHARACTERS)
        raise BadInput(f"the id {bad[:80]!r} has {len(bad)} characters; an id has 1 to {MAX_ID_CHARACTERS}")
