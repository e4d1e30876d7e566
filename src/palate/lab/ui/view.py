"""The runs page in values: one page of rows, groups of them, points of a scatter, a file of comma-separated values."""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from palate.lab.book import RunInfo
from palate.lab.info import FIELDS
from palate.lab.query import check_names, condition, names_in, names_of_sort, ordered

ALWAYS_KNOWN = (*FIELDS, "simulated")
NEWEST_FIRST = "-created"
BRIEF = ("id", "name", "job", "group", "state", "created", "ended", "seconds", "resumed", "error")
# Words of names that say which way is better; a name with none of them, such as a learning rate, has no best.
LOWER = {"loss", "error", "rmse", "mae", "seconds", "ms", "latency", "mb", "bytes", "skip", "skips", "age"}
HIGHER = {"ndcg", "recall", "precision", "hit", "mrr", "map", "auc", "accuracy", "coverage", "diversity", "second"}
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would compute a text that begins so


@dataclass(frozen=True)
class View:
    """Which runs the reader looks at, and in which order; "" leaves a part out."""

    where: str = ""
    sort: str = ""

    def of(self, runs: Iterable[RunInfo], known: Iterable[str]) -> list[RunInfo]:
        """The runs that meet `where`, in order of `sort`, else newest first.

        BadInput says what cannot be read, or which name is none of the `known`.
        """
        asked = [*(names_in(self.where) if self.where.strip() else []), *names_of_sort(self.sort)]
        if asked:
            check_names(asked, [*known, *ALWAYS_KNOWN])
        chosen: Callable[..., bool] = condition(self.where) if self.where.strip() else lambda _: True
        return ordered((info for info in runs if chosen(info.named)), self.sort or NEWEST_FIRST, lambda run: run.named)


def brief(info: RunInfo, columns: Sequence[str] = ()) -> dict[str, Any]:
    """What a row shows; `values` in the order of `columns`, None where the run has none."""
    told = {name: getattr(info, name) for name in BRIEF} | {"simulated": simulated(info)}
    return told | {"values": [info.named(name) for name in columns]}


def simulated(info: RunInfo) -> bool:
    """Whether its listeners are simulated, as the run itself says."""
    return bool(info.about.get("simulated"))


def direction(name: str) -> int:
    """Which values of a name are better: 1 the larger, -1 the smaller, 0 unknown. Its last telling word decides.

    >>> [direction(name) for name in ("encoder.valid_loss", "ndcg_at_10", "plays_per_second", "seconds", "users.dim")]
    [-1, 1, 1, -1, 0]
    """
    for word in reversed(re.split(r"[._ @]+", name.lower())):
        if word in LOWER or word in HIGHER:
            return 1 if word in HIGHER else -1
    return 0


def group_row(value: Any, runs: Sequence[RunInfo], columns: Sequence[str]) -> dict[str, Any]:
    """What a group's row shows: count, states, how many are simulated, and its columns summed up (_summed)."""
    states = Counter(info.state for info in runs)
    told = {"value": value, "count": len(runs), "states": states, "latest": max(info.created for info in runs)}
    return told | {"simulated": sum(map(simulated, runs)), "columns": [_summed(runs, name) for name in columns]}


def _summed(runs: Sequence[RunInfo], name: str) -> dict[str, Any] | None:
    """Of the numbers under a name the best (its range where the direction is unknown), the mean and how many.

    Of other values the one that all have, else how many kinds there are; None when no run has a value.
    """
    values = [value for info in runs if (value := info.named(name)) is not None]
    numbers = [value for value in values if is_number(value)]
    if numbers:
        ends = {"low": min(numbers), "high": max(numbers)}
        best = {1: ends["high"], -1: ends["low"], 0: None}[direction(name)]
        return ends | {"best": best, "mean": math.fsum(numbers) / len(numbers), "count": len(numbers)}
    distinct = {str(value) for value in values}
    return {"same": values[0]} if len(distinct) == 1 else {"kinds": len(distinct)} if distinct else None


def is_number(value: Any) -> bool:
    """A finite number, and no yes or no."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def points(runs: Iterable[RunInfo], x: str, y: str, group: str) -> list[dict[str, Any]]:
    """One point for each run that has a number under both names."""
    found = ((info, info.named(x), info.named(y)) for info in runs)
    return [
        {"id": info.id, "label": info.name, "x": a, "y": b, "group": str(info.named(group) or "")}
        for info, a, b in found
        if is_number(a) and is_number(b)
    ]


def as_csv(runs: Iterable[RunInfo], columns: Sequence[str]) -> str:
    """A head, then a line for each run: the fields of BRIEF with ISO times, then the columns.

    A text that a spreadsheet would compute has an apostrophe before it.
    """
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow([*BRIEF, *columns])
    for info in runs:
        told = {name: getattr(info, name) for name in BRIEF}
        told |= {"created": _iso(info.created), "ended": _iso(info.ended)}
        lines.writerow([_plain(cell) for cell in (*told.values(), *(info.named(name) for name in columns))])
    return out.getvalue()


def _plain(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _iso(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
