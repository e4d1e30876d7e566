"""Implicit matrix factorization: the single vector to beat.

Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", 2008, by the `implicit` library. It
shares no code with Palate's own item vectors, so that a mistake there cannot hide here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.factors import Embedded, Factors
from palate.evaluation.baselines.profiles import Fading, tastes


@dataclass(frozen=True)
class IAls:
    """Implicit ALS: items by the dot product of their vector with the listener's, recent plays weighing more.

    Each play of an item adds confidence * 2^(-age / half_life_days) to what the item counts. A listener's vector is
    solved exactly against the item vectors. The start is random: `seed` decides it.
    """

    dim: int = 128
    confidence: float = 40.0  # alpha of the paper
    regularization: float = 10.0
    half_life_days: float = 30.0
    iterations: int = 15
    seed: int = 0
    everywhere: bool = True  # three trainings in each window are affordable

    @property
    def name(self) -> str:
        return "ials"

    def seeded(self, seed: int) -> "IAls":
        """See `Seeded.seeded`."""
        return replace(self, seed=seed)

    def fit(self, known: Inputs, at: float) -> Embedded:
        fading = Fading(self.half_life_days, every_play=True)
        matrix = tastes(known, at, fading)
        columns = np.unique(matrix.indices)  # an item nobody knows would shift the random start of the others
        vectors = np.zeros((matrix.shape[1], self.dim), np.float32)
        if len(columns):
            with threadpool_limits(1, "blas"):  # implicit has threads of its own and wants BLAS to have one
                als = self._solver()
                als.fit(sparse.csr_matrix(matrix[:, columns]), show_progress=False)
            vectors[columns] = als.item_factors
        return Embedded.seeing(known.history, at, Factors(vectors, self._fold_in(vectors, columns)), fading)

    def _fold_in(
        self, vectors: NDArray[np.float32], columns: NDArray[np.int32]
    ) -> Callable[[sparse.csr_array], NDArray[np.float32]]:
        """Profiles -> the vectors that explain them best, given the items'."""

        def embed(profiles: sparse.csr_array) -> NDArray[np.float32]:
            with threadpool_limits(1, "blas"):
                als = self._solver()
                als.item_factors = vectors[columns]
                als.user_factors = np.zeros((profiles.shape[0], self.dim), np.float32)
                rows = sparse.csr_matrix(profiles[:, columns].astype(np.float32))
                solved: NDArray[np.float32] = als.recalculate_user(np.arange(rows.shape[0]), rows)
            return solved

        return embed

    def _solver(self) -> AlternatingLeastSquares:
        return AlternatingLeastSquares(
            factors=self.dim, alpha=self.confidence, regularization=self.regularization,
            iterations=self.iterations, random_state=self.seed,
        )  # fmt: skip
