"""The three models that a head may be: logistic, ridge, and small gradient-boosted trees.

The linear ones have one answer and no seed. Their columns are standardised while they learn, and the scale is folded
into the weights afterwards, so what serves is one matrix product. Trees are LightGBM's, saved as its own text.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from palate.core.artefacts import read_arrays, write_arrays
from palate.core.errors import Corrupt
from palate.ranking.ranker import FIRST_LINE, LAST_LINE

Rows = NDArray[np.float32]
Labels = NDArray[np.float64]
Kind = Literal["logistic", "ridge", "trees"]
KINDS: tuple[Kind, ...] = ("logistic", "ridge", "trees")
RIDGE_TIMES = 4.0  # as strong a penalty: a logistic loss curves a quarter as much as a square at most
MOST_STEPS = 500
LINEAR_FILE, TREES_FILE = "linear.npz", "trees.txt"


@dataclass(frozen=True)
class Linear:
    """weights # (p,) float32; chances: whether the sum is the log-odds of a chance, else it is the answer itself."""

    weights: NDArray[np.float32]
    intercept: float
    chances: bool

    def scores(self, rows: Rows) -> NDArray[np.float32]:
        """(n, p) -> (n,) float32: chances from 0 to 1, or numbers."""
        sums = rows @ self.weights + np.float32(self.intercept)
        return np.asarray(expit(sums) if self.chances else sums, np.float32)

    def save(self, folder: Path) -> None:
        write_arrays(
            folder / LINEAR_FILE, weights=self.weights, intercept=np.array(self.intercept),
            chances=np.array(self.chances),
        )  # fmt: skip

    @classmethod
    def load(cls, folder: Path) -> "Linear":
        """Reads what `save` wrote; Corrupt when it is something else."""
        stored = read_arrays(folder / LINEAR_FILE)
        try:
            return cls(stored["weights"], float(stored["intercept"]), bool(stored["chances"]))
        except KeyError as error:
            raise Corrupt(f"{folder / LINEAR_FILE} lacks {error}; roll the head back or register it again") from error


@dataclass(frozen=True)
class Trees:
    """booster # LightGBM's model, with its own idea of chance or number."""

    booster: lgb.Booster

    def scores(self, rows: Rows) -> NDArray[np.float32]:
        """(n, p) -> (n,) float32: chances from 0 to 1, or numbers."""
        if not len(rows):
            return np.zeros(0, np.float32)
        return np.asarray(self.booster.predict(rows, num_threads=1), np.float32)  # a request has one core

    def save(self, folder: Path) -> None:
        (folder / TREES_FILE).write_text(self.booster.model_to_string(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Trees":
        """Reads what `save` wrote; Corrupt when it is something else, or not all of it."""
        path = folder / TREES_FILE
        try:
            text = path.read_text(encoding="utf-8")
            if not (text.startswith(FIRST_LINE) and text.rpartition("\n" + LAST_LINE)[1]):
                raise Corrupt(f"{path} is not a whole model; roll the head back or register it again")
            return cls(lgb.Booster(model_str=text))
        except (lgb.basic.LightGBMError, OSError, UnicodeDecodeError) as error:
            raise Corrupt(f"{path} is no model ({error}); roll the head back or register it again") from error


Model = Linear | Trees


def fit_logistic(rows: Rows, labels: Labels, penalty: float) -> Linear:
    """Minimises the summed log loss + penalty / 2 x the squared weights of standardised columns; 0 or 1 labels.

    rows # (n, p) float32, finite. Memory: 8 bytes x n x p. The intercept is not held back. Deterministic.
    """
    scaled, mean, scale = _standardised(rows)
    signs = np.where(labels > 0, 1.0, -1.0)

    def loss(found: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = found[:-1]
        margin = signs * (scaled @ weights + found[-1])
        pull = -signs * expit(-margin)
        value = np.logaddexp(0.0, -margin).sum() + penalty / 2.0 * weights @ weights
        return float(value), np.append(scaled.T @ pull + penalty * weights, pull.sum())

    share = float(np.clip(np.mean(labels > 0), 1e-6, 1.0 - 1e-6))
    start = np.append(np.zeros(rows.shape[1]), np.log(share / (1.0 - share)))
    options: Any = {"maxiter": MOST_STEPS, "ftol": 1e-12, "gtol": 1e-6 * max(len(rows), 1)}
    found = np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x, np.float64)
    return _folded(found[:-1], float(found[-1]), mean, scale, chances=True)


def fit_ridge(rows: Rows, labels: Labels, penalty: float) -> Linear:
    """Minimises half the summed squared error + RIDGE_TIMES x penalty / 2 x the squared weights; any labels."""
    scaled, mean, scale = _standardised(rows)
    middle = float(labels.mean())
    gram = scaled.T @ scaled + RIDGE_TIMES * max(penalty, 1e-9) * np.eye(rows.shape[1])
    weights = np.asarray(np.linalg.solve(gram, scaled.T @ (labels - middle)), np.float64)
    return _folded(weights, middle, mean, scale, chances=False)


def fit_trees(
    rows: Rows, labels: Labels, chances: bool, rounds: int, leaves: int, learning_rate: float, seed: int
) -> Trees:
    """LightGBM: log loss where `chances`, else squared error. The same seed gives the same trees."""
    settings: dict[str, Any] = {
        "objective": "binary" if chances else "regression", "num_leaves": leaves, "learning_rate": learning_rate,
        "min_data_in_leaf": max(1, min(50, len(rows) // 20)), "feature_fraction": 0.7, "seed": seed, "verbose": -1,
        "deterministic": True, "force_row_wise": True, "num_threads": 1,
    }  # fmt: skip
    return Trees(lgb.train(settings, lgb.Dataset(rows, labels, params=settings), rounds))


def _standardised(rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(scaled, mean, scale); a constant column reads 0."""
    plain = rows.astype(np.float64)
    mean, scale = plain.mean(axis=0), plain.std(axis=0)
    scale[scale <= 1e-6 * np.maximum(np.abs(mean), 1e-6)] = np.inf
    return (plain - mean) / scale, mean, scale


def _folded(
    weights: NDArray[np.float64], intercept: float, mean: NDArray[np.float64], scale: NDArray[np.float64], chances: bool
) -> Linear:
    plain = weights / scale
    return Linear(plain.astype(np.float32), intercept - float(plain @ mean), chances)
