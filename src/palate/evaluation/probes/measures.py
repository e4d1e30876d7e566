"""What each row contributes to a measure, so that redrawing listeners needs no second sort.

ROC-AUC and Spearman's correlation are no means over rows, but near the sample they behave like one: each row has a
pseudo-value, the measure plus the row's influence on it (the infinitesimal jackknife; Efron, "The Jackknife, the
Bootstrap and Other Resampling Plans", 1982, chapter 6). Their mean is the measure itself, the mean of redrawn rows is
the redrawn measure up to terms of order 1 / rows, and rows of one listener may be summed. For ROC-AUC the influences
are the placements of DeLong, DeLong and Clarke-Pearson (1988).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def auc_parts(scores: Floats, labels: Floats) -> Floats:
    """(r,) pseudo-values whose mean is ROC-AUC; all NaN when a class is missing.

    scores # (r,) higher means more likely 1; ties count one half
    labels # (r,) 0 or 1

    Positives at 3 and 1, negatives at 1 and 0: 3 beats both, 1 ties one and beats the other.

    >>> auc_parts(np.array([3.0, 1.0, 1.0, 0.0]), np.array([1.0, 1.0, 0.0, 0.0])).tolist()
    [1.125, 0.625, 0.625, 1.125]
    """
    positive = labels > 0
    share = positive.mean() if len(labels) else 0.0
    if not 0.0 < share < 1.0:
        return np.full(len(labels), np.nan)
    beaten = 1.0 - above(scores, ~positive) / (1.0 - share)
    won = np.where(positive, beaten, above(scores, positive) / share)
    auc = won[positive].mean()
    return np.asarray(auc + (won - auc) / np.where(positive, share, 1.0 - share), np.float64)


def spearman_parts(scores: Floats, labels: Floats) -> Floats:
    """(r,) pseudo-values whose mean is Spearman's rank correlation, ties by mid-ranks; NaN when a side is constant."""
    x, y = 1.0 - above(scores, np.ones(len(scores))), 1.0 - above(labels, np.ones(len(labels)))
    both, left, right = x * y, x * x, y * y
    spread_x, spread_y = (left.mean() - 0.25, right.mean() - 0.25) if len(x) else (0.0, 0.0)
    if min(spread_x, spread_y) <= 1e-12:
        return np.full(len(x), np.nan)
    rho = (both.mean() - 0.25) / np.sqrt(spread_x * spread_y)
    # A row counts by itself and by the rank that it gives to all rows above it.
    of_both = both + above(scores, y) + above(labels, x) - 3.0 * both.mean()
    of_x = left + 2.0 * above(scores, x) - 3.0 * left.mean()
    of_y = right + 2.0 * above(labels, y) - 3.0 * right.mean()
    influence = of_both / np.sqrt(spread_x * spread_y) - rho / 2.0 * (of_x / spread_x + of_y / spread_y)
    return np.asarray(rho + influence, np.float64)


def above(values: Floats, weights: NDArray[np.generic]) -> Floats:
    """(r,) the sum of the weights of the rows of higher value and half of those of equal value, over r.

    >>> above(np.array([1.0, 5.0, 5.0]), np.ones(3)) * 3
    array([2.5, 1. , 1. ])
    """
    _, group = np.unique(values, return_inverse=True)
    total = np.bincount(group, np.asarray(weights, np.float64))
    higher = total[::-1].cumsum()[::-1] - total / 2.0
    return np.asarray(higher[group] / max(len(values), 1), np.float64)
