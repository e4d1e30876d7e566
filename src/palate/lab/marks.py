"""How well scores answer labels, as one number: NDCG where rows stand in lists, else AUC or R2.

Written for being asked a hundred times of the same labels: what depends on the labels alone is reckoned once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from palate.core.errors import BadInput

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Mark:
    """`each(scores)` gives one number for each list that holds anything relevant, or one in all where rows stand alone.

    The mean of these numbers is the mark; higher is better.
    list_of # (n,) int64, which list each row stands in, ascending; all 0 where rows stand alone
    lists   how many are marked; 0 where rows stand alone
    """

    name: str
    each: Callable[[Scores], NDArray[np.float64]]
    list_of: NDArray[np.int64]
    lists: int = 0

    def __call__(self, scores: Scores) -> float:
        return float(self.each(scores).mean())


def mark_for(labels: NDArray[np.float64], groups: NDArray[np.int64] | None = None, top: int = 100) -> Mark:
    """The mark that fits the labels (n,): NDCG@top with `groups` (sizes of lists), AUC for 0 and 1, else R2.

    BadInput for groups that do not add up to n, and labels that nothing can be told from.
    """
    if groups is not None:
        return _in_lists(labels, groups, top)
    alone = np.zeros(len(labels), np.int64)
    if not np.isfinite(labels).all() or np.ptp(labels) == 0.0:
        raise BadInput("the labels are all equal or not finite, so no model can be judged by them; give others")
    if set(np.unique(labels)) == {0.0, 1.0}:
        return Mark("auc", lambda scores: np.array([auc(labels, scores)]), alone)
    return Mark("r2", lambda scores: np.array([r2(labels, scores)]), alone)


def auc(labels: NDArray[np.float64], scores: Scores) -> float:
    """The chance that a row with label 1 scores above one with label 0; equal scores count half.

    >>> auc(np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.3]))
    0.75
    """
    ones = labels == 1.0
    n_ones, n_zeros = int(ones.sum()), int((~ones).sum())
    return float((rankdata(scores)[ones].sum() - n_ones * (n_ones + 1) / 2) / (n_ones * n_zeros))


def r2(labels: NDArray[np.float64], scores: Scores) -> float:
    """The share of the labels' variance that scores explain; below 0 when the mean would be nearer.

    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0]))
    0.5
    """
    return float(1.0 - ((labels - scores) ** 2).sum() / ((labels - labels.mean()) ** 2).sum())


def _in_lists(labels: NDArray[np.float64], groups: NDArray[np.int64], top: int) -> Mark:
    """NDCG@top, gain 2^label - 1, of each list with anything to find; equal scores stand in the order given."""
    if groups.ndim != 1 or (groups < 1).any() or groups.sum() != len(labels):
        raise BadInput(f"groups of {int(groups.sum())} rows came with {len(labels)}; give the size of each list")
    list_of = np.repeat(np.arange(len(groups)), groups)
    place = np.arange(len(labels)) - np.repeat(np.cumsum(groups) - groups, groups)
    shape = (len(groups), int(groups.max()))
    gains = np.zeros(shape)
    gains[list_of, place] = np.exp2(labels) - 1.0
    discounts = 1.0 / np.log2(np.arange(2, min(top, shape[1]) + 2))
    ideal = -np.sort(-gains, axis=1)[:, : len(discounts)] @ discounts
    known = ideal > 0.0
    if not known.any():
        raise BadInput("no list holds anything relevant, so none can be judged; give lists with a label above 0")

    def ndcg(scores: Scores) -> NDArray[np.float64]:
        below = np.full(shape, np.inf)
        below[list_of, place] = -scores
        best = np.argsort(below, axis=1, kind="stable")[:, : len(discounts)]
        found = np.take_along_axis(gains, best, axis=1) @ discounts
        each: NDArray[np.float64] = found[known] / ideal[known]
        return each

    return Mark(f"ndcg_at_{top}", ndcg, list_of, int(known.sum()))
