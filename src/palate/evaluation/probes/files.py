"""Tasks from a directory: labels that somebody else made, in files, asked of every space like the open ones.

    tasks.toml          one table for each task
    [premium]
    file = "premium.csv"                  in the same directory: csv, tsv, jsonl (each also .gz) or parquet
    kind = "binary"                       or "regression"
    train_at = 2014-11-01T00:00:00Z       when the head's vectors are taken: unix seconds or a time with its zone
    test_at = 2014-12-01T00:00:00Z        when the judged vectors are taken, not before train_at
    about = "buys premium within a month" optional

    premium.csv         user_id,label[,split]     split is train or test; without it a label holds for both

Nothing in the directory is executed.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.core.clock import Calendar
from palate.core.errors import BadInput
from palate.evaluation.probes.tasks import Kind
from palate.sources.cells import Cells, Column, Reader, read_ids, read_numbers, read_words
from palate.sources.tables import Rows, open_table

NAMES = "tasks.toml"
TRAIN, TEST = "train", "test"
_KEYS = ("file", "kind", "train_at", "test_at", "about")
_CHUNK_ROWS = 100_000


@dataclass(frozen=True)
class FileTask:
    """One task from a directory; `train_at` and `test_at` are home seconds.

    train, test # label by user id; the head learns from the one and is judged on the other
    """

    name: str
    about: str
    kind: Kind
    train_at: float
    test_at: float
    train: Mapping[str, float] = field(repr=False)
    test: Mapping[str, float] = field(repr=False)
    group: ClassVar[str | None] = None

    def labels(self, side: str, users: list[str]) -> NDArray[np.float64]:
        """(users,) the labels of the side TRAIN or TEST; NaN for a listener without one."""
        told = self.train if side == TRAIN else self.test
        return np.array([told.get(user, math.nan) for user in users], np.float64)


def read_tasks(folder: Path, calendar: Calendar | None = None) -> list[FileTask]:
    """Every task of a directory, in the order of its tasks.toml; BadInput, naming file and key or line, if one is bad.

    calendar # of the home, to turn the moments into home time; None when its log has no pauses
    """
    path = folder / NAMES
    if not path.is_file():
        raise BadInput(f"{folder} has no {NAMES}; it must hold one table for each task (docs/howto/write-a-probe.md)")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not valid TOML: {error}") from error
    if not tables:
        raise BadInput(f"{path} names no task; add a table such as [premium]")
    return [_task(path, name, table, calendar or Calendar()) for name, table in tables.items()]


def _task(path: Path, name: str, table: Any, calendar: Calendar) -> FileTask:
    where = f"{path}: [{name}]"
    if not isinstance(table, dict):
        raise BadInput(f"{path}: {name!r} stands outside any [table]; each task is a table")
    unknown = [key for key in table if key not in _KEYS]
    missing = [key for key in _KEYS[:-1] if key not in table]
    if unknown:
        raise BadInput(f"{where} {unknown[0]} is not a key; choose from {', '.join(_KEYS)}")
    if missing:
        raise BadInput(f"{where} has no {missing[0]}; it needs {', '.join(_KEYS[:-1])}")
    if table["kind"] not in ("binary", "regression"):
        raise BadInput(f'{where} kind = {table["kind"]!r} must be "binary" or "regression"')
    about = table.get("about", "labels from a file")
    if not isinstance(about, str):
        raise BadInput(f"{where} about = {about!r} must be text")
    train_at, test_at = (calendar.home_time(_moment(table[key], f"{where} {key}")) for key in ("train_at", "test_at"))
    if test_at < train_at:
        raise BadInput(f"{where} test_at lies before train_at; a head is judged later than it is taught")
    kind = cast(Kind, table["kind"])
    train, test = _labels(_beside(path, table["file"], where), kind)
    return FileTask(name, about, kind, train_at, test_at, train, test)


def _moment(value: Any, where: str) -> float:
    """Unix seconds of a TOML number or of a TOML time that names its zone."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.timestamp()
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise BadInput(f"{where} = {value} must be unix seconds or a time with its zone, such as 2014-11-01T00:00:00Z")


def _beside(path: Path, name: Any, where: str) -> Path:
    """The file of that name in the directory of `path`, and nowhere else."""
    if not isinstance(name, str) or not name or Path(name).name != name:
        raise BadInput(f"{where} file = {name!r} must be the name of a file in {path.parent}")
    return path.parent / name


def _labels(path: Path, kind: Kind) -> tuple[dict[str, float], dict[str, float]]:
    """(train, test) labels by user id."""
    table = open_table(path)
    columns: dict[str, str] = {name: name for name in ("user_id", "label", "split") if name in table.columns}
    missing = [name for name in ("user_id", "label") if name not in columns]
    if missing:
        raise BadInput(f"{path} has no column {missing[0]}; it needs user_id and label, and may have split")
    train: dict[str, float] = {}
    test: dict[str, float] = {}
    for rows in table.rows(list(columns), _CHUNK_ROWS):
        for line, user, label, split in _read(rows, columns, path):
            if kind == "binary" and label not in (0.0, 1.0):
                raise BadInput(f"{path}:{line} label is {label:g}; a binary label must be 0 or 1")
            for side, told in ((TRAIN, train), (TEST, test)):
                if split in (None, side):
                    if user in told:
                        raise BadInput(f"{path}:{line} is a second {side} label of user {user[:80]!r}; give one")
                    told[user] = label
    for side, told in ((TRAIN, train), (TEST, test)):
        if len(set(told.values())) < 2:
            raise BadInput(f"{path} has {len(told)} {side} labels, none or all alike; a task needs two different ones")
    return train, test


def _read(rows: Rows, columns: dict[str, str], path: Path) -> list[tuple[int, str, float, str | None]]:
    """(line, user id, label, split or None) of each row; the first row that cannot be read is an error."""
    readers: dict[str, Reader] = {
        "user_id": partial(read_ids, required=True),
        "label": _read_labels,
        "split": partial(read_words, words={TRAIN: TRAIN, TEST: TEST}, dtype=pl.String),
    }
    values, problems = rows.read(columns, readers)
    label = values["label"].to_list()
    gaps = {row: "label is missing" for row, one in enumerate(label) if one is None}
    if "split" in values:
        gaps |= {row: "split is missing" for row, one in enumerate(values["split"].to_list()) if one is None}
    bad = rows.rejected(str(path), gaps | problems)
    if bad:
        raise BadInput(f"{path}:{bad[0].line} {bad[0].reason}; every row needs a user_id and a label that can be read")
    split = values["split"].to_list() if "split" in values else [None] * len(rows)
    return list(zip(rows.lines.tolist(), values["user_id"].to_list(), label, split, strict=True))


def _read_labels(cells: Cells, name: str) -> Column:
    """Numbers; true and false are 1 and 0."""
    if isinstance(cells, list):
        cells = [int(one) if isinstance(one, bool) else one for one in cells]
    elif cells.dtype == pl.Boolean:
        cells = cells.cast(pl.Int8)
    return read_numbers(cells, name)
