"""From one method's lists to numbers: the lists are checked first, then measured."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.evaluation import metrics
from palate.evaluation.beside import Beside
from palate.evaluation.splits import Split
from palate.evaluation.tasks.questions import LISTENERS, Questions, Task

Values = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Sheet:
    """One method's marks in one window of one task.

    values # by metric ("ndcg@100"): (q,) float64, one mark for each question
    whole  # by metric ("coverage@100"): one number for all lists together
    """

    values: Values
    whole: dict[str, float]


def accuracy(lists: NDArray[np.int32], asked: Questions, k: tuple[int, ...]) -> Values:
    """How right the lists are: ndcg, recall, mrr and hit_rate at each k."""
    hit, sizes = metrics.hits(lists, asked.indptr, asked.items), asked.sizes
    found: Values = {}
    for length in k:
        found |= {
            f"ndcg@{length}": metrics.ndcg(hit, sizes, length),
            f"recall@{length}": metrics.recall(hit, sizes, length),
            f"mrr@{length}": metrics.mrr(hit, length),
            f"hit_rate@{length}": metrics.hit_rate(hit, length),
        }
    return found


def marked(
    lists: NDArray[np.int32], task: Task, part: Split, asked: Questions, k: tuple[int, ...], beside: Beside
) -> Sheet:
    """Every metric of one task: accuracy, and what `beside` knows of lists for listeners."""
    values = accuracy(lists, asked, k)
    if task.of == LISTENERS:
        values |= beside.of_listeners(lists, asked.rows, k[0])
    return Sheet(values, {f"coverage@{length}": metrics.coverage(lists, part.catalogue, length) for length in k})


def mean_sheet(sheets: list[Sheet]) -> Sheet:
    """Mark by mark the mean over seeds."""
    if len(sheets) == 1:
        return sheets[0]
    return Sheet(
        {name: np.mean([sheet.values[name] for sheet in sheets], axis=0) for name in sheets[0].values},
        {name: float(np.mean([sheet.whole[name] for sheet in sheets])) for name in sheets[0].whole},
    )


def check_lists(name: str, lists: NDArray[np.int32], n: int, task: Task, part: Split, asked: Questions) -> None:
    """BadInput when lists break the contract of `Fitted.recommend` in a way that would change the numbers."""
    shape = (len(asked), n)
    if lists.shape != shape or lists.dtype != np.int32:
        raise BadInput(f"method {name} gave {lists.dtype} lists of shape {lists.shape}; int32 of {shape} were needed")
    if lists.size and (lists.min() < -1 or lists.max() >= part.n_items):
        raise BadInput(
            f"method {name} gave item rows from {lists.min()} to {lists.max()}; rows are below {part.n_items}, and "
            "only -1 pads"
        )
    ordered = np.sort(lists, axis=1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any():
        raise BadInput(f"method {name} gave an item twice in one list; each may appear once")
    if (task.forbidden(part, asked, lists) & (lists >= 0)).any():
        raise BadInput(f"method {name} gave an item that the task {task.name} masks: {task.about}")
