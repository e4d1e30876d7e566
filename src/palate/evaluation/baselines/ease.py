"""The linear model that rebuilds each sitting from itself, with nothing allowed to point at itself.

EASE (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019): B minimises |X - X B|^2 + lambda |B|^2 with a
diagonal of zeros, which has the closed form B = I - P / diag(P), P = (X'X + lambda I)^-1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg.lapack import spotrf, spotri
from threadpoolctl import threadpool_limits

from palate.core.errors import BadSettings
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.once import Once
from palate.evaluation.baselines.profiles import Fading, shares, sittings
from palate.evaluation.baselines.scored import Listed, Scores

BLOCK_ITEMS = 1_024


@dataclass(frozen=True)
class Ease(Once[Listed]):
    """EASE: items by learnt weights from the listener's items, recent ones first.

    regularization  lambda of the paper, counted in sittings
    half_life_days  an item of the listener counts 2^(-days since its last play / half_life_days)
    most            how many items take part, those of most sittings and playlists first; the weights take most^2 floats
                    (576 MB at the default) and most^3 operations. The rest get no score and are never recommended
    """

    regularization: float = 80.0
    half_life_days: float = 30.0
    most: int = 12_000

    @property
    def name(self) -> str:
        return "ease"

    def learn(self, known: Inputs, at: float) -> Listed:
        groups = sittings(known)
        size = np.bincount(groups.indices, minlength=groups.shape[1])
        often = np.argsort(-size, kind="stable")[: self.most]
        rows = np.sort(often[size[often] > 0])
        items = Regressed(rows, ease_weights(groups[:, rows], self.regularization))
        return Listed.seeing(known.history, at, items, Fading(self.half_life_days))


@dataclass(frozen=True)
class Regressed:
    """The item side: rows # (m,) items that take part, ascending; weights # (m, m) float32, diagonal 0."""

    rows: NDArray[np.int64]
    weights: NDArray[np.float32]

    def scores(self, profiles: sparse.csr_array) -> Scores:
        inside = shares(profiles[:, self.rows])
        scores = np.full(profiles.shape, -np.inf, np.float32)
        scores[:, self.rows] = inside @ self.weights
        scores[np.diff(inside.indptr) == 0] = -np.inf
        return scores


def ease_weights(groups: sparse.csr_array, regularization: float) -> NDArray[np.float32]:
    """(m, m) float32: B of the closed form, for (groups, m) of ones; B[i, j] is what i says about j.

    One array is filled, factored (Cholesky), inverted and divided in place, so that the peak is little more than it.
    """
    m = groups.shape[1]
    weights = np.empty((m, m), np.float32)
    if not m:
        return weights
    for first in range(0, m, BLOCK_ITEMS):
        part = slice(first, first + BLOCK_ITEMS)
        weights[part] = (groups[:, part].T @ groups).toarray()
    np.fill_diagonal(weights, weights.diagonal() + np.float32(regularization))
    # One thread: the numbers do not depend on how many cores there are, and on busy ones two took four times as long.
    with threadpool_limits(1, "blas"):
        # LAPACK counts columns first: the transposed view of a symmetric array is the same array in its order.
        factor, failed = spotrf(weights.T, lower=1, clean=0, overwrite_a=1)
        if not failed:
            factor, failed = spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise BadSettings(f"EASE with regularization = {regularization:g} has no solution here; give it at least 1")
    weights = np.asarray(factor.T, np.float32)
    _mirror(weights)
    weights /= -weights.diagonal()
    np.fill_diagonal(weights, 0.0)
    return weights


def _mirror(square: NDArray[np.float32]) -> None:
    """Copies the part above the diagonal below it, in place and in blocks."""
    for first in range(0, len(square), BLOCK_ITEMS):
        part = slice(first, first + BLOCK_ITEMS)
        square[part, :first] = square[:first, part].T
        corner = square[part, part]
        below = np.tril_indices(len(corner), -1)
        corner[below] = corner.T[below]
