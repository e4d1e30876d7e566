"""Krippendorff's alpha: how far raters agree, with chance taken out, for any number of raters and with gaps.

alpha = 1 - (observed disagreement) / (disagreement expected by chance). 1 is perfect, 0 is what coin tosses give, below
0 they disagree more than chance would. Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011. People who
compare music seldom pass .4: it tells how much taste there is in the question, not whether the test is worth anything.
"""

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Metric = Literal["nominal", "interval"]


def alpha(units: Iterable[Iterable[float]], metric: Metric) -> float:
    """The agreement on `units`: for each thing that was judged, the values that raters gave it.

    metric "nominal" takes values for names, "interval" for numbers whose squared distance counts. A unit with one
    value says nothing and is left out. NaN when no unit is left, or when all values are the same.

    By hand: two raters, three units with values (0, 0), (1, 1) and (0, 1). Of 6 values 3 are 0 and 3 are 1. Within
    units, 2 of the 6 ordered pairs differ: observed 2/6. Of all ordered pairs of the 6 values, 2 x 3 x 3 of 6 x 5
    differ: expected 18/30. alpha = 1 - (2/6) / (18/30) = 4/9.

    >>> round(alpha([(0, 0), (1, 1), (0, 1)], "nominal"), 4)
    0.4444
    """
    paired = [np.asarray(tuple(values), np.float64) for values in units]
    paired = [values for values in paired if len(values) > 1]
    if not paired:
        return float("nan")
    everything = np.concatenate(paired)
    n = len(everything)
    expected = _disagreement(everything, metric) / (n * (n - 1))
    if expected == 0:
        return float("nan")
    observed = sum(_disagreement(values, metric) / (len(values) - 1) for values in paired) / n
    return 1.0 - observed / expected


def _disagreement(values: NDArray[np.float64], metric: Metric) -> float:
    """The sum of the distance over all ordered pairs of two values."""
    n = len(values)
    if metric == "nominal":
        return float(n * n - np.square(np.unique(values, return_counts=True)[1]).sum())
    return float(2 * n * np.square(values - values.mean()).sum())
