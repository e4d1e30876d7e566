"""What the probes found: a value with its interval for each task and space, and the Borda count over tasks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.evaluation.intervals import CONFIDENCE, Interval
from palate.evaluation.probes.borda import borda, normalised
from palate.evaluation.probes.files import FileTask
from palate.evaluation.probes.rows import Examples
from palate.evaluation.probes.settings import Plan, ProbeSettings
from palate.evaluation.probes.tasks import Absent, ProbeTask

CHANCE = {"auc": 0.5, "spearman": 0.0}
BLOCK_CELLS = 4_000_000  # drawn counts held at once: 32 MB


@dataclass(frozen=True)
class Measured:
    """One space on one task, by test row.

    scores            # (r,) float64 what the head said; NaN where no head could be taught
    parts             # (r,) float64 pseudo-values of the measure (measures.py); NaN where it has none
    average_precision of a yes-or-no task, over all rows; NaN for others
    """

    scores: NDArray[np.float64]
    parts: NDArray[np.float64]
    average_precision: float


@dataclass(frozen=True)
class Probed:
    """One line of the table: a task, or several of one group as their mean.

    rows, positives   labelled test rows, and those with label 1 (None for a regression); summed over members
    scores            by space, in `metric`
    average_precision by space; empty for a regression
    first             the space with the highest score
    first_minus_this  by other space: the paired difference
    counts            whether it enters the Borda count: some space is better than chance, its interval above it even
                      when widened for the number of spaces that had a try (Bonferroni)
    """

    task: str
    about: str
    metric: str
    members: list[str]
    rows: int
    positives: int | None
    scores: dict[str, Interval]
    average_precision: dict[str, float]
    first: str
    first_minus_this: dict[str, Interval]
    counts: bool


@dataclass(frozen=True)
class Probes:
    """All tasks and the order over them.

    borda        by space, 0..1: the points over the most possible
    borda_points by space; NaN scores get none
    """

    spaces: list[str]
    tasks: list[Probed]
    absent: list[Absent]
    borda: dict[str, Interval]
    borda_points: dict[str, float]
    plan: Plan

    def to_json(self) -> dict[str, Any]:
        """Plain values; an interval is {"value", "low", "high"}, a NaN is None."""
        plain: dict[str, Any] = _plain(asdict(self))
        plain["borda"] = {space: one["value"] for space, one in plain.pop("borda").items()}
        plain["borda_intervals"] = _plain({space: asdict(one) for space, one in self.borda.items()})
        plain["absent"] = [{"task": one.name, "reason": one.reason} for one in self.absent]
        return plain

    def table(self) -> str:
        """One line a task, one column a space, half the width of the interval behind each value; * is the first."""
        wide = max([len(one.task) for one in self.tasks] + [len("borda, 0 to 1")])
        columns = [max(len(space), 14) for space in self.spaces]
        head = [f"{'task':<{wide}}  {'metric':<8} {'rows':>7}"]
        lines = ["  ".join(head + [f"{space:>{w}}" for space, w in zip(self.spaces, columns, strict=True)])]
        for one in self.tasks:
            cells = [_cell(one.scores[space], space == one.first) for space in self.spaces]
            name = one.task if one.counts else f"({one.task})"
            start = f"{name:<{wide}}  {one.metric:<8} {one.rows:>7}"
            lines.append("  ".join([start] + [f"{cell:>{w}}" for cell, w in zip(cells, columns, strict=True)]))
        best = max(self.borda, key=lambda space: self.borda[space].value)
        cells = [_cell(self.borda[space], space == best) for space in self.spaces]
        start = f"{'borda, 0 to 1':<{wide}}  {'':<8} {sum(one.counts for one in self.tasks):>7}"
        lines.append("  ".join([start] + [f"{cell:>{w}}" for cell, w in zip(cells, columns, strict=True)]))
        if not all(one.counts for one in self.tasks):
            lines.append("(in brackets: no space is better than chance, so the task is not in borda)")
        return "\n".join(lines + [f"not asked: {one.name}: {one.reason}" for one in self.absent])


def summarised(
    spaces: list[str], asked: Sequence[tuple[ProbeTask | FileTask, Examples]], measured: Mapping[str, list[Measured]],
    absent: list[Absent], plan: Plan, settings: ProbeSettings,
) -> Probes:  # fmt: skip
    """The table from what each row contributes; all values meet the same redraws of listeners."""
    groups: dict[str, list[int]] = {}
    for place, (task, _) in enumerate(asked):
        groups.setdefault(task.group or task.name, []).append(place)
    value, redrawn = _redrawn([rows for _, rows in asked], [measured[task.name] for task, _ in asked], settings)
    value, redrawn = (_means(one, list(groups.values())) for one in (value, redrawn))
    tasks = []
    for row, (name, places) in enumerate(groups.items()):
        some = [asked[place] for place in places]
        precision = np.array([[one.average_precision for one in measured[task.name]] for task, _ in some])
        tasks.append(_probed(name, some, spaces, value[row], redrawn[:, row], precision))
    inside = [row for row, one in enumerate(tasks) if one.counts]
    points = borda(value[inside])
    shares = _intervals(normalised(points, len(inside)), normalised(borda(redrawn[:, inside]), len(inside)), (0.0, 1.0))
    return Probes(
        spaces=spaces,
        tasks=tasks,
        absent=absent,
        borda=dict(zip(spaces, shares, strict=True)),
        borda_points=dict(zip(spaces, points.tolist(), strict=True)),
        plan=plan,
    )


def _probed(
    name: str, some: list[tuple[ProbeTask | FileTask, Examples]], spaces: list[str], value: NDArray[np.float64],
    redrawn: NDArray[np.float64], precision: NDArray[np.float64],
) -> Probed:  # fmt: skip
    """One line; value (m,) and redrawn (draws, m) by space, precision (members, m)."""
    task, binary = some[0][0], some[0][0].kind == "binary"
    metric = "auc" if binary else "spearman"
    members = [one.name for one, _ in some]
    about = task.about if len(some) == 1 else f"mean over {len(some)}: {'; '.join(members)} (each: {task.about})"
    scores = _intervals(value, redrawn, (0.0, 1.0) if binary else (-1.0, 1.0))
    first = int(np.argmax(np.where(np.isnan(value), -np.inf, value)))
    behind = _intervals(value[first] - value, redrawn[:, [first]] - redrawn, (-np.inf, np.inf))
    return Probed(
        task=name,
        about=about,
        metric=metric,
        members=members,
        rows=sum(len(rows) for _, rows in some),
        positives=int(sum(rows.labels.sum() for _, rows in some)) if binary else None,
        scores=dict(zip(spaces, scores, strict=True)),
        average_precision=dict(zip(spaces, precision.mean(axis=0).tolist(), strict=True)) if binary else {},
        first=spaces[first],
        first_minus_this={space: one for space, one in zip(spaces, behind, strict=True) if space != spaces[first]},
        counts=bool((np.quantile(redrawn, (1 - CONFIDENCE) / 2 / len(spaces), axis=0) > CHANCE[metric]).any()),
    )


def _redrawn(
    rows: list[Examples], measured: list[list[Measured]], settings: ProbeSettings
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The values (tasks, m) and the same for redrawn listeners (draws, tasks, m).

    A listener brings all their rows. A draw in which nobody of a task is left keeps the task's value.
    """
    people = np.unique(np.concatenate([one.users for one in rows])) if rows else np.zeros(0, np.int32)
    m, n = len(measured[0]) if measured else 0, len(people)
    sums, counts = np.zeros((n, len(rows) * m)), np.zeros((n, len(rows) * m))
    for place, (examples, spaces) in enumerate(zip(rows, measured, strict=True)):
        person = np.searchsorted(people, examples.users)
        for space, one in enumerate(spaces):
            told = np.isfinite(one.parts)
            sums[:, place * m + space] = np.bincount(person[told], one.parts[told], n)
            counts[:, place * m + space] = np.bincount(person[told], minlength=n)
    with np.errstate(invalid="ignore"):
        value = sums.sum(axis=0) / counts.sum(axis=0)
    rng, even = np.random.default_rng(settings.seed), np.full(n, 1.0 / max(n, 1))
    block, drawn = max(1, BLOCK_CELLS // max(n, 1)), []
    for done in range(0, settings.bootstrap, block):
        weights = rng.multinomial(n, even, size=min(block, settings.bootstrap - done)).astype(np.float64)
        here = weights @ counts
        drawn.append(np.where(here > 0, (weights @ sums) / np.maximum(here, 1.0), value))
    shape = (len(rows), m)
    return value.reshape(shape), np.concatenate(drawn).reshape(-1, *shape)


def _means(values: NDArray[np.float64], groups: list[list[int]]) -> NDArray[np.float64]:
    """(..., groups, m) the mean over the tasks of each group; values (..., tasks, m)."""
    return np.stack([values[..., places, :].mean(axis=-2) for places in groups], axis=-2)


def _intervals(value: NDArray[np.float64], redrawn: NDArray[np.float64], bounds: tuple[float, float]) -> list[Interval]:
    """One for each space; the middle CONFIDENCE of redrawn (draws, m), within what the measure can be."""
    low, high = np.quantile(redrawn, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2), axis=0)
    return [
        Interval(float(one), *(float(x) for x in np.clip(edges, *bounds)))
        for one, *edges in zip(value, low, high, strict=True)
    ]


def _cell(one: Interval, first: bool) -> str:
    if math.isnan(one.value):
        return "-"
    return f"{one.value:.3f} ±{(one.high - one.low) / 2:.3f}{'*' if first else ' '}"


def _plain(value: Any) -> Any:
    """Dictionaries, lists and numbers, NaN as None."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
