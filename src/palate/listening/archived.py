"""How much of a Redis log's streams is in the home's listening log: one offset for each partition, in the same file.

They are written with the listens in one transaction, so a copy that is killed goes on exactly where it was.
"""

import sqlite3

from palate.core.partitions import PARTITIONS

BEFORE = 1  # what the home's log held before its streams began; a stream's first offset is above it
_MAKE = 'CREATE TABLE IF NOT EXISTS archived(part INTEGER PRIMARY KEY, "offset" INTEGER NOT NULL)'


def archived(db: sqlite3.Connection) -> tuple[int, ...]:
    """(PARTITIONS,) the offset up to which each partition's stream has been copied; BEFORE for none of it."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'archived'").fetchone() is None:
        return (BEFORE,) * PARTITIONS
    found = dict(db.execute('SELECT part, "offset" FROM archived'))
    return tuple(found.get(part, BEFORE) for part in range(PARTITIONS))


def move(db: sqlite3.Connection, upto: tuple[int, ...]) -> None:
    """From now on these are the offsets; inside a transaction."""
    db.execute(_MAKE)
    db.executemany("INSERT OR REPLACE INTO archived VALUES(?, ?)", list(enumerate(upto)))
