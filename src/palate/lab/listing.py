"""Runs as people read them in a terminal: a table of many, all of one, several side by side."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from palate.core.errors import BadInput
from palate.lab.book import Book, RunInfo, named_values
from palate.lab.info import FIELDS
from palate.lab.mirror import copied
from palate.lab.query import TABLES, check_names, condition, names_in, names_of_sort, ordered

ALWAYS = ("id", "job", "name", "state", "age", "seconds")
INFORMATIVE = 4  # columns that are chosen when none are asked for
ID_LETTERS = 24  # time and chance; the job behind them has its own column, and a beginning finds a run


def listed(
    book: Book, where: str | None, sort: str | None, job: str | None, columns: Sequence[str]
) -> tuple[list[RunInfo], list[str]]:
    """The runs that the options choose, the newest first unless sorted, and the columns to show of them.

    The columns are those named anywhere in the options, else the most informative. BadInput for a condition that
    cannot be read, and for a name that no run has.
    """
    every = book.runs()
    jobs = dict.fromkeys(info.job for info in every)
    if job is not None and every and job not in jobs:
        raise BadInput(f"no run is of the job {job!r}; there are {', '.join(jobs)}")
    names = [*columns, *(names_in(where) if where else []), *(names_of_sort(sort) if sort else [])]
    wanted = [name for name in dict.fromkeys(names) if name not in ALWAYS]
    unseen = [name for name in wanted if name not in FIELDS and all(info.named(name) is None for info in every)]
    if unseen and every:
        tables = [name for of in ("summary", "config", "about") for name in named_values(every, of)]
        check_names(unseen, [*FIELDS, "age", *tables])
    chosen = condition(where) if where else None
    found = [info for info in every if job in (None, info.job) and (chosen is None or chosen(info.named))]
    found = ordered(found, sort, lambda info: info.named) if sort else found[::-1]
    return found, wanted or informative(found)


def as_json(book: Book, info: RunInfo, columns: Sequence[str] = ()) -> dict[str, Any]:
    """A run for programs: all of it and its folder, or its id and the columns; what is no finite number is null."""
    if columns:
        return {"id": info.id} | {name: _finite(info.named(name)) for name in columns}
    told = vars(info) | {"files": [vars(file) for file in info.files], "folder": str(book.path(info))}
    for name in TABLES:
        told[name] = {key: _finite(value) for key, value in told[name].items()}
    return told


def informative(infos: Sequence[RunInfo]) -> list[str]:
    """The settings and results that say most: those that differ between the runs, and of these that most have."""
    chosen: list[str] = []
    for table, most in (("config", 2), ("summary", INFORMATIVE - 2)):
        values: dict[str, list[Any]] = {}
        for info in infos:
            for name, value in getattr(info, table).items():
                values.setdefault(name, []).append(value)
        differ = [name for name, found in values.items() if len(infos) == 1 or len(set(map(str, found))) > 1]
        chosen += sorted(differ, key=lambda name: -len(values[name]))[:most]
    return [name for name in chosen if name not in ALWAYS]


def table(infos: Sequence[RunInfo], columns: Sequence[str], now: float | None = None) -> str:
    """One line a run: id, job, name, state, age, seconds, then the columns."""
    moment = time.time() if now is None else now
    rows = [[_cell(info, name, moment) for name in (*ALWAYS, *columns)] for info in infos]
    return aligned([[*ALWAYS, *columns], *rows])


def grouped(infos: Sequence[RunInfo], by: str, columns: Sequence[str]) -> str:
    """A table under each value of `by`, in the order in which they come."""
    parts = [
        f"{by} = {in_words(value)}, runs: {len(some):,}\n{table(some, columns)}" for value, some in groups(infos, by)
    ]
    return "\n\n".join(parts)


def groups(infos: Sequence[RunInfo], by: str) -> list[tuple[Any, list[RunInfo]]]:
    """(value, its runs) for each value under the name `by`, in the order in which they come."""
    found: dict[str, tuple[Any, list[RunInfo]]] = {}
    for info in infos:
        found.setdefault(repr(info.named(by)), (info.named(by), []))[1].append(info)
    return list(found.values())


def whole(book: Book, info: RunInfo) -> str:
    """Everything about one run."""
    lines = [f"{info.id}  {info.job}  {info.name}", f"{info.state}, {in_words(info.seconds)} s, {info.steps:,} steps"]
    lines[1] += f", resumed {info.resumed} times" if info.resumed else ""
    lines += [info.error] if info.error else []
    for name, values in (("settings", info.config), ("summary", info.summary), ("about", info.about)):
        if values:
            lines += ["", name, aligned([[f"  {key}", in_words(value)] for key, value in values.items()])]
    series = book.history(info)
    if series:
        head = ["  name", "points", "first", "last", "min", "max"]
        rows = [
            [f"  {name}", str(len(one.values)), *map(in_words, (one.values[0], one.values[-1], *_ends(one.values)))]
            for name, one in series.items()
        ]
        lines += ["", "logged", aligned([head, *rows])]
    if info.files:
        lines += ["", "files", aligned([[f"  {one.name}", one.type, one.label or one.path] for one in info.files])]
    lines += ["", f"folder: {book.path(info)}", *_copies(book, info)]
    return "\n".join(lines)


def comparison(infos: Sequence[RunInfo]) -> str:
    """Runs side by side: the settings that differ, and what they came to with the difference from the first."""
    heads = [info.name if info.name != info.id else info.id[:ID_LETTERS] for info in infos]
    lines = [table(infos, [])]
    for name in ("config", "summary"):
        rows = differences(infos, name)
        shown = [
            [f"  {key}", *(_beside(value, values[0], name, first=not at) for at, value in enumerate(values))]
            for key, values in rows.items()
        ]
        title = "settings that differ" if name == "config" else "summary"
        lines += ["", aligned([[title, *heads], *shown]) if shown else f"{title}: none"]
    return "\n".join(lines)


def differences(infos: Sequence[RunInfo], name: str) -> dict[str, list[Any]]:
    """Under each name the value of every run, None where it has none; of `config` only what differs."""
    tables: list[Mapping[str, Any]] = [getattr(info, name) for info in infos]
    names = dict.fromkeys(key for one in tables for key in one)
    rows = {key: [one.get(key) for one in tables] for key in names}
    return {key: values for key, values in rows.items() if name != "config" or len(set(map(repr, values))) > 1}


def in_words(value: Any) -> str:
    """A value as a cell: numbers with five digits, nothing as a dash."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.5g}"
    return str(value)


def since(seconds: float) -> str:
    """An age in its greatest unit: 40 s, 3 min, 5 h, 12 d."""
    for unit, length in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{int(seconds / length)} {unit}"
    return f"{int(max(seconds, 0.0))} s"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines; each column is as wide as its widest cell."""
    clean = [[" ".join(cell.split()) if cell.strip() == cell else cell for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*clean, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in clean
    )


def _cell(info: RunInfo, name: str, now: float) -> str:
    if name == "id":
        return info.id[:ID_LETTERS]
    if name == "age":
        return since(now - info.created)
    if name == "name" and info.name == info.id:
        return "-"
    value = info.named(name)
    return f"{value:.1f}" if name == "seconds" else in_words(value)[:40]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _beside(value: Any, first_value: Any, name: str, first: bool) -> str:
    told, numbers = in_words(value), (int, float)
    if first or name == "config" or not (isinstance(value, numbers) and isinstance(first_value, numbers)):
        return told
    change = value - first_value
    return f"{told} ({change:+.3g}" + (f", {100 * change / abs(first_value):+.1f}%)" if first_value else ")")


def _ends(values: Sequence[float]) -> tuple[float, float]:
    real = [value for value in values if value == value]
    return (min(real), max(real)) if real else (values[0], values[0])


def _copies(book: Book, info: RunInfo) -> list[str]:
    lines = []
    for tracker in ("trackio", "wandb"):
        copy = copied(book.path(info), tracker)
        if copy.called:
            how = "whole" if copy.whole else copy.error or "on its way"
            lines += [f"{tracker}: {copy.called} ({how})", *(f"  left out: {why}" for why in copy.left_out)]
    return lines
