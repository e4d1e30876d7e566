"""The answer log: every slate that was answered, as it left, on disk before `append` returns.

It serves three readers: a client that asks for the next page of a slate, a training that wants what the ranker saw, and
the next answers, which should not repeat what was shown day after day (airing.py). It forgets after `keep_days`.
"""

import json
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson
from numpy.typing import NDArray

from palate.core.database import DatabaseFile, Layout
from palate.core.errors import Corrupt
from palate.core.slate import Shelf, Slate, SlateItem
from palate.listening import airing
from palate.listening.airing import Airing
from palate.listening.deleted import DeletedUsers

FILE = "slates.sqlite"  # in home.listening
NOBODY = ""  # who a slate for everybody is kept under; no id is empty
PRUNED_AT_ONCE = 5_000  # slates; about 50 ms, during which appends wait

_LAYOUT = Layout(
    name="the answer log",
    format=1,
    schema=(
        """CREATE TABLE slates(number INTEGER PRIMARY KEY, slate TEXT NOT NULL UNIQUE, user TEXT NOT NULL,
        surface TEXT NOT NULL, space TEXT NOT NULL, time REAL NOT NULL, home_time REAL NOT NULL, last REAL NOT NULL,
        answers INTEGER NOT NULL, shown INTEGER NOT NULL, ask TEXT NOT NULL, sources TEXT NOT NULL,
        ranks BLOB NOT NULL, answer BLOB NOT NULL, names INTEGER, features BLOB)""",
        "CREATE INDEX slates_by_user ON slates(user)",
        "CREATE INDEX slates_by_last ON slates(last)",
        "CREATE TABLE named(user TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY(user, number)) WITHOUT ROWID",
        "CREATE TABLE feature_names(code INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE)",
        *airing.SCHEMA,
    ),
    remedy="delete it: only pages of old answers and the memory of what was shown are lost",
)
_COLUMNS = (
    "slate, user, surface, space, time, home_time, last, answers, shown, ask, sources, ranks, answer, names, features"
)
_SELECT = f"{_COLUMNS}, (SELECT names FROM feature_names WHERE code = slates.names), number FROM slates"
_ROW, _SCORE, _SOURCE = np.dtype("<i4"), np.dtype("<f4"), np.dtype("u1")
_RANK_BYTES = 2 * _ROW.itemsize + 2 * _SCORE.itemsize + _SOURCE.itemsize


@dataclass(frozen=True)
class SlateSettings:
    """What is kept of the answers that `palate serve` gives."""

    SECTION: ClassVar[str] = "slates"

    keep_days: int = 30  # how long the log keeps an answer after it was last given; 0 logs nothing at all
    features_share: float = 0.1  # of the slates, chosen by their ids, of which the ranker's features are kept too
    in_memory: int = 1_000  # slates that each process keeps for further pages, about 20 KB each; older ones are read

    def __post_init__(self) -> None:
        if not 0 <= self.keep_days <= 3_650:
            raise ValueError(f"keep_days = {self.keep_days} must be from 0 to 3,650")
        if not 0.0 <= self.features_share <= 1.0:
            raise ValueError(f"features_share = {self.features_share} must be from 0 to 1")
        if not 1 <= self.in_memory <= 1_000_000:
            raise ValueError(f"in_memory = {self.in_memory} must be from 1 to 1,000,000")


def is_sampled(slate_id: str, share: float) -> bool:
    """Whether the features of this slate are kept: the same in every process and at every time, for `share` of ids."""
    return int.from_bytes(blake2b(slate_id.encode(), digest_size=8).digest()) < share * 2**64


@dataclass(frozen=True)
class Answered:
    """One answer: the slate as it left, and the ranks behind it, from which further pages are made.

    timestamp # unix seconds; home_time # home seconds
    rows      # (m,) int32 catalogue rows, best first, those of slate.items in front; -1 for what the catalogue lacks
    scores    # (m,) float32
    because   # (m,) int32 rows of the items that led here, -1 for none
    sources   # m names of retrievers
    ask       what the request said, without what is at its default
    named     other listeners whom the request names: when one of them is deleted, the slate goes too
    features  # (len(slate.items), len(names)) float32 as the ranker saw them, NaN for an item that it did not see
    answers   how often it was given
    offers    # (m,) float32, what the source offered it with: of exploration the probability of the draw; None unknown
    """

    slate: Slate
    timestamp: float
    home_time: float
    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    because: NDArray[np.int32]
    sources: tuple[str, ...]
    ask: dict[str, Any] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    features: NDArray[np.float32] | None = None
    names: tuple[str, ...] = ()
    answers: int = 1
    offers: NDArray[np.float32] | None = None

    @property
    def user(self) -> str:
        """Whose it is; NOBODY for a slate that is the same for everybody."""
        return self.slate.user_id or NOBODY

    @property
    def airing(self) -> Airing:
        """That its items were shown."""
        return Airing(self.user, self.slate.surface, self.timestamp, self.rows[: len(self.slate.items)])


class SlateLog(DatabaseFile):
    """The answers of a home in one SQLite file; several processes and threads may use it at once.

    Errors: Corrupt for a damaged or newer file, PalateError for a full disk, missing rights or a writer that does not
    finish.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _LAYOUT)
        self._deleted = DeletedUsers.beside(path)

    def append(self, answered: Sequence[Answered], turned: Sequence[Airing] = ()) -> int:
        """Adds answers, and further pages that were looked at, in one transaction; gives how many answers were new.

        When it returns they are on disk; when it raises, nothing has been written. A slate that the log holds is
        counted once more. What deleted listeners got, or what names one, is left out.
        """
        told = [_told(one) for one in answered]  # before the lock is taken: it takes longer than writing
        with self._database.write() as db:  # before the question who is deleted, as in ListeningLog.append
            allowed = [self._allowed((one.user, *one.named), one.timestamp) for one in answered]
            new = sum(_put(db, one, row) for one, row, may in zip(answered, told, allowed, strict=True) if may)
            airings = [one.airing for one, may in zip(answered, allowed, strict=True) if may]
            airing.add(db, airings + [one for one in turned if self._allowed((one.user,), one.time)])
        return new

    def find(self, slate_id: str) -> Answered | None:
        """The answer of that id; None for one that was never logged, or is forgotten."""
        with self._database.read() as db:
            row = db.execute(f"SELECT {_SELECT} WHERE slate = ?", (slate_id,)).fetchone()
        return None if row is None else self._unpacked(row)

    def read(self, since: float = -np.inf) -> Iterator[Answered]:
        """Every answer first given at `since` (unix seconds) or later, in the order in which they were logged."""
        last = -1
        while True:
            with self._database.read() as db:  # a thousand at a time, so that nobody waits for a slow reader
                rows = db.execute(
                    f"SELECT {_SELECT} WHERE number > ? AND time >= ? ORDER BY number LIMIT 1000", (last, since)
                ).fetchall()
            if not rows:
                return
            last = rows[-1][-1]
            yield from map(self._unpacked, rows)

    def counts(self, since: float) -> dict[str, tuple[int, int]]:
        """By surface: different slates, and answers, of those last given at `since` (unix seconds) or later."""
        asked = "SELECT surface, count(*), sum(answers) FROM slates WHERE last >= ? GROUP BY surface ORDER BY surface"
        with self._database.read() as db:
            return {surface: (slates, answers) for surface, slates, answers in db.execute(asked, (since,))}

    def aired(self, user: str, surface: str, since: float) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """What a surface showed a listener from `since` on: rows # (a,) and when # (a,) unix seconds (airing.py)."""
        with self._database.read() as db:
            return airing.of(db, user, surface, since)

    def airings(self, since: float) -> Iterator[Airing]:
        """Everything shown from `since` (unix seconds) on, an Airing a listener, surface and hour, in that order."""
        with self._database.read() as db:
            yield from airing.every(db, since)

    def shown_to(self, user_id: str) -> list[Answered]:
        """Every answer that a listener got, in the order in which they were logged."""
        with self._database.read() as db:
            rows = db.execute(f"SELECT {_SELECT} WHERE user = ? ORDER BY number", (user_id,)).fetchall()
        return [self._unpacked(row) for row in rows]

    def erase(self, user_ids: Sequence[str]) -> dict[str, int]:
        """Removes what these got and what names them; gives how many slates that were. `shred` clears the disk."""
        with self._database.write() as db:
            return {user: _erase(db, user) for user in user_ids}

    def prune(self, before: float) -> int:
        """Forgets up to PRUNED_AT_ONCE answers last given before `before` (unix seconds), and what was shown before.

        Gives how many answers went; to be called again while that is PRUNED_AT_ONCE.
        """
        old = f"SELECT number FROM slates WHERE last < ? ORDER BY last LIMIT {PRUNED_AT_ONCE}"
        with self._database.write() as db:
            db.execute(f"DELETE FROM named WHERE number IN ({old})", (before,))
            pruned = db.execute(f"DELETE FROM slates WHERE number IN ({old})", (before,)).rowcount
            airing.prune(db, before)
        return pruned

    def _allowed(self, users: Sequence[str], timestamp: float) -> bool:
        left_out = self._deleted.left_out(users, np.full(len(users), timestamp))
        return left_out is None or not left_out.any()

    def _unpacked(self, row: tuple[Any, ...]) -> Answered:
        """An answer from a row of _SELECT."""
        slate, _, _, _, time, home_time, _, answers, shown, ask, sources, ranks, answer, _, features, names, _ = row
        try:
            rows, scores, because, offers, codes = _unpacked_ranks(zlib.decompress(ranks))
            told = _slate(orjson.loads(zlib.decompress(answer)))
            known, columns, said = json.loads(sources), tuple(json.loads(names or "[]")), json.loads(ask)
            matrix = None if features is None else np.frombuffer(zlib.decompress(features), _SCORE)
            return Answered(
                told, time, home_time, rows, scores, because, tuple(known[code] for code in codes.tolist()),
                said["ask"], tuple(said["named"]), None if matrix is None else matrix.reshape(shown, len(columns)),
                columns, answers, offers,
            )  # fmt: skip
        except (ValueError, TypeError, KeyError, IndexError, zlib.error) as error:
            raise Corrupt(f"slate {slate!r} in {self.path} cannot be read ({error}); {_LAYOUT.remedy}") from error


def _told(one: Answered) -> tuple[Any, ...]:
    """The values of _COLUMNS, but with the names of features in the place of their code."""
    slate, known = one.slate, sorted(set(one.sources))
    codes = np.array([known.index(source) for source in one.sources], _SOURCE)
    offers = np.full(len(one.rows), np.nan) if one.offers is None else one.offers
    parts = (one.rows.astype(_ROW), one.scores.astype(_SCORE), one.because.astype(_ROW), offers.astype(_SCORE), codes)
    features = None if one.features is None else zlib.compress(one.features.astype(_SCORE).tobytes(), 1)
    return (
        slate.slate_id, one.user, slate.surface, slate.space, one.timestamp, one.home_time, one.timestamp, 1,
        len(slate.items), json.dumps({"ask": one.ask, "named": one.named}), json.dumps(known),
        zlib.compress(b"".join(part.tobytes() for part in parts), 1), zlib.compress(orjson.dumps(slate), 1),
        None if features is None else json.dumps(one.names), features,
    )  # fmt: skip


def _put(db: sqlite3.Connection, one: Answered, told: tuple[Any, ...]) -> bool:
    """Adds an answer; False when the log holds it, which is counted: it was given once more."""
    again = "UPDATE slates SET answers = answers + 1, last = max(last, ?) WHERE slate = ?"
    if db.execute(again, (one.timestamp, one.slate.slate_id)).rowcount:
        return False
    code = None
    if told[-2] is not None:
        db.execute("INSERT OR IGNORE INTO feature_names(names) VALUES(?)", (told[-2],))
        code = db.execute("SELECT code FROM feature_names WHERE names = ?", (told[-2],)).fetchone()[0]
    values = ", ".join("?" * len(told))
    number = db.execute(f"INSERT INTO slates({_COLUMNS}) VALUES({values})", (*told[:-2], code, told[-1])).lastrowid
    db.executemany("INSERT OR IGNORE INTO named VALUES(?, ?)", [(user, number) for user in one.named])
    return True


def _erase(db: sqlite3.Connection, user: str) -> int:
    numbers = "SELECT number FROM named WHERE user = ?"
    gone = db.execute(f"DELETE FROM slates WHERE user = ? OR number IN ({numbers})", (user, user)).rowcount
    db.execute("DELETE FROM named WHERE user = ? OR number NOT IN (SELECT number FROM slates)", (user,))
    airing.erase(db, user)
    return gone


def _unpacked_ranks(data: bytes) -> tuple[NDArray[Any], ...]:
    """rows, scores, because, offers, source codes."""
    n, left = divmod(len(data), _RANK_BYTES)
    if left:
        raise ValueError(f"{len(data)} bytes of ranks are no multiple of {_RANK_BYTES}")
    parts, offset = [], 0
    for dtype in (_ROW, _SCORE, _ROW, _SCORE, _SOURCE):
        parts.append(np.frombuffer(data, dtype, n, offset))
        offset += n * dtype.itemsize
    return tuple(parts)


def _slate(told: dict[str, Any]) -> Slate:
    """A slate from its JSON; what a later Palate added to it is passed over."""
    shelves = [Shelf(**one | {"items": [_item(item) for item in one["items"]]}) for one in told["shelves"]]
    known = {name: value for name, value in told.items() if name in Slate.__dataclass_fields__}
    return Slate(**known | {"items": [_item(item) for item in told["items"]], "shelves": shelves})


def _item(told: dict[str, Any]) -> SlateItem:
    return SlateItem(**told | {"artists": tuple(told["artists"])})
