"""The lists of the week: what a listener was given for one ISO week, so that it stays and does not come back.

A list is a few numbers: catalogue rows, which no later space and no import changes. The last KEPT_WEEKS are kept.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.core.database import DatabaseFile, Layout
from palate.listening.deleted import FILE as DELETED
from palate.listening.deleted import DeletedUsers

FILE = "weekly.sqlite"  # in home.listening
KEPT_WEEKS = 12  # what was in a list comes back after three months at the earliest

_LAYOUT = Layout(
    name="the lists of the week",
    format=1,
    schema=(
        """CREATE TABLE weekly(user TEXT NOT NULL, week TEXT NOT NULL, items BLOB NOT NULL,
        PRIMARY KEY(user, week)) WITHOUT ROWID""",
    ),
    remedy="delete it: every listener gets a new list of this week",
)
_ROW = np.dtype("<i4")


class WeeklyLists(DatabaseFile):
    """The lists of a home in one SQLite file; several processes and threads may use it at once.

    Errors: Corrupt for a damaged or newer file, PalateError for a full disk, missing rights or a writer that does not
    finish.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _LAYOUT)
        self._deleted = DeletedUsers(path.parent / DELETED)

    def of(self, user_id: str) -> dict[str, NDArray[np.int32]]:
        """Rows by week ("2026-W47"), the latest week first; at most KEPT_WEEKS."""
        with self._database.read() as db:
            asked = "SELECT week, items FROM weekly WHERE user = ? ORDER BY week DESC"
            return {week: np.frombuffer(items, _ROW).astype(np.int32) for week, items in db.execute(asked, (user_id,))}

    def keep(self, user_id: str, week: str, rows: NDArray[np.int32], timestamp: float) -> NDArray[np.int32]:
        """Keeps a list, durably, and gives the one that is kept: the first that came for this week.

        Nothing is kept of who was deleted; `timestamp` (unix seconds) says when it was made.
        """
        with self._database.write() as db:
            left_out = self._deleted.left_out([user_id], np.array([timestamp]))
            if left_out is not None and left_out[0]:
                return rows
            told = (user_id, week, rows.astype(_ROW).tobytes())
            db.execute("INSERT OR IGNORE INTO weekly VALUES(?, ?, ?)", told)
            db.execute(
                """DELETE FROM weekly WHERE user = ?1 AND week NOT IN
                (SELECT week FROM weekly WHERE user = ?1 ORDER BY week DESC LIMIT ?2)""",
                (user_id, KEPT_WEEKS),
            )
            asked = "SELECT items FROM weekly WHERE user = ? AND week = ?"
            found = db.execute(asked, (user_id, week)).fetchone()
        return rows if found is None else np.frombuffer(found[0], _ROW).astype(np.int32)

    def erase(self, user_ids: Sequence[str]) -> dict[str, int]:
        """Removes the lists of these listeners; gives how many each had. `shred` takes them off the disk."""
        with self._database.write() as db:
            return {user: db.execute("DELETE FROM weekly WHERE user = ?", (user,)).rowcount for user in user_ids}
