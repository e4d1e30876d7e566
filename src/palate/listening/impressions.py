"""How often a listener was shown a campaign lately: what a frequency cap is counted from.

No id of a listener is in here: each is kept as a keyed hash, and what is older than KEPT_SECONDS goes with the next
write, so that who is deleted is nowhere after two days at the latest and cannot be read before.
"""

import secrets
import sqlite3
from hashlib import blake2b
from pathlib import Path

from palate.core.database import DatabaseFile, Layout

FILE = "ads.sqlite"  # in home.listening
KEPT_SECONDS = 2 * 86_400.0

_LAYOUT = Layout(
    name="the count of impressions",
    format=1,
    schema=(
        "CREATE TABLE shown(listener BLOB NOT NULL, campaign TEXT NOT NULL, time REAL NOT NULL)",
        "CREATE INDEX shown_by_listener ON shown(listener, campaign, time)",
        "CREATE INDEX shown_by_time ON shown(time)",
        "CREATE TABLE salt(value BLOB NOT NULL)",
    ),
    remedy="delete it: only the counts of two days are lost",
)


class Impressions(DatabaseFile):
    """One SQLite file, on disk before `claim` returns; several processes may use it at once.

    Errors: Corrupt for a damaged or newer file, PalateError for a full disk or missing rights.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _LAYOUT)
        with self._database.write() as db:
            if db.execute("SELECT count(*) FROM salt").fetchone()[0] == 0:
                db.execute("INSERT INTO salt VALUES (?)", (secrets.token_bytes(16),))
            self._salt: bytes = db.execute("SELECT value FROM salt").fetchone()[0]

    def shown(self, user_id: str, campaign: str, since: float) -> int:
        """How often the listener was shown the campaign after unix time `since`, which is no older than two days."""
        with self._database.read() as db:
            return self._count(db, user_id, campaign, since)

    def claim(self, user_id: str, campaign: str, cap: int, since: float, now: float) -> bool:
        """Counts one more at unix time `now`, unless `cap` were shown after `since`; True when it did."""
        with self._database.write() as db:
            db.execute("DELETE FROM shown WHERE time < ?", (now - KEPT_SECONDS,))
            if self._count(db, user_id, campaign, since) >= cap:
                return False
            db.execute("INSERT INTO shown VALUES (?, ?, ?)", (self._hash(user_id), campaign, now))
            return True

    def _count(self, db: sqlite3.Connection, user_id: str, campaign: str, since: float) -> int:
        question = "SELECT count(*) FROM shown WHERE listener = ? AND campaign = ? AND time > ?"
        return int(db.execute(question, (self._hash(user_id), campaign, since)).fetchone()[0])

    def _hash(self, user_id: str) -> bytes:
        return blake2b(user_id.encode(), key=self._salt, digest_size=16).digest()
