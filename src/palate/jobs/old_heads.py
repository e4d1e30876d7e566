"""Heads that were trained on one version, run unchanged on the next: what a team downstream sees when it changes.

Each task of the probes gets its head three times: taught and asked on the old version (M_oo), taught and asked on the
new one (M_nn), taught on the old one and asked on the new one (M_no). The scale by which vectors are standardised, and
the score above which a head says yes, belong to the head and stay the old ones. Sources: the criterion is that of
backward-compatible training (Shen et al., arXiv 2003.11942), the flips are those of Yan et al., arXiv 2011.09161.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from palate.evaluation.intervals import CONFIDENCE, Interval
from palate.evaluation.probes.files import FileTask
from palate.evaluation.probes.head import predicted
from palate.evaluation.probes.measures import auc_parts, spearman_parts
from palate.evaluation.probes.result import CHANCE
from palate.evaluation.probes.rows import MOST, Examples, Side, Vectors
from palate.evaluation.probes.run import people_apart
from palate.evaluation.probes.tasks import ProbeTask

Rows = NDArray[np.float32]
ByMoment = tuple[Rows, ...]
COLUMNS = OO, NN, NO, FLIPPED = range(4)
DRAWN_CELLS = 4_000_000  # drawn counts held at once: 32 MB


@dataclass(frozen=True)
class Tastes:
    """The vectors of one version at the moments of both sides, by moment, each aligned with its side's users."""

    train: ByMoment
    test: ByMoment


@dataclass(frozen=True)
class Head:
    """One task, or several of one group as their mean.

    metric      auc or spearman
    rows        labelled test rows
    old_on_old  M_oo
    new_on_new  M_nn
    old_on_new  M_no
    kept_share  M_no / M_oo
    flip_rate   share of the rows that the old head had right on the old version and has wrong on the new one; NaN for
                numbers
    counts      whether M_oo is surely better than chance: what was never there cannot be lost
    """

    task: str
    metric: str
    rows: int
    old_on_old: Interval
    new_on_new: Interval
    old_on_new: Interval
    kept_share: Interval
    flip_rate: Interval
    counts: bool


@dataclass(frozen=True)
class Heads:
    """All of them, and what they come to, as means over those that count.

    kept_share        the mean M_no over the mean M_oo
    kept_above_chance the same of what each is above chance (.5 of auc, 0 of spearman): the stricter one
    tax               the mean of M_nn - M_no: what training all heads again would gain
    flip_rate         the mean over yes-or-no tasks
    """

    heads: list[Head]
    kept_share: Interval
    kept_above_chance: Interval
    tax: Interval
    flip_rate: Interval


def old_heads(
    tasks: Sequence[tuple[ProbeTask | FileTask, Examples, Examples]], sides: tuple[Side, Side], old: Tastes,
    new: Tastes, fold: NDArray[np.uint64], folds: int, draws: int, seed: int,
) -> Heads:  # fmt: skip
    """Teaches and asks every head.

    tasks # each with its labelled rows of both sides (probes/rows.py)
    fold  # (users,) which part of the listeners each belongs to; nobody is judged by a head that saw them
    The intervals hold the middle 95% over `draws` redraws of listeners, the same ones for every number.
    """
    readings = _Readings(_read(sides, old, old), _read(sides, new, new), _read(sides, old, new))
    found: list[NDArray[np.float64]] = []
    with threadpool_limits(limits=1):  # the order of a sum over threads is not always the same
        for task, train, test in tasks:
            found.append(_asked(task, train, test, readings, fold, folds))
    return _summarised([(task, test) for task, _, test in tasks], found, draws, seed)


@dataclass(frozen=True)
class _Readings:
    """Vectors as heads read them: standardised by what the head was taught on."""

    old: Vectors
    new: Vectors
    new_as_old: Vectors


def _read(sides: tuple[Side, Side], taught: Tastes, asked: Tastes) -> Vectors:
    """Vectors as a head reads them that was taught on the train side of `taught`: standardised by what it saw there."""
    every = np.concatenate(taught.train).astype(np.float64)
    mean, scale = every.mean(axis=0), every.std(axis=0)
    scale[scale <= 1e-6 * np.maximum(np.abs(mean), 1e-6)] = np.inf  # a column that is constant reads 0

    def scaled(vectors: Rows) -> Rows:
        return np.asarray(np.clip((vectors - mean) / scale, -MOST, MOST), np.float32)

    return Vectors(*sides, tuple(map(scaled, taught.train)), tuple(map(scaled, asked.test)))


def _asked(
    task: ProbeTask | FileTask, train: Examples, test: Examples, readings: _Readings, fold: NDArray[np.uint64],
    folds: int,
) -> NDArray[np.float64]:  # fmt: skip
    """(r, COLUMNS) what each test row contributes; NaN where no head could be taught."""
    out = np.full((len(test), len(COLUMNS)), np.nan)
    parts_of = auc_parts if task.kind == "binary" else spearman_parts
    for taught, judged in people_apart(train, test, fold, folds):
        known, asked = train.take(taught), test.take(judged)
        if not len(asked) or len(np.unique(known.labels)) < 2:
            continue
        seen = readings.old.of_train(known)
        questions = np.concatenate([seen, readings.old.of_test(asked), readings.new_as_old.of_test(asked)])
        said = predicted(seen, known.labels, questions, task.kind)
        before, after = said[len(known) :].reshape(2, -1)
        new = predicted(readings.new.of_train(known), known.labels, readings.new.of_test(asked), task.kind)
        found = [parts_of(one, asked.labels) for one in (before, new, after)]
        out[judged] = np.column_stack([*found, np.full(len(asked), np.nan)])
        if task.kind == "binary":
            # A consumer's cut is made once, here so that as many are called as there were: at even odds a head of a
            # rare label never says yes, and never flips.
            cut, answer = np.quantile(said[: len(known)], 1.0 - known.labels.mean()), asked.labels > 0
            out[judged, FLIPPED] = ((before > cut) == answer) & ((after > cut) != answer)
    return out


def _summarised(
    asked: list[tuple[ProbeTask | FileTask, Examples]], found: list[NDArray[np.float64]], draws: int, seed: int
) -> Heads:
    """The table; every number meets the same redraws of listeners, who bring all their rows."""
    groups: dict[str, list[int]] = {}
    for place, (task, _) in enumerate(asked):
        groups.setdefault(task.group or task.name, []).append(place)
    every = _redrawn([rows.users for _, rows in asked], found, draws, seed)  # (1 + draws, tasks, COLUMNS)
    values = np.stack([every[:, places].mean(axis=1) for places in groups.values()], axis=1)
    kinds = [asked[places[0]][0].kind for places in groups.values()]
    chance = np.array([CHANCE["auc" if kind == "binary" else "spearman"] for kind in kinds])
    counts = np.array([one.low for one in map(_interval, values[:, :, OO].T)]) > chance
    heads = [
        Head(
            task=name,
            metric="auc" if kinds[row] == "binary" else "spearman",
            rows=sum(len(asked[place][1]) for place in places),
            old_on_old=_interval(values[:, row, OO]),
            new_on_new=_interval(values[:, row, NN]),
            old_on_new=_interval(values[:, row, NO]),
            kept_share=_interval(values[:, row, NO] / values[:, row, OO]),
            flip_rate=_interval(values[:, row, FLIPPED]),
            counts=bool(counts[row]),
        )
        for row, (name, places) in enumerate(groups.items())
    ]
    return _overall(heads, values[:, counts], chance[counts])


def _overall(heads: list[Head], values: NDArray[np.float64], chance: NDArray[np.float64]) -> Heads:
    """values # (1 + draws, heads that count, COLUMNS); chance # (heads that count,)"""
    if not values.shape[1]:
        nothing = Interval(np.nan, np.nan, np.nan)
        return Heads(heads, nothing, nothing, nothing, nothing)
    old, new, kept = (values[:, :, column] for column in (OO, NN, NO))
    above = (kept - chance).mean(axis=1) / (old - chance).mean(axis=1)
    yes_or_no = values[:, np.isfinite(values[0, :, FLIPPED]), FLIPPED]
    return Heads(
        heads=heads,
        kept_share=_interval(kept.mean(axis=1) / old.mean(axis=1)),
        kept_above_chance=_interval(above),
        tax=_interval((new - kept).mean(axis=1)),
        flip_rate=_interval(yes_or_no.mean(axis=1) if yes_or_no.shape[1] else np.full(len(values), np.nan)),
    )


def _redrawn(
    users: list[NDArray[np.int32]], found: list[NDArray[np.float64]], draws: int, seed: int
) -> NDArray[np.float64]:
    """(1 + draws, tasks, COLUMNS): the values, then those of redrawn listeners; a draw without anybody keeps them."""
    people = np.unique(np.concatenate(users))
    n, width = len(people), len(COLUMNS)
    sums, counts = np.zeros((n, len(found) * width)), np.zeros((n, len(found) * width))
    for task, (who, rows) in enumerate(zip(users, found, strict=True)):
        person = np.searchsorted(people, who)
        for column in COLUMNS:
            told = np.isfinite(rows[:, column])
            sums[:, task * width + column] = np.bincount(person[told], rows[told, column], n)
            counts[:, task * width + column] = np.bincount(person[told], minlength=n)
    with np.errstate(invalid="ignore"):
        value = sums.sum(axis=0) / counts.sum(axis=0)
    rng, even, out = np.random.default_rng(seed), np.full(n, 1.0 / max(n, 1)), [value[None]]
    block = max(1, DRAWN_CELLS // max(n, 1))
    for done in range(0, draws, block):
        weights = rng.multinomial(n, even, size=min(block, draws - done)).astype(np.float64)
        here = weights @ counts
        out.append(np.where(here > 0, (weights @ sums) / np.maximum(here, 1.0), value))
    return np.concatenate(out).reshape(-1, len(found), width)


def _interval(values: NDArray[np.float64]) -> Interval:
    """The first is the value, the middle CONFIDENCE of the others its bounds."""
    if not np.isfinite(values[0]):
        return Interval(np.nan, np.nan, np.nan)
    low, high = np.quantile(values[1:], ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return Interval(float(values[0]), float(low), float(high))
