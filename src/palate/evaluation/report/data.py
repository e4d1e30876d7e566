"""An evaluation as plain values: what is kept as JSON, and all that the table and the page read.

docs/rooms/evaluation.md lists every field. A value with an interval is {"value", "low", "high"}; a NaN becomes None.
"""

import inspect
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.evaluation.cohorts import CohortValue, by_cohort, worst
from palate.evaluation.comparison import holm, p_values
from palate.evaluation.intervals import intervals
from palate.evaluation.plain import number, plain
from palate.evaluation.report.newcomers import newcomers
from palate.evaluation.run import CEILING, Evaluation, TaskValues, kind_of
from palate.evaluation.staleness import AGES_SECONDS

FORMAT = 2

Row = dict[str, Any]


def to_json(evaluation: Evaluation, simulated: bool = False, first: str | None = None) -> dict[str, Any]:
    """Everything that was measured, by task; each task lists its methods by the main metric, best first.

    first  the method that is compared with each other one; None takes the best of each task, which flatters it a
           little, since it was chosen after seeing the numbers. BadInput when it is not among the methods.
    """
    names = [method.name for method in evaluation.methods]
    if first is not None and first not in names:
        raise BadInput(f"no method {first!r} was evaluated; choose from {', '.join(names)}")
    settings = evaluation.settings
    return {
        "format": FORMAT,
        "simulated": simulated,
        "data": asdict(evaluation.data),
        "settings": {**asdict(settings), "k": list(settings.k)},
        "windows": [asdict(window) for window in evaluation.windows],
        "dropped_windows": [asdict(window) for window in evaluation.dropped],
        "methods": {method.name: _method(method, evaluation) for method in evaluation.methods},
        "tasks": {
            **{name: _task(evaluation, values, first) for name, values in evaluation.tasks.items()},
            **{name: {"reason": reason, "rows": 0, "methods": []} for name, reason in evaluation.missing.items()},
        },
        "cohorts_left_out": evaluation.left_out,
        "staleness": _staleness(evaluation),
        "cold_start": newcomers(evaluation),
    }


def _method(method: object, evaluation: Evaluation) -> Row:
    cost = evaluation.costs[method.name]  # type: ignore[attr-defined]  # every Method has a name
    about = (inspect.getdoc(type(method)) or "").split("\n\n")[0].replace("\n", " ")
    return {
        "about": about,
        "kind": kind_of(method),
        "fit_seconds": number(float(np.mean(cost.fit_seconds))),
        "ms_per_listener": number(cost.ms_per_list),
    }


def _task(evaluation: Evaluation, values: TaskValues, first: str | None) -> Row:
    settings, main = evaluation.settings, evaluation.main
    names = list(values.values)
    metrics = list(dict.fromkeys(metric for name in names for metric in values.values[name]))
    unknown = np.full(len(values.rows), np.nan)  # not every method can be asked again a day later
    table = np.stack([values.values[name].get(metric, unknown) for name in names for metric in metrics], axis=1)
    found = iter(intervals(table, values.rows, values.windows, settings.bootstrap, settings.seed))
    rows: list[Row] = []
    for name in names:
        row: Row = {"method": name} | {metric: plain(next(found)) for metric in metrics}
        row |= {metric: number(each.mean()) for metric, each in values.whole[name].items()}
        row["seed_spread"] = number(float(np.std(values.seeds[name], ddof=1))) if name in values.seeds else None
        rows.append(row)
    rows.sort(key=lambda row: -row[main]["value"])
    reference = _reference(evaluation, rows, first)
    _compare(evaluation, values, rows, reference)
    _against_ceiling(evaluation, rows)
    cohorts = _cohorts(evaluation, values)
    return {
        "about": values.task.about,
        "metric": main,
        "of": values.task.of,
        "rows": len(values.rows),
        "users": len(np.unique(values.rows)),
        "reason": None,
        "first": reference,
        "methods": rows,
        "absent": [method.name for method in evaluation.methods if method.name not in names],
        "cohorts": [_cohort(one, names) for one in cohorts],
        "worst": _worst(cohorts, names, reference),
    }


def _reference(evaluation: Evaluation, rows: list[Row], first: str | None) -> str | None:
    ceilings = _ceilings(evaluation)
    taking_part = [row["method"] for row in rows if row["method"] not in ceilings]
    if first in taking_part or not taking_part:
        return first if taking_part else None
    return str(taking_part[0])


def _compare(evaluation: Evaluation, values: TaskValues, rows: list[Row], first: str | None) -> None:
    """Adds the paired difference of `first` minus each other method; the ceiling is no competitor."""
    settings, main, ceilings = evaluation.settings, evaluation.main, _ceilings(evaluation)
    others = [row["method"] for row in rows if row["method"] != first and row["method"] not in ceilings]
    for row in rows:
        row["first_minus_this"] = None
    if first is None or not others:
        return
    table = differences(values, first, others, main)
    bounds = intervals(table, values.rows, values.windows, settings.bootstrap, settings.seed)
    p = p_values(table, values.rows, values.windows, settings.seed).tolist()
    tested = dict(zip(others, zip(bounds, p, holm(p), strict=True), strict=True))
    for row in rows:
        if row["method"] in tested:
            bound, chance, corrected = tested[row["method"]]
            row["first_minus_this"] = {**(plain(bound) or {}), "p": chance, "p_holm": corrected}


def differences(values: TaskValues, first: str, others: list[str], metric: str) -> NDArray[np.float64]:
    """(r, others) what `first` is ahead by, question by question."""
    ours = values.values[first][metric]
    return np.stack([ours - values.values[other][metric] for other in others], axis=1)


def _against_ceiling(evaluation: Evaluation, rows: list[Row]) -> None:
    main, ceilings = evaluation.main, _ceilings(evaluation)
    best = max((row[main]["value"] for row in rows if row["method"] in ceilings), default=None)
    for row in rows:
        row["of_ceiling"] = row[main]["value"] / best if best else None


def _ceilings(evaluation: Evaluation) -> set[str]:
    return {method.name for method in evaluation.methods if kind_of(method) == CEILING}


def _cohorts(evaluation: Evaluation, values: TaskValues) -> list[CohortValue]:
    """Every cohort with a row, its columns the methods."""
    settings = evaluation.settings
    table = np.stack([each[evaluation.main] for each in values.values.values()], axis=1)
    present = {name: members for name, members in values.cohorts.items() if members.any()}
    return by_cohort(table, values.rows, values.windows, present, evaluation.rules, settings.bootstrap, settings.seed)


def _cohort(one: CohortValue, names: list[str]) -> Row:
    methods = {name: plain(bound) for name, bound in zip(names, one.intervals, strict=True)}
    return {"cohort": one.cohort, "rule": one.rule, "rows": one.rows, "users": one.users, "methods": methods}


def _worst(cohorts: list[CohortValue], names: list[str], first: str | None) -> Row | None:
    """The cohort for which `first` does worst, with an interval as wide as choosing the worst of so many asks for."""
    if first is None:
        return None
    column = names.index(first)
    found = worst(cohorts, column)
    return None if found is None else {"cohort": found.cohort, **(plain(found.intervals[column]) or {})}


def _staleness(evaluation: Evaluation) -> Row | None:
    aged, settings = evaluation.aged, evaluation.settings
    if aged is None or not aged.values:
        return None
    names = list(aged.values)
    metrics = list(aged.values[names[0]])
    table = np.concatenate([aged.values[name][metric] for metric in metrics for name in names], axis=1)
    found = iter(intervals(table, aged.rows, aged.windows, settings.bootstrap, settings.seed))
    curves = {metric: {name: [plain(next(found)) for _ in AGES_SECONDS] for name in names} for metric in metrics}
    return {
        "task": aged.task,
        "metric": evaluation.main,
        "ages_seconds": list(AGES_SECONDS),
        "rows": len(aged.rows),
        "methods": curves[evaluation.main],
        "metrics": curves,
    }
