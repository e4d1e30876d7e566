"""PureSVD: the listener-item matrix, missing plays as zeros, cut to its largest singular vectors.

Cremonesi, Koren and Turrin, "Performance of Recommender Algorithms on Top-N Recommendation Tasks", 2010: the scores are
the listener's row r, projected on the space of the `dim` right singular vectors Q: r Q Q'.
"""

from dataclasses import dataclass

import numpy as np

from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.factors import Embedded, Factors, right_factors
from palate.evaluation.baselines.profiles import Fading, tastes


@dataclass(frozen=True)
class PureSvd:
    """PureSVD: items by the listener's row of the listener-item matrix, cut to its `dim` largest singular vectors.

    Each item counts once, however often and whenever it was played, as in the paper.
    """

    dim: int = 128
    half_life_days: float | None = None

    @property
    def name(self) -> str:
        return "svd"

    def fit(self, known: Inputs, at: float) -> Embedded:
        fading = Fading(self.half_life_days)
        _, vectors = right_factors(tastes(known, at, fading), self.dim)
        items = Factors(vectors, lambda profiles: np.asarray(profiles @ vectors, np.float32))
        return Embedded.seeing(known.history, at, items, fading)
