"""What was shown to whom, by the hour: the part of the answer log that later answers read.

One row holds what one surface showed one listener in one hour: each item once, with the second at which it was shown
last. So two weeks of it are a few dozen rows, however often somebody looked.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import HOUR_SECONDS

SCHEMA = (
    """CREATE TABLE aired(user TEXT NOT NULL, surface TEXT NOT NULL, hour INTEGER NOT NULL, items BLOB NOT NULL,
    PRIMARY KEY(user, surface, hour)) WITHOUT ROWID""",
    "CREATE INDEX aired_by_hour ON aired(hour)",
)
MOST_HOURS = 336  # that one question reads, the latest: two weeks without a break
MOST_ITEMS = 2_000  # kept of one hour, those shown last: a radio plays twenty
_SHOWN = np.dtype([("item", "<i4"), ("second", "<u2")])


@dataclass(frozen=True)
class Airing:
    """That a surface showed items to a listener. time # unix seconds; rows # (n,) int32, negative ones do not count."""

    user: str
    surface: str
    time: float
    rows: NDArray[np.int32]


def add(db: sqlite3.Connection, airings: Sequence[Airing]) -> None:
    """Adds what was shown; in any order, and twice is once."""
    for one in airings:
        shown = one.rows[one.rows >= 0]
        if not len(shown):
            continue
        hour = int(one.time // HOUR_SECONDS)
        key = (one.user, one.surface, hour)
        found = db.execute("SELECT items FROM aired WHERE user = ? AND surface = ? AND hour = ?", key).fetchone()
        new = np.empty(len(shown), _SHOWN)
        new["item"], new["second"] = shown, int(one.time - hour * HOUR_SECONDS)
        merged = new if found is None else np.concatenate([np.frombuffer(found[0], _SHOWN), new])
        db.execute("INSERT OR REPLACE INTO aired VALUES(?, ?, ?, ?)", (*key, _latest(merged).tobytes()))


def of(db: sqlite3.Connection, user: str, surface: str, since: float) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """rows # (a,) int32 and times # (a,) unix seconds of what was shown from the hour of `since` on.

    An item stands once for each hour in which it was shown, with the latest time in it. Hour by hour, and by row within
    one; at most MOST_HOURS hours.
    """
    asked = f"""SELECT hour, items FROM aired WHERE user = ? AND surface = ? AND hour >= ?
        ORDER BY hour DESC LIMIT {MOST_HOURS}"""
    return _unpacked(db.execute(asked, (user, surface, since // HOUR_SECONDS)).fetchall()[::-1])


def every(db: sqlite3.Connection, since: float) -> Iterator[Airing]:
    """Everything shown from the hour of `since` on, by listener, surface and hour; `time` is the hour's beginning."""
    asked = "SELECT user, surface, hour, items FROM aired WHERE hour >= ? ORDER BY user, surface, hour"
    for user, surface, hour, items in db.execute(asked, (max(since, 0.0) // HOUR_SECONDS,)):
        yield Airing(user, surface, hour * HOUR_SECONDS, np.frombuffer(items, _SHOWN)["item"].astype(np.int32))


def erase(db: sqlite3.Connection, user: str) -> None:
    """Forgets what a listener was shown."""
    db.execute("DELETE FROM aired WHERE user = ?", (user,))


def prune(db: sqlite3.Connection, before: float) -> None:
    """Forgets the hours that ended before `before`, unix seconds."""
    db.execute("DELETE FROM aired WHERE hour < ?", (before // HOUR_SECONDS,))


def _latest(shown: NDArray[np.void]) -> NDArray[np.void]:
    """Each item once, with its latest second; at most MOST_ITEMS, ascending by item."""
    order = np.lexsort((shown["second"], shown["item"]))
    last = np.append(np.diff(shown["item"][order]) != 0, True)
    each: NDArray[np.void] = shown[order[last]]
    if len(each) > MOST_ITEMS:
        each = each[np.sort(np.argsort(-each["second"].astype(np.int32), kind="stable")[:MOST_ITEMS])]
    return each


def _unpacked(found: list[tuple[int, bytes]]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    shown = np.frombuffer(b"".join(items for _, items in found), _SHOWN)
    counts = [len(items) // _SHOWN.itemsize for _, items in found]
    begins = np.repeat(np.array([hour for hour, _ in found], np.float64) * HOUR_SECONDS, counts)
    return shown["item"].astype(np.int32), begins + shown["second"]
