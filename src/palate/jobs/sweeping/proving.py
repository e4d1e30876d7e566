"""The evidence: the best values and today's, on the windows that the search never saw, listener by listener."""

import numpy as np

from palate.core.errors import PalateError
from palate.evaluation.comparison import holm, p_values
from palate.evaluation.intervals import intervals
from palate.jobs.sweeping.windows import Answers
from palate.lab.sweeps.evidence import TOGETHER, Evidence, Line

SEED, DRAWS = 0, 2_000


def proven(today: Answers, best: Answers, metric: str) -> Evidence:
    """Every task's paired difference, best minus today's, and that of all together.

    Together is the objective: the mean over tasks and windows of the mean over that window's listeners; a listener's
    rows in several windows and tasks are drawn and flipped together. Its p is not corrected, because it is the one
    question that decides; those of the tasks are, by Holm.
    """
    if today.names != best.names or not np.array_equal(today.listeners, best.listeners):
        raise PalateError(
            "the two answers are of different questions; delete the sweep's folder held-out and run again"
        )
    lines = [_line(name, today, best, today.tasks == place) for place, name in enumerate(today.names)]
    corrected = holm([line.p for line in lines])
    lines = [_with_p(line, p) for line, p in zip(lines, corrected, strict=True)]
    lines.append(_line(TOGETHER, today, best, np.ones(len(today.tasks), np.bool_)))
    return Evidence(metric, len(np.unique(today.windows)), tuple(lines))


def _line(name: str, today: Answers, best: Answers, rows: np.ndarray) -> Line:
    listeners, marks = today.listeners[rows], np.column_stack([today.marks[rows], best.marks[rows]])
    strata = today.tasks[rows] * (int(today.windows.max()) + 1) + today.windows[rows]  # each counts the same
    table = np.column_stack([marks, marks[:, 1] - marks[:, 0]])
    found = intervals(table, listeners, strata, DRAWS, SEED)
    chance = float(p_values(table[:, 2:], listeners, strata, SEED)[0])
    return Line(
        name, len(marks), len(np.unique(listeners)), found[0].value, found[1].value, found[2].value, found[2].low,
        found[2].high, chance,
    )  # fmt: skip


def _with_p(line: Line, p: float) -> Line:
    return Line(**vars(line) | {"p": p})
