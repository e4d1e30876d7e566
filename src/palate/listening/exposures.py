"""The exposure log: which listener was shown which slate under which variant, on disk before `append` returns.

A listener counts in an experiment from their first exposure, so what was never shown must not be in here. Each place
of a slate carries its propensity: the chance that the serving policy had of showing this item there. With it the log
can answer what another policy would have got (evaluation/online/replay.py).
"""

import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import atomic_file
from palate.core.database import DatabaseFile, Layout
from palate.core.errors import BadInput, Corrupt
from palate.core.ids import MAX_ID_CHARACTERS
from palate.listening.deleted import FILE as DELETED
from palate.listening.deleted import DeletedUsers

FILE = "exposures.sqlite"  # in home.listening

_LAYOUT = Layout(
    name="the exposure log",
    format=1,
    schema=(
        """CREATE TABLE exposures(number INTEGER PRIMARY KEY, slate TEXT NOT NULL, experiment TEXT NOT NULL,
        user TEXT NOT NULL, variant TEXT NOT NULL, surface TEXT NOT NULL, time REAL NOT NULL, items TEXT NOT NULL,
        propensities BLOB NOT NULL, UNIQUE(slate, experiment))""",
        "CREATE INDEX exposures_by_experiment ON exposures(experiment, number)",
    ),
    remedy="restore it from a backup",
)
_COLUMNS = "slate, experiment, user, variant, surface, time, items, propensities"
_FLOATS = np.dtype("<f8")


@dataclass(frozen=True, slots=True)
class Exposure:
    """One slate as it was shown. `timestamp` is unix seconds.

    `propensities`: for each item the chance of standing at its place, above 0 and at most 1; NaN where unknown, 1 for
    a policy without chance. Empty means that all are unknown.
    """

    timestamp: float
    user_id: str
    experiment: str
    variant: str
    surface: str
    slate_id: str
    item_ids: tuple[str, ...]
    propensities: tuple[float, ...] = ()


@dataclass(frozen=True)
class Exposures:
    """Many exposures of one experiment in columns, in the order in which they were accepted; n of them, m places.

    timestamp  # (n,) float64, unix seconds
    indptr     # (n + 1,) int64: places indptr[i]:indptr[i + 1] are those of slate i, in order
    item_id    # (m,) ids
    propensity # (m,) float64, NaN where unknown
    The text columns have n rows.
    """

    timestamp: NDArray[np.float64]
    user_id: list[str]
    variant: list[str]
    surface: list[str]
    slate_id: list[str]
    indptr: NDArray[np.int64]
    item_id: list[str]
    propensity: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.user_id)


class ExposureLog(DatabaseFile):
    """The exposures of a home in one SQLite file; several processes and threads may use it at once.

    Errors: Corrupt for a damaged or newer file, PalateError for a full disk, missing rights or a writer that does not
    finish.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _LAYOUT)
        self._deleted = DeletedUsers(path.parent / DELETED)

    def append(self, exposures: Sequence[Exposure]) -> int:
        """Adds the exposures that the log does not hold yet, in one transaction; gives how many those were.

        When it returns they are on disk; when it raises, nothing has been written. A slate counts once in an
        experiment: the first one with its `slate_id` stays. What deleted users were shown is left out. BadInput for an
        id or a number that cannot be.
        """
        rows = [_row(one) for one in exposures]
        into = f"INSERT OR IGNORE INTO exposures({_COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?)"
        with self._database.write() as db:  # before the question who is deleted, as in ListeningLog.append
            times = np.array([one.timestamp for one in exposures], np.float64)
            left_out = self._deleted.left_out([one.user_id for one in exposures], times)
            if left_out is not None:
                rows = [row for row, out in zip(rows, left_out.tolist(), strict=True) if not out]
            return db.executemany(into, rows).rowcount if rows else 0

    def experiments(self) -> dict[str, int]:
        """How many exposures each experiment has, by name."""
        with self._database.read() as db:
            counted = db.execute("SELECT experiment, count(*) FROM exposures GROUP BY experiment ORDER BY experiment")
            return dict(counted.fetchall())

    def read(self, experiment: str) -> Exposures:
        """Every exposure of one experiment; none for one that was never shown."""
        with self._database.read() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM exposures WHERE experiment = ? ORDER BY number", (experiment,)
            ).fetchall()
        items = [self._items(row) for row in rows]
        return Exposures(
            timestamp=np.array([row[5] for row in rows], np.float64),
            user_id=[row[2] for row in rows],
            variant=[row[3] for row in rows],
            surface=[row[4] for row in rows],
            slate_id=[row[0] for row in rows],
            indptr=np.concatenate(([0], np.cumsum([len(one) for one in items]))).astype(np.int64),
            item_id=[item for one in items for item in one],
            propensity=np.frombuffer(b"".join(row[7] for row in rows), _FLOATS).astype(np.float64),
        )

    def shown_to(self, user_id: str) -> list[dict[str, Any]]:
        """Every exposure of one listener, in the order in which they were accepted, told as `export` tells them."""
        with self._database.read() as db:
            told = f"SELECT {_COLUMNS} FROM exposures WHERE user = ? ORDER BY number"
            return [self._told(row) for row in db.execute(told, (user_id,)).fetchall()]

    def erase(self, user_ids: Sequence[str]) -> dict[str, int]:
        """Removes what these listeners were shown; gives how many slates that were. `shred` takes them off the disk."""
        with self._database.write() as db:
            return {user: db.execute("DELETE FROM exposures WHERE user = ?", (user,)).rowcount for user in user_ids}

    def export(self, path: Path, experiment: str | None = None) -> int:
        """Writes one JSON object a line (of one experiment, or of all), whole or not at all; gives how many lines.

        The keys are those of Exposure; an unknown propensity is null.
        """
        where, given = ("", ()) if experiment is None else (" WHERE experiment = ?", (experiment,))
        lines = 0
        with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8") as file, self._database.read() as db:
            for row in db.execute(f"SELECT {_COLUMNS} FROM exposures{where} ORDER BY number", given):
                file.write(json.dumps(self._told(row), ensure_ascii=False) + "\n")
                lines += 1
        return lines

    def _told(self, row: tuple[Any, ...]) -> dict[str, Any]:
        slate, experiment, user, variant, surface, time, _, _ = row
        items = self._items(row)
        chances = np.frombuffer(row[7], _FLOATS)
        return {
            "timestamp": time,
            "user_id": user,
            "experiment": experiment,
            "variant": variant,
            "surface": surface,
            "slate_id": slate,
            "item_ids": items,
            "propensities": [None if np.isnan(chance) else chance for chance in chances.tolist()],
        }

    def _items(self, row: tuple[Any, ...]) -> list[str]:
        """The items of a row, checked against its propensities."""
        try:
            items: list[str] = json.loads(row[6])
        except ValueError as error:
            raise Corrupt(f"slate {row[0]!r} in {self.path} cannot be read ({error}); restore it") from error
        if len(row[7]) != len(items) * _FLOATS.itemsize:
            raise Corrupt(f"slate {row[0]!r} in {self.path} has {len(row[7])} bytes for {len(items)} items; restore it")
        return items


def _row(one: Exposure) -> tuple[Any, ...]:
    texts = {"slate_id": one.slate_id, "experiment": one.experiment, "user_id": one.user_id}
    texts |= {"variant": one.variant, "surface": one.surface}
    for name, text in [*texts.items(), *(("item_id", item) for item in one.item_ids)]:
        if not 1 <= len(text) <= MAX_ID_CHARACTERS:
            raise BadInput(f"{name} {text[:80]!r} has {len(text)} characters; it needs 1 to {MAX_ID_CHARACTERS}")
        if not text.isascii():
            _check_unicode(name, text)
    if not math.isfinite(one.timestamp):
        raise BadInput(f"slate {one.slate_id!r} has the time {one.timestamp}; a time must be finite unix seconds")
    chances = one.propensities or (math.nan,) * len(one.item_ids)
    if len(chances) != len(one.item_ids):
        raise BadInput(
            f"slate {one.slate_id!r} has {len(chances)} propensities for {len(one.item_ids)} items; give one each"
        )
    wrong = [chance for chance in chances if not (math.isnan(chance) or 0.0 < chance <= 1.0)]
    if wrong:
        raise BadInput(f"slate {one.slate_id!r} has the propensity {wrong[0]}; it is above 0 and at most 1, or NaN")
    items = json.dumps(list(one.item_ids), ensure_ascii=True)
    return (*texts.values(), one.timestamp, items, struct.pack(f"<{len(chances)}d", *chances))


def _check_unicode(name: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"{name} {text[:80]!r} is not valid text; send it as UTF-8") from error
