"""Turning a new space onto an old one, so that a head that was trained on the old one still reads the new one.

Two trainings find the same geometry in different coordinates: nothing in a dot product says which axis is which. The
orthogonal matrix that brings the vectors of the items that both know closest together (weighted orthogonal Procrustes;
Schoenemann 1966) gives the axes their meaning back. Turning the item vectors and the tastes by the same matrix changes
no dot product, so it costs nothing. Source: Zielnicki and Hsiao, "Orthogonal Low Rank Embedding Stabilization",
arXiv 2508.07574. Their canonical form, which comes before the rotation there, is left out: see docs/rooms/stability.md.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]

# A direction whose share of what both spaces know is below this is rounding of float32: nothing tells where it goes.
UNSEEN = 1e-6


@dataclass(frozen=True)
class Rotation:
    """What brings new vectors onto old ones, and how well it does.

    matrix             # (dim, dim) float64, orthogonal; the identity where nothing tells what it should be
    shared             how many rows it was found from
    rank               how many directions they tell something about; the rest turns as little as it can
    residual           share of the old rows' weighted square that is not met, 0 for a perfect fit; NaN without rows
    mean_cosine_before of old and new rows as they came, unweighted; NaN without rows
    mean_cosine_after  of old and turned rows
    """

    matrix: Floats
    shared: int
    rank: int
    residual: float
    mean_cosine_before: float
    mean_cosine_after: float

    @classmethod
    def fit(cls, old: Vectors, new: Vectors, weights: Floats | None = None) -> "Rotation":
        """The rotation from rows of `new` to the same rows of `old`.

        old     # (n, dim) or narrower: missing coordinates count as 0
        new     # (n, dim)
        weights # (n,) not negative, how much each row counts; None for all the same
        Rows that are zeros on either side, or that weigh nothing, tell nothing. Without any row, the identity. The
        order of the rows does not matter beyond rounding; the same input gives the same matrix. BadInput when the rows
        do not belong together, when something is not finite, or when `new` is narrower: no rotation can then hold what
        was there.
        """
        olds, news, counted = _checked(old, new, weights)
        known = olds.any(axis=1) & news.any(axis=1) & (counted > 0.0)
        left, right, weight = olds[known], news[known], counted[known][:, None]
        matrix, rank = _nearest(right.T @ (weight * left))
        turned = right @ matrix
        return cls(
            matrix=matrix,
            shared=len(left),
            rank=rank,
            residual=_ratio((weight * (turned - left) ** 2).sum(), (weight * left**2).sum()),
            mean_cosine_before=mean_cosine(left, right),
            mean_cosine_after=mean_cosine(left, turned),
        )

    @property
    def dim(self) -> int:
        return len(self.matrix)

    def turn(self, vectors: Vectors) -> Vectors:
        """(n, dim) float32; dot products among rows that are turned alike stay what they were, up to rounding."""
        return np.asarray(vectors.astype(np.float64) @ self.matrix, np.float32)

    def turn_factors(self, vectors: Vectors) -> Vectors:
        """(n, width) float32: the first `dim` coordinates turned; habits and popularity, behind them, stay as they are.

        For item vectors, for tastes, and for the last step of an encoder (features, width), whose tastes then come
        out turned. What records add up is another matrix and stays.
        """
        out: Vectors = np.array(vectors, np.float32)
        out[:, : self.dim] = self.turn(vectors[:, : self.dim])
        return out


def _nearest(cross: Floats) -> tuple[Floats, int]:
    """The orthogonal matrix R with the largest trace of R^T cross, and the rank of `cross`.

    What `cross` says nothing about goes where the identity would send it, or as near as an orthogonal matrix can.
    """
    left, size, right = np.linalg.svd(cross)
    rank = int((size > UNSEEN * max(float(size[0]), 1e-300)).sum()) if len(size) else 0
    matrix = left[:, :rank] @ right[:rank]
    if rank < len(cross):
        free_left, free_right = left[:, rank:], right[rank:].T
        a, _, b = np.linalg.svd(free_left.T @ free_right)
        matrix = matrix + free_left @ a @ b @ free_right.T
    return matrix, rank


def mean_cosine(one: NDArray[np.floating], two: NDArray[np.floating]) -> float:
    """The mean over rows of the cosine of two vectors; a row of zeros has 0; NaN without rows."""
    found = cosines(one, two)
    return float(found.mean()) if len(found) else float("nan")


def cosines(one: NDArray[np.floating], two: NDArray[np.floating]) -> Floats:
    """(n,) the cosine of each two rows; 0 where one of them is zeros."""
    left, right = np.asarray(one, np.float64), np.asarray(two, np.float64)
    length = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    product = np.einsum("nd,nd->n", left, right)
    return np.asarray(np.where(length > 0.0, product / np.where(length > 0.0, length, 1.0), 0.0), np.float64)


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below > 0.0 else float("nan")


def _checked(old: Vectors, new: Vectors, weights: Floats | None) -> tuple[Floats, Floats, Floats]:
    """The three as float64, `old` as wide as `new`."""
    if old.ndim != 2 or new.ndim != 2 or len(old) != len(new):
        raise BadInput(f"old rows {old.shape} and new rows {new.shape} must be the same items; give shared rows only")
    if new.shape[1] < old.shape[1]:
        raise BadInput(
            f"{new.shape[1]} dimensions cannot hold what {old.shape[1]} held, so no rotation helps; train with at "
            f"least {old.shape[1]}, or publish without rotating and let consumers train their heads again"
        )
    weights = np.ones(len(old)) if weights is None else np.asarray(weights, np.float64)
    if weights.shape != (len(old),) or not np.isfinite(weights).all() or (weights < 0.0).any():
        raise BadInput(f"weights {weights.shape} must be one number of 0 or more for each of {len(old)} rows")
    if not (np.isfinite(old).all() and np.isfinite(new).all()):
        raise BadInput("old and new vectors must be finite; give rows of zeros for items without a vector")
    wide = np.zeros(new.shape)
    wide[:, : old.shape[1]] = old
    return wide, np.asarray(new, np.float64), weights
