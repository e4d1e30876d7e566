"""Taking listeners out of a log: their listens become holes, so that the offsets of all others stay what they were."""

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.listening.records import Records, event_keys, unpack

FORMAT = 2  # the first that knows holes: an older Palate would take them for listens, so it must refuse the file


def rows_of(db: sqlite3.Connection, user_ids: Sequence[str]) -> dict[str, int]:
    """The rows of those of `user_ids` that the log knows."""
    asked = ((user, db.execute("SELECT row FROM users WHERE id = ?", (user,)).fetchone()) for user in user_ids)
    return {user: int(found[0]) for user, found in asked if found is not None}


def batches(db: sqlite3.Connection, since: int = 0) -> list[int]:
    """The first offset of every batch from offset `since` on, ascending."""
    return [
        first
        for (first,) in db.execute("SELECT first_offset FROM batches WHERE first_offset >= ? ORDER BY 1", (since,))
    ]


def batch(db: sqlite3.Connection, first: int, path: Path) -> Records:
    """The records of the batch that begins at offset `first`, holes included."""
    count, numbers, texts = db.execute(
        "SELECT count, columns, extras FROM batches WHERE first_offset = ?", (first,)
    ).fetchone()
    return unpack(count, numbers, texts, f"the batch at offset {first} of the listening log {path}")


def blank(db: sqlite3.Connection, first: int, rows: NDArray[np.int32], path: Path) -> NDArray[np.int64]:
    """Makes holes of the listens of `rows` in one batch, and forgets their keys; gives how many each row had.

    A listen that came with an `event_id` keeps its key, a number that cannot be made without that id.
    """
    records = batch(db, first, path)
    gone = np.isin(records.user, rows)
    found = np.array([(records.user == row).sum() for row in rows.tolist()], np.int64)
    if gone.any():
        keys = event_keys(records.take(np.flatnonzero(gone)), None)
        db.execute("DELETE FROM seen WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(keys.tolist()),))
        left = records.without(gone)
        db.execute(
            "UPDATE batches SET first_time = ?, last_time = ?, columns = ?, extras = ? WHERE first_offset = ?",
            (*left.span(), *left.pack(), first),
        )
        db.execute("UPDATE meta SET value = ? WHERE name = 'format'", (FORMAT,))
    return found


def forget(db: sqlite3.Connection, rows: NDArray[np.int32]) -> None:
    """Puts a number in the place of each id: the row stays given, and the rows after it do not move."""
    db.executemany("UPDATE users SET id = ? WHERE row = ?", [(row.to_bytes(4, "big"), row) for row in rows.tolist()])
