"""One evaluation: every method, on every window, for every task."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.core.progress import progress
from palate.evaluation import metrics
from palate.evaluation.method import Fitted, Method
from palate.evaluation.splits import DISCOVER, EvalSettings, Split, Targets, Window, pair_keys, planned, split
from palate.listening.history import History


@dataclass(frozen=True)
class Data:
    """What was evaluated on; `start` and `end` are home seconds."""

    listens: int
    users: int
    items: int
    start: float
    end: float


@dataclass(frozen=True)
class TaskValues:
    """One row per (listener, window), the same rows for every method.

    users    # (r,) int32, user rows
    windows  # (r,) int64, positions in `Evaluation.windows`
    values   # by method, then by metric ("ndcg@100"): (r,) float64
    coverage # by method, then by list length ("coverage@100"): (windows with listeners,) float64
    """

    users: NDArray[np.int32]
    windows: NDArray[np.int64]
    values: dict[str, dict[str, NDArray[np.float64]]]
    coverage: dict[str, dict[str, NDArray[np.float64]]]


@dataclass(frozen=True)
class Evaluation:
    """Everything that a report needs; `tasks` holds only the tasks that had listeners."""

    data: Data
    settings: EvalSettings
    windows: list[Window]
    dropped: list[Window]
    methods: list[str]
    tasks: dict[str, TaskValues]


def evaluate(
    history: History,
    methods: Sequence[Method],
    settings: EvalSettings | None = None,
    progress: Callable[[Iterable[Window], str], Iterable[Window]] = progress,
) -> Evaluation:
    """Fits each method on what came before each window and scores its lists by what came after.

    A method is given `Split.train` and nothing else, so that nothing after the window's start can reach it. What a
    method raises ends the evaluation: a table with a silent gap would be a wrong table. BadInput when the log is too
    short, when no listener qualifies, when two methods share a name, or when a method breaks its contract.
    """
    settings = settings or EvalSettings()
    names = [method.name for method in methods]
    if not names or len(set(names)) < len(names):
        raise BadInput(
            f"the methods are called {', '.join(names) or 'nothing'}; give at least one, with distinct names"
        )
    used, dropped = planned(history, settings)
    blocks: dict[str, list[_Block]] = {}
    for number, window in enumerate(progress(used, "windows")):
        part = split(history, window, settings)
        fitted = {method.name: method.fit(part.train, window.start) for method in methods}
        for task, targets in part.tasks.items():
            if len(targets.users):
                blocks.setdefault(task, []).append(_scored(number, part, task, targets, fitted, settings))
    if not blocks:
        raise BadInput(
            f"no listener has {settings.min_train_plays} heard plays before a window and one of a known item in it "
            f"({len(used)} windows tried); import more listens or lower [eval] min_train_plays"
        )
    return Evaluation(
        data=_described(history),
        settings=settings,
        windows=used,
        dropped=dropped,
        methods=names,
        tasks={task: _joined(parts, names) for task, parts in blocks.items()},
    )


@dataclass(frozen=True)
class _Block:
    """One task in one window: what TaskValues holds, before the windows are joined."""

    users: NDArray[np.int32]
    window: int
    values: dict[str, dict[str, NDArray[np.float64]]]
    coverage: dict[str, dict[str, float]]


def _scored(
    number: int, part: Split, task: str, targets: Targets, fitted: dict[str, Fitted], settings: EvalSettings
) -> _Block:
    n, sizes = settings.k[-1], np.diff(targets.indptr)
    block = _Block(targets.users, number, {}, {})
    for name, model in fitted.items():
        ranked = model.recommend(targets.users, n, exclude_heard=task == DISCOVER)
        _check_lists(name, ranked, n, part, task, targets)
        hit = metrics.hits(ranked, targets.indptr, targets.items)
        block.values[name] = {}
        for k in settings.k:
            block.values[name] |= {
                f"ndcg@{k}": metrics.ndcg(hit, sizes, k),
                f"recall@{k}": metrics.recall(hit, sizes, k),
                f"mrr@{k}": metrics.mrr(hit, k),
                f"hit_rate@{k}": metrics.hit_rate(hit, k),
            }
        block.coverage[name] = {f"coverage@{k}": metrics.coverage(ranked, part.catalogue, k) for k in settings.k}
    return block


def _check_lists(name: str, ranked: NDArray[np.int32], n: int, part: Split, task: str, targets: Targets) -> None:
    """BadInput when lists break the contract of `Fitted.recommend` in a way that would change the numbers."""
    n_items, shape = part.train.n_items, (len(targets.users), n)
    if ranked.shape != shape or ranked.dtype != np.int32:
        raise BadInput(f"method {name} gave {ranked.dtype} lists of shape {ranked.shape}; int32 of {shape} were needed")
    if ranked.size and (ranked.min() < -1 or ranked.max() >= n_items):
        raise BadInput(f"method {name} gave item row {ranked.max()}; rows are below {n_items}, and -1 pads")
    ordered = np.sort(ranked, axis=1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any():
        raise BadInput(f"method {name} gave an item twice in one list; each may appear once")
    if task == DISCOVER:
        keys = pair_keys(targets.users[:, None], ranked, n_items)
        if (np.isin(keys, part.heard) & (ranked >= 0)).any():
            raise BadInput(f"method {name} gave an item that the listener had heard; exclude_heard asks for new ones")


def _joined(blocks: list[_Block], names: list[str]) -> TaskValues:
    return TaskValues(
        users=np.concatenate([block.users for block in blocks]),
        windows=np.concatenate([np.full(len(block.users), block.window, np.int64) for block in blocks]),
        values={
            name: {
                metric: np.concatenate([block.values[name][metric] for block in blocks])
                for metric in blocks[0].values[name]
            }
            for name in names
        },
        coverage={
            name: {metric: np.array([block.coverage[name][metric] for block in blocks]) for metric in first}
            for name, first in blocks[0].coverage.items()
        },
    )


def _described(history: History) -> Data:
    return Data(
        listens=len(history),
        users=len(np.unique(history.user)),
        items=len(np.unique(history.item)),
        start=float(history.timestamp[0]),
        end=history.end,
    )
