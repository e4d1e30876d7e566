"""An evaluation as a table to read and as JSON to keep."""

import datetime
import math
from dataclasses import asdict
from typing import Any

import numpy as np

from palate.core.errors import BadInput
from palate.evaluation.intervals import Interval, intervals, paired_difference
from palate.evaluation.run import Evaluation, TaskValues

Row = dict[str, Any]


def to_json(evaluation: Evaluation, simulated: bool = False, first: str | None = None) -> dict[str, Any]:
    """Everything in the table and the metrics that it leaves out, as plain values; a NaN becomes None.

    Each task lists its methods by NDCG at the longest k, best first; a value with an interval is
    {"value", "low", "high"}. "first_minus_this" is the paired difference, in that NDCG, of `first` (a method's name;
    the best one if None) against each other method.
    """
    settings = evaluation.settings
    return {
        "simulated": simulated,
        "data": asdict(evaluation.data),
        "settings": {**asdict(settings), "k": list(settings.k)},
        "windows": [asdict(window) for window in evaluation.windows],
        "dropped_windows": [asdict(window) for window in evaluation.dropped],
        "tasks": {task: _task(evaluation, values, first) for task, values in evaluation.tasks.items()},
    }


def table(evaluation: Evaluation, simulated: bool = False, first: str | None = None) -> str:
    """The report as text: where the numbers come from, then one table per task.

    `simulated` marks the numbers as coming from an invented world, where they say nothing about people.
    """
    value = to_json(evaluation, simulated, first)
    lines = _header(evaluation, simulated)
    for task, part in value["tasks"].items():
        lines += ["", f"{task}: {part['rows']} listener-window rows of {part['users']} listeners"]
        lines += _aligned(_cells(part, evaluation.settings.k))
    return "\n".join(lines) + "\n"


def _task(evaluation: Evaluation, values: TaskValues, first: str | None) -> dict[str, Any]:
    settings = evaluation.settings
    key = f"ndcg@{settings.k[-1]}"
    rows: list[Row] = []
    for name in evaluation.methods:
        columns = np.stack(list(values.values[name].values()), axis=1)
        found = intervals(columns, values.users, values.windows, settings.bootstrap, settings.seed)
        measured = {metric: _plain(one) for metric, one in zip(values.values[name], found, strict=True)}
        spread = {metric: _number(each.mean()) for metric, each in values.coverage[name].items()}
        rows.append({"method": name, **measured, **spread})
    rows.sort(key=lambda row: -row[key]["value"])
    reference = rows[0]["method"] if first is None else first
    if reference not in evaluation.methods:
        raise BadInput(f"no method {reference!r} was evaluated; choose from {', '.join(evaluation.methods)}")
    ours = values.values[reference][key]
    for row in rows:
        theirs = values.values[row["method"]][key]
        difference = paired_difference(ours, theirs, values.users, values.windows, settings.bootstrap, settings.seed)
        row["first_minus_this"] = None if row["method"] == reference else _plain(difference)
    return {"first": reference, "rows": len(values.users), "users": len(np.unique(values.users)), "methods": rows}


def _header(evaluation: Evaluation, simulated: bool) -> list[str]:
    data, settings = evaluation.data, evaluation.settings
    lines = ["SIMULATED data: these numbers say nothing about people"] if simulated else []
    lines.append(
        f"data: {data.listens:,} listens, {data.users:,} listeners, {data.items:,} items, "
        f"{_date(data.start)} .. {_date(data.end)}"
    )
    starts = ", ".join(_date(window.start) for window in evaluation.windows)
    lines.append(f"windows: {len(evaluation.windows)} of {settings.horizon_days:g} days from {starts}")
    if evaluation.dropped:
        starts = ", ".join(_date(window.start) for window in evaluation.dropped)
        lines.append(f"dropped: {len(evaluation.dropped)} with too little log before them, from {starts}")
    lines.append(
        f"listeners with {settings.min_train_plays}+ heard plays before a window; 95% intervals over listeners, "
        f"{settings.bootstrap} draws, seed {settings.seed}"
    )
    return lines


def _cells(part: dict[str, Any], k: tuple[int, ...]) -> list[list[str]]:
    short, long = k[0], k[-1]
    with_interval = dict.fromkeys((f"ndcg@{long}", f"ndcg@{short}"))
    bare = (f"recall@{long}", f"mrr@{long}", f"hit_rate@{short}")
    cells = [["method", *with_interval, *bare, f"coverage@{long}", f"{part['first']} minus this"]]
    for row in part["methods"]:
        difference = row["first_minus_this"]
        cells.append(
            [
                row["method"],
                *(_bounds(row[metric], ".4f") for metric in with_interval),
                *(f"{row[metric]['value']:.4f}" for metric in bare),
                "-" if row[f"coverage@{long}"] is None else f"{row[f'coverage@{long}']:.3f}",
                "-" if difference is None else _bounds(difference, "+.4f"),
            ]
        )
    return cells


def _aligned(cells: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _bounds(one: dict[str, float], style: str) -> str:
    return f"{one['value']:{style}} [{one['low']:{style}}, {one['high']:{style}}]"


def _plain(one: Interval) -> dict[str, float]:
    return {"value": one.value, "low": one.low, "high": one.high}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _date(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date().isoformat()
