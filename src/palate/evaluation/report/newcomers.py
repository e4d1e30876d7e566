"""The cold-start curves as plain values: part "cold_start" of the report's data."""

from typing import Any

import numpy as np

from palate.evaluation.coldstart import CONDITIONS, LISTENS, PLAIN, TARGETS, ColdStart
from palate.evaluation.intervals import intervals
from palate.evaluation.plain import plain
from palate.evaluation.run import Evaluation
from palate.evaluation.splits import EvalSettings

FLOOR = "popular-7d"  # what a newcomer gets from who knows nothing; it heeds neither picks nor attributes

Row = dict[str, Any]


def newcomers(evaluation: Evaluation) -> Row | None:
    """The curves by target, condition and method, with what each is ahead of FLOOR by over the same newcomers.

    None when nobody was asked about. A target without questions has no curves.
    """
    cold = evaluation.cold
    if cold is None:
        return None
    return {
        "metric": evaluation.main,
        "listens": list(LISTENS),
        "floor": FLOOR,
        "targets": {target: _of_target(cold, target, evaluation.settings) for target in TARGETS},
    }


def _of_target(cold: ColdStart, target: str, settings: EvalSettings) -> Row:
    rows, methods = cold.rows[target], cold.values[target]
    drawn = [(condition, name) for condition in CONDITIONS for name in methods if condition in methods[name]]
    told = {"about": TARGETS[target], "rows": len(rows), "picked": int(cold.picked[target].sum())}
    curves: dict[str, dict[str, list[Row | None]]] = {condition: {} for condition, _ in drawn}
    ahead: dict[str, dict[str, list[Row | None]]] = {condition: {} for condition, _ in drawn}
    if len(rows):
        marks = [methods[name][condition] for condition, name in drawn]
        floor = methods[FLOOR][PLAIN] if FLOOR in methods else np.full_like(marks[0], np.nan)
        table = np.concatenate([*marks, *(curve - floor for curve in marks)], axis=1)
        found = iter(intervals(table, rows, cold.windows[target], settings.bootstrap, settings.seed))
        for part in (curves, ahead):
            for condition, name in drawn:
                part[condition][name] = [plain(next(found)) for _ in LISTENS]
    return told | {"methods": curves, "minus_floor": ahead}
