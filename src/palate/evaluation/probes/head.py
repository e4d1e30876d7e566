"""The head: the one small model that every space gets, for every task, with the same budget.

A linear head (logistic regression; ridge for numbers) and no network: it is convex, so it has no seed, no number of
epochs and one answer. Beside it a network of one hidden layer was slower, worse on nearly every task, and moved with
its seed by as much as spaces differ (docs/rooms/probes.md).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge

from palate.evaluation.probes.tasks import Kind

PENALTY_INVERSE = 0.01  # scikit-learn's C; 0.001 is better on 30Music, 0.1 in the simulated world, this is near both
RIDGE_PENALTY = 4.0 / PENALTY_INVERSE  # as strong: a logistic loss curves a quarter as much as a square at most
MOST_STEPS = 1_000  # never reached: 5 to 29 were counted


def predicted(
    train: NDArray[np.float32], labels: NDArray[np.float64], test: NDArray[np.float32], kind: Kind
) -> NDArray[np.float64]:
    """(r,) a score for each test row, higher for a higher label; log-odds for "binary", the number for "regression".

    train  # (n, d) float32, standardised (rows.py); may be overwritten
    labels # (n,) float64; for "binary" 0 or 1, and both there
    test   # (r, d) float32, standardised by the same mean and scale
    """
    if kind == "binary":
        classifier: Any = LogisticRegression(C=PENALTY_INVERSE, max_iter=MOST_STEPS).fit(train, labels)
        return np.asarray(classifier.decision_function(test), np.float64)
    numbers: Any = Ridge(RIDGE_PENALTY, copy_X=False).fit(train, labels)
    return np.asarray(numbers.predict(test), np.float64)
