"""Is one method better than another? A paired test over the same questions, and the price of asking many times.

The test is a sign-flip permutation: if two methods were equally good, each listener's difference could as well have had
the other sign (Fisher 1935; Smucker, Allan and Carterette, "A Comparison of Statistical Significance Tests for
Information Retrieval Evaluation", 2007). A listener's rows in several windows flip together.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

FLIPS = 10_000
BLOCK_CELLS = 4_000_000  # signs held at once


def p_values(differences: ArrayLike, rows: ArrayLike, windows: ArrayLike, seed: int) -> NDArray[np.float64]:
    """(m,) two-sided p of each column of `differences` (r, m): how often chance alone gives so large a mean.

    rows    # (r,) who or what was asked; the differences of one flip together
    windows # (r,) which window

    The mean is over windows of the mean over that window's rows, as in `intervals`. Chance is FLIPS draws of signs, the
    same for every column, and the observed one, so that p is never below 1 / (FLIPS + 1). Differences that are all
    zero have p = 1; without rows p is NaN.
    """
    columns = np.asarray(differences, np.float64)
    if not len(columns):
        return np.full(columns.shape[1], np.nan)
    _, window, sizes = np.unique(windows, return_inverse=True, return_counts=True)
    _, owner = np.unique(rows, return_inverse=True)
    shares = columns / (sizes[window] * len(sizes))[:, None]  # what each row adds to the mean of means
    added = np.stack([np.bincount(owner, share) for share in shares.T], axis=1)  # (listeners, m)
    observed = np.abs(added.sum(axis=0))
    rng, extreme = np.random.default_rng(seed), np.ones(columns.shape[1])
    block = max(1, BLOCK_CELLS // len(added))
    for done in range(0, FLIPS, block):
        signs = rng.integers(0, 2, (min(block, FLIPS - done), len(added)), np.int8).astype(np.float64) * 2 - 1
        extreme += (np.abs(signs @ added) >= observed * (1 - 1e-12)).sum(axis=0)
    return np.asarray(extreme / (FLIPS + 1), np.float64)


def holm(p: Sequence[float]) -> list[float]:
    """The p-values after Holm's correction (1979): the chance of any false claim among all that are as strict.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none is below one before it, none above 1.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(np.asarray(p, np.float64), kind="stable")
    raised = np.asarray(p, np.float64)[order] * np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return [float(x) for x in corrected]
