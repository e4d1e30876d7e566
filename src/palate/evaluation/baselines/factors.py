"""Item vectors as an item side: a profile becomes a vector, and a score is a dot product."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from palate.evaluation.baselines.profiles import shares
from palate.evaluation.baselines.scored import Listed, Scores

DENSE_ROWS = 512  # a matrix with a side this short is factored whole
OVERSAMPLING, ROUNDS = 16, 2


@dataclass(frozen=True)
class Factors:
    """The item side of what has vectors.

    vectors # (n_items, d) float32, zeros for an item of which nothing is known
    embed   # (b, n_items) profiles -> (b, d) float32, zeros for an empty profile; one row never moves another
    """

    vectors: NDArray[np.float32]
    embed: Callable[[sparse.csr_array], NDArray[np.float32]]

    def scores(self, profiles: sparse.csr_array) -> Scores:
        """Dot products; they are summed in float64, so that rounding cannot depend on how many are asked at once."""
        listeners = self.embed(profiles)
        scores = (listeners.astype(np.float64) @ self.vectors.astype(np.float64).T).astype(np.float32)
        scores[~listeners.any(axis=1)] = -np.inf
        scores[:, ~self.vectors.any(axis=1)] = -np.inf
        return scores


@dataclass(frozen=True)
class Embedded(Listed):
    """A `Listed` that also `Embeds` and `EmbedsItems`."""

    items: Factors

    def vectors(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """See `Embeds.vectors`."""
        return self.items.embed(self.profiles[users])

    @property
    def item_vectors(self) -> NDArray[np.float32]:
        """See `EmbedsItems.item_vectors`."""
        return self.items.vectors


def mean_of(vectors: NDArray[np.float32]) -> Callable[[sparse.csr_array], NDArray[np.float32]]:
    """Embeds a profile as the mean of its items' vectors, by their weights."""
    return lambda profiles: np.asarray(shares(profiles) @ vectors, np.float32)


def right_factors(matrix: sparse.csr_array, dim: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The `dim` largest singular values (dim,), descending, and their right vectors (columns, dim); zeros pad both.

    Rows and columns without an entry do not take part, so that what is empty cannot move the rest. The same matrix
    gives the same factors: the start is fixed.

    Large matrices are factored by subspace iteration (Halko, Martinsson and Tropp, "Finding Structure with Randomness",
    2011) and stopped early on purpose: at 10 k items two rounds rank better than exact factors and take a third of
    their time (docs/rooms/baselines.md).
    """
    values, vectors = np.zeros(dim, np.float32), np.zeros((matrix.shape[1], dim), np.float32)
    columns = np.unique(matrix.indices)
    filled = matrix[np.flatnonzero(np.diff(matrix.indptr))][:, columns].astype(np.float32)
    # One thread: the others would spin between the sparse products, which on busy cores took six times as long.
    with threadpool_limits(1, "blas"):
        if min(filled.shape) <= max(DENSE_ROWS, dim + OVERSAMPLING):
            _, found, right = np.linalg.svd(filled.toarray(), full_matrices=False)
        else:
            basis = _subspace(filled, dim + OVERSAMPLING)
            _, found, right = np.linalg.svd(filled @ basis, full_matrices=False)
            right = right @ basis.T
    kept = min(dim, len(found))
    values[:kept] = found[:kept]
    vectors[columns[:, None], np.arange(kept)] = right[:kept].T
    return values, vectors


def _subspace(matrix: sparse.csr_array, width: int) -> NDArray[np.float32]:
    """(columns, width), orthonormal: close to the space of the largest right singular vectors."""
    transposed = sparse.csr_array(matrix.T)
    basis = np.random.default_rng(0).standard_normal((matrix.shape[1], width), np.float32)
    for _ in range(1 + ROUNDS):
        basis = np.linalg.qr(transposed @ np.linalg.qr(matrix @ basis).Q).Q
    return basis
