"""The tastes of the day: what a listener was like when a home day's answer was first asked for, so that it stays.

A state is bytes that this room does not read, 3 to 20 KB of them. Each listener has one of each space; days that are
over are dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palate.core.database import DatabaseFile, Layout
from palate.listening.deleted import FILE as DELETED
from palate.listening.deleted import DeletedUsers

FILE = "daily.sqlite"  # in home.listening

_LAYOUT = Layout(
    name="the tastes of the day",
    format=1,
    schema=(
        """CREATE TABLE daily(user TEXT NOT NULL, space TEXT NOT NULL, day INTEGER NOT NULL, offset INTEGER NOT NULL,
        state BLOB NOT NULL, PRIMARY KEY(user, space))""",
        "CREATE INDEX daily_by_day ON daily(day)",
    ),
    remedy="delete it: daily mixes are made anew from what is known now",
)


@dataclass(frozen=True)
class DayTaste:
    """A packed state of a listener in a space (label), level with `offset` of the log; day: home days since 1970."""

    user_id: str
    space: str
    day: int
    offset: int
    state: bytes


class DayTastes(DatabaseFile):
    """The tastes of a home's day in one SQLite file; several processes and threads may use it at once.

    Errors: Corrupt for a damaged or newer file, PalateError for a full disk, missing rights or a writer that does not
    finish.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _LAYOUT)
        self._deleted = DeletedUsers(path.parent / DELETED)

    def of(self, user_id: str, space: str, day: int) -> DayTaste | None:
        """The taste that was kept of this day; None when none was."""
        asked = "SELECT offset, state FROM daily WHERE user = ? AND space = ? AND day = ?"
        with self._database.read() as db:
            found = db.execute(asked, (user_id, space, day)).fetchone()
        return None if found is None else DayTaste(user_id, space, day, *found)

    def kept(self, user_id: str) -> list[DayTaste]:
        """All that is kept of a listener, by space."""
        asked = "SELECT space, day, offset, state FROM daily WHERE user = ? ORDER BY space"
        with self._database.read() as db:
            return [DayTaste(user_id, *row) for row in db.execute(asked, (user_id,))]

    def keep(self, one: DayTaste, timestamp: float) -> DayTaste:
        """Keeps a taste, durably, and gives the one that is kept: the first that came of its day.

        A later day takes the place of an earlier one. Nothing is kept of who was deleted; `timestamp` (unix seconds)
        says when the taste was read.
        """
        with self._database.write() as db:
            left_out = self._deleted.left_out([one.user_id], np.array([timestamp]))
            if left_out is not None and left_out[0]:
                return one
            db.execute(
                """INSERT INTO daily VALUES(?, ?, ?, ?, ?) ON CONFLICT(user, space) DO UPDATE
                SET day = excluded.day, offset = excluded.offset, state = excluded.state WHERE excluded.day > day""",
                (one.user_id, one.space, one.day, one.offset, one.state),
            )
            db.execute("DELETE FROM daily WHERE day < ?", (one.day - 1,))  # clocks may differ by a moment at midnight
            asked = "SELECT offset, state FROM daily WHERE user = ? AND space = ? AND day = ?"
            found = db.execute(asked, (one.user_id, one.space, one.day)).fetchone()
        return one if found is None else DayTaste(one.user_id, one.space, one.day, *found)

    def erase(self, user_ids: Sequence[str]) -> dict[str, int]:
        """Removes the tastes of these listeners; gives how many each had. `shred` takes them off the disk."""
        with self._database.write() as db:
            return {user: db.execute("DELETE FROM daily WHERE user = ?", (user,)).rowcount for user in user_ids}
