"""How well scores tell two classes apart, whatever the threshold.

    scores  # (n,) real, higher means more likely True; equal scores are one threshold; NaN is refused
    labels  # (n,) bool
    weights # (n,) float, not negative: a row of weight 2 counts as two rows of weight 1; all 1 when left out

NaN when one class is missing. BadInput when shapes or types do not fit. Time is that of one sort.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput

Scores = NDArray[np.floating] | NDArray[np.integer]
Labels = NDArray[np.bool_]
Weights = NDArray[np.floating] | NDArray[np.integer]
Values = NDArray[np.float64]


def roc_auc(scores: Scores, labels: Labels, weights: Weights | None = None) -> float:
    """ROC-AUC: how likely a random True row scores above a random False row, a tie counting one half.

    0.5 for scores that know nothing, 1 for a perfect order, 0 for its reverse; the Mann-Whitney statistic over its
    maximum (Hanley and McNeil, "The meaning and use of the area under a ROC curve", 1982). It does not depend on how
    rare True is, so with rare True rows it can be high while most of the highest scores are False.

    True rows score 3 and 1, False rows 1 and 0: 3 > 1, 3 > 0, 1 = 1, 1 > 0.

    >>> roc_auc(np.array([3.0, 1.0, 1.0, 0.0]), np.array([True, True, False, False])) == (1 + 1 + 1 / 2 + 1) / 4
    True
    """
    true, false = _curve(scores, labels, weights)
    if not true[-1] or not false[-1]:
        return float("nan")
    # By trapezoids: the slope across a tied group is what counts a tie one half.
    area = np.diff(false) @ (true[1:] + true[:-1]) / 2.0
    return float(area / (true[-1] * false[-1]))


def average_precision(scores: Scores, labels: Labels, weights: Weights | None = None) -> float:
    """Average precision: the mean over True rows of the precision at their own score.

    sum over thresholds, highest first, of (recall gained) * precision, without interpolation; rows of equal score come
    in together, as in scikit-learn. Between the share of True rows, near which scores that know nothing lie, and 1.

    True rows score 3 and 1, False rows 1 and 0: at 3 precision 1 / 1, at 1 it is 2 / 3, each with half the recall.

    >>> average_precision(np.array([3.0, 1.0, 1.0, 0.0]), np.array([True, True, False, False])).__round__(4)
    0.8333
    """
    true, false = _curve(scores, labels, weights)
    if not true[-1] or not false[-1]:
        return float("nan")
    gained = np.diff(true)
    taken = (true + false)[1:]
    precision = np.divide(true[1:], taken, out=np.zeros_like(gained), where=taken > 0)
    return float(gained @ precision / true[-1])


class Measure(Protocol):
    """`roc_auc` or `average_precision`."""

    def __call__(self, scores: Scores, labels: Labels, weights: Weights | None = None) -> float:
        """One number for one column."""
        ...


def by_column(measure: Measure, scores: Scores, labels: Labels, weights: Weights | None = None) -> Values:
    """A measure of each column by itself: (n, tasks) scores and labels give (tasks,) float64.

    >>> by_column(roc_auc, np.array([[2, 0], [1, 5]]), np.array([[True, True], [False, False]])).tolist()
    [1.0, 0.0]
    """
    if scores.ndim != 2 or scores.shape != labels.shape:
        raise BadInput(f"scores of shape {scores.shape} came with labels of {labels.shape}; both must be (rows, tasks)")
    columns = zip(np.ascontiguousarray(scores.T), np.ascontiguousarray(labels.T), strict=True)
    return np.array([measure(score, label, weights) for score, label in columns], np.float64)


def _curve(scores: Scores, labels: Labels, weights: Weights | None) -> tuple[Values, Values]:
    """The weight of True and of False rows that score at least each distinct score, highest first, after a 0."""
    if scores.ndim != 1 or scores.shape != labels.shape or labels.dtype != np.bool_:
        raise BadInput(
            f"scores of shape {scores.shape} came with {labels.dtype} labels of {labels.shape}; give (n,) scores and "
            "(n,) bool labels"
        )
    if np.isnan(scores).any():
        raise BadInput(f"{np.count_nonzero(np.isnan(scores))} of {len(scores)} scores are NaN; leave those rows out")
    order = np.argsort(scores)[::-1]
    ranked, label = scores[order], labels[order]
    weight = np.ones(len(scores)) if weights is None else _checked(weights, len(scores))[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], np.ones(min(len(ranked), 1), np.bool_)))
    true, false = (np.cumsum(np.where(label == side, weight, 0.0))[ends] for side in (True, False))
    return np.append(0.0, true), np.append(0.0, false)


def _checked(weights: Weights, n: int) -> Values:
    if weights.shape != (n,) or not (np.isfinite(weights).all() and weights.min(initial=0.0) >= 0.0):
        raise BadInput(f"weights of shape {weights.shape} came with {n} scores; give (n,) finite ones of at least 0")
    return np.asarray(weights, np.float64)
