"""One order over many tasks whose scores cannot be averaged: the Borda count, as in the RecSys Challenge 2025."""

import numpy as np
from numpy.typing import NDArray


def borda(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., m) points: in each task, one for every space that is beaten and a half for every other one that is equal.

    scores # (..., tasks, m) float64, higher is better, NaN where a space has no score: it gets nothing and is beaten

    So the best of m spaces gets m - 1 points. Three spaces, two tasks; the third is missing in the second:

    >>> borda(np.array([[0.7, 0.6, 0.6], [0.5, 0.9, np.nan]])).tolist()
    [3.0, 2.5, 0.5]
    """
    known = np.where(np.isnan(scores), -np.inf, scores)
    ours, theirs = known[..., :, None], known[..., None, :]
    points = (ours > theirs).sum(axis=-1) + ((ours == theirs).sum(axis=-1) - 1) / 2.0
    return np.asarray(np.where(np.isnan(scores), 0.0, points).sum(axis=-2), np.float64)


def normalised(points: NDArray[np.float64], n_tasks: int) -> NDArray[np.float64]:
    """The points over the most that there are: 1 for a space that is best in every task; NaN without a contest."""
    most = n_tasks * (points.shape[-1] - 1)
    return points / most if most else np.full_like(points, np.nan)
