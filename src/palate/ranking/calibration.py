"""From scores to probabilities, and how far probabilities are from what happened."""

import numpy as np
from numpy.typing import NDArray

PENALTY = 1.0  # of a squared coefficient: one event's worth, so that a label that never varies does not run away
STEPS = 50


def fit_logistic(columns: NDArray[np.floating], labels: NDArray[np.floating]) -> NDArray[np.float64]:
    """(c + 1,) float64: the constant and a coefficient for each of columns # (n, c), by penalized maximum likelihood.

    Newton's method; the constant is not penalized much, so that the mean probability is the share of positives.
    Platt, "Probabilistic outputs for support vector machines", 1999, with more than one column.
    """
    design = _design(columns)
    penalty = np.full(design.shape[1], PENALTY)
    penalty[0] = 1e-6
    found = np.zeros(design.shape[1])
    for _ in range(STEPS):
        chance = _logistic(design @ found)
        gradient = design.T @ (chance - labels) + penalty * found
        curvature = (design * (chance * (1.0 - chance))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        found = found - step / max(1.0, float(np.abs(step).max()) / 2.0)  # far from the end Newton may jump too far
        if float(np.abs(step).max()) < 1e-8:
            break
    return found


def probabilities(columns: NDArray[np.floating], fitted: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) from 0 to 1, by what `fit_logistic` gave."""
    return _logistic(_design(columns) @ fitted)


def calibration_error(chances: NDArray[np.floating], labels: NDArray[np.floating], bins: int = 10) -> float:
    """How far probabilities are from shares: the mean over bins of |mean probability - share of positives|.

    Bins hold equally many rows, by probability, so that rare events are not one bin of everything. 0 of nothing.
    Guo et al., "On Calibration of Modern Neural Networks", 2017, with bins of equal mass.
    """
    if not len(chances):
        return 0.0
    parts = np.array_split(np.argsort(chances, kind="stable"), min(bins, len(chances)))
    gaps = [abs(float(chances[part].mean() - labels[part].mean())) * len(part) for part in parts]
    return sum(gaps) / len(chances)


def _design(columns: NDArray[np.floating]) -> NDArray[np.float64]:
    """A column of ones in front; what is unknown counts as 0."""
    return np.column_stack([np.ones(len(columns)), np.nan_to_num(columns.astype(np.float64))])


def _logistic(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -40.0, 40.0))), np.float64)
