"""Probes: every space as frozen vectors, on every task, through one head.

    known until T_a -> space.fit -> vectors at each week of train -> head <- labels of those weeks
                    (frozen)     -> vectors at each week of test  -> head -> scores -> measure <- labels of test

The space is frozen at T_a, the start of the first train week; a listener's vector is fresh at each week's start, as a
team downstream would read it. No label of the head lies after the first test week's start, less the gap.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from palate.core.errors import BadInput
from palate.core.progress import progress
from palate.embeddings.inputs import Inputs
from palate.evaluation.method import Method
from palate.evaluation.metrics.classify import average_precision
from palate.evaluation.probes.files import TEST, TRAIN, FileTask
from palate.evaluation.probes.head import predicted
from palate.evaluation.probes.measures import auc_parts, spearman_parts
from palate.evaluation.probes.open import open_tasks
from palate.evaluation.probes.result import Measured, Probes, summarised
from palate.evaluation.probes.rows import Examples, Side, Vectors, examples_of, hashed, taking_part, vectors_of
from palate.evaluation.probes.settings import Plan, ProbeSettings, planned
from palate.evaluation.probes.tasks import Absent, ProbeTask

AnyTask = ProbeTask | FileTask


@dataclass(frozen=True)
class _Asked:
    """One task with its labelled rows."""

    task: AnyTask
    train: Examples
    test: Examples


@dataclass(frozen=True)
class _Group:
    """Tasks that share their moments, and so the fitted spaces and the vectors."""

    train: Side
    test: Side
    asked: list[_Asked]


def probe(
    inputs: Inputs,
    spaces: Sequence[Method],
    tasks: Sequence[ProbeTask | FileTask | Absent] | None = None,
    settings: ProbeSettings | None = None,
    progress: Callable[[Iterable[Method], str], Iterable[Method]] = progress,
) -> Probes:
    """Every space on every task; tasks None means the open ones of this home (`open_tasks`).

    A task with too few answers of one kind is left out with the reason. The same seed gives the same numbers, as far as
    the spaces do. BadInput when the log is too short, when two spaces or two tasks share a name, when a space
    has no vectors or bad ones, when no task is left.
    """
    settings = settings or ProbeSettings()
    _distinct("spaces", [space.name for space in spaces])
    chosen = open_tasks(inputs, settings) if tasks is None else list(tasks)
    there = [task for task in chosen if not isinstance(task, Absent)]
    _distinct("tasks", [*(task.name for task in chosen), *{task.group for task in there if task.group}])
    absent = [task for task in chosen if isinstance(task, Absent)]
    plan = planned(inputs.history, settings)
    groups = []
    for train, test, some in _by_moments(there, plan):
        group, reasons = _group(inputs, train, test, some, plan.horizon_seconds, settings)
        groups.append(group)
        absent += reasons
    if not any(group.asked for group in groups):
        raise BadInput(f"none of the {len(chosen)} tasks can be asked: {_first_reason(absent)}")
    measured: dict[str, list[Measured]] = {}
    fold = hashed(inputs.history.users, settings.seed, "fold") % np.uint64(settings.folds)
    for space in progress(spaces, "probes"):
        for group in groups:
            if group.asked:
                vectors = vectors_of(space, inputs, group.train, group.test)
                with threadpool_limits(limits=1):  # the order of a sum over threads is not always the same
                    for one in group.asked:
                        found = measure(one.task, one.train, one.test, vectors, fold, settings.folds)
                        measured.setdefault(one.task.name, []).append(found)
    asked = [(one.task, one.test) for group in groups for one in group.asked]
    return summarised([space.name for space in spaces], asked, measured, absent, plan, settings)


def measure(
    task: AnyTask, train: Examples, test: Examples, vectors: Vectors, fold: NDArray[np.uint64], folds: int
) -> Measured:
    """One space on one task: what each test row contributes, and the average precision of a yes-or-no task."""
    parts, scores = np.full(len(test), np.nan), np.full(len(test), np.nan)
    measure_of = auc_parts if task.kind == "binary" else spearman_parts
    for taught, judged in people_apart(train, test, fold, folds):
        known, asked = train.take(taught), test.take(judged)
        if len(asked) and len(np.unique(known.labels)) > 1:
            said = predicted(vectors.of_train(known), known.labels, vectors.of_test(asked), task.kind)
            scores[judged], parts[judged] = said, measure_of(said, asked.labels)
    told = np.isfinite(scores)
    precision = average_precision(scores[told], test.labels[told] > 0) if task.kind == "binary" else float("nan")
    return Measured(scores, parts, precision)


def people_apart(
    train: Examples, test: Examples, fold: NDArray[np.uint64], folds: int
) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """(rows that teach, rows that are judged) of each head, never one person on both sides of a head.

    Each fold of people is judged by a head taught on the others, so everybody is judged once. Where nobody is on both
    sides to begin with, as in a file with its own split, one head is enough.
    """
    if not np.intersect1d(train.users, test.users).size:
        return [(np.ones(len(train), np.bool_), np.ones(len(test), np.bool_))]
    return [(fold[train.users] != one, fold[test.users] == one) for one in range(folds)]


def _first_reason(absent: list[Absent]) -> str:
    return f"{absent[-1].name}: {absent[-1].reason}" if absent else "none was given"


def _distinct(what: str, names: list[str]) -> None:
    if not names or len(set(names)) < len(names):
        raise BadInput(f"the {what} are called {', '.join(names) or 'nothing'}; give at least one, with distinct names")


def _by_moments(tasks: list[AnyTask], plan: Plan) -> list[tuple[tuple[float, ...], tuple[float, ...], list[AnyTask]]]:
    """The tasks by the moments that they are asked at, in order of first appearance."""
    found: dict[tuple[tuple[float, ...], tuple[float, ...]], list[AnyTask]] = {}
    for task in tasks:
        moments = ((task.train_at,), (task.test_at,)) if isinstance(task, FileTask) else (plan.train, plan.test)
        found.setdefault(moments, []).append(task)
    return [(train, test, some) for (train, test), some in found.items()]


def _group(
    inputs: Inputs, train_at: tuple[float, ...], test_at: tuple[float, ...], tasks: list[AnyTask],
    horizon_seconds: float, settings: ProbeSettings,
) -> tuple[_Group, list[Absent]]:  # fmt: skip
    """The tasks that have enough rows, and why the others are left out."""
    train, test = taking_part(inputs, TRAIN, train_at, settings), taking_part(inputs, TEST, test_at, settings)
    asked: list[_Asked] = []
    thin: dict[str, list[str]] = {}
    labels = (examples_of(inputs, tasks, side, horizon_seconds) for side in (train, test))
    for task, *sides in zip(tasks, *labels, strict=True):
        one = _Asked(task, *sides)
        reason = _too_thin(one, settings.min_positives)
        if reason is None:
            asked.append(one)
        else:
            thin.setdefault(task.group or task.name, []).append(reason)
    return _Group(train, test, asked), [_left_out(name, reasons, tasks) for name, reasons in thin.items()]


def _left_out(name: str, reasons: list[str], tasks: list[AnyTask]) -> Absent:
    of = sum(task.group == name for task in tasks)
    return Absent(name, f"{len(reasons)} of {of} left out, the first one since {reasons[0]}" if of else reasons[0])


def _too_thin(one: _Asked, least: int) -> str | None:
    """Why a task says nothing: fewer than `least` listeners off its most common answer; None when it has enough."""
    for side, rows in (("train", one.train), ("test", one.test)):
        labels, counts = np.unique(rows.labels, return_counts=True)
        others = rows.users[rows.labels != labels[np.argmax(counts)]] if len(labels) else rows.users
        if len(np.unique(others)) < least:
            return (
                f"{len(np.unique(others))} listeners differ from the most common answer in {side}, {least} are needed"
            )
    return None
