"""The usual foundation baseline: item vectors from company, and a listener is the mean of what she played lately.

Two items are alike when the same others surround them: positive pointwise mutual information of sittings and playlists,
factored by SVD, is what word2vec's skip-gram does implicitly (Levy and Goldberg, "Neural Word Embedding as Implicit
Matrix Factorization", 2014; context smoothing .75 and square root of the singular values from their 2015 study).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.factors import Embedded, Factors, mean_of, right_factors
from palate.evaluation.baselines.profiles import Fading, pairs_in, sittings

SMOOTHING = 0.75  # rare contexts would otherwise have the largest information
CONTEXT_ITEMS = 50  # a word2vec of playlists has a context as well; all 500 of a group cost 90 s at 50 k items
MOST_PAIRS = 10_000_000  # about 1 GB while they are counted


@dataclass(frozen=True)
class MeanVectors:
    """Items by their cosine to the mean vector of the listener's items, recent ones first.

    half_life_days  an item of the listener counts 2^(-days since its last play / half_life_days)
    """

    dim: int = 128
    half_life_days: float = 30.0

    @property
    def name(self) -> str:
        return "mean-vectors"

    def fit(self, known: Inputs, at: float) -> Embedded:
        information = positive_information(affordable(sittings(known, CONTEXT_ITEMS)))
        values, right = right_factors(sparse.csr_array(information.T), self.dim)  # its own vectors, not its contexts'
        vectors = right * np.sqrt(values)
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: NDArray[np.float32] = (vectors / np.where(length > 0, length, 1.0)).astype(np.float32)
        return Embedded.seeing(known.history, at, Factors(unit, mean_of(unit)), Fading(self.half_life_days))


def affordable(groups: sparse.csr_array) -> sparse.csr_array:
    """The groups, or as many of them at random as hold MOST_PAIRS pairs."""
    order = np.random.default_rng(0).permutation(groups.shape[0])
    taken = np.cumsum(pairs_in(groups)[order]) <= MOST_PAIRS
    return groups[np.sort(order[taken])]


def positive_information(groups: sparse.csr_array) -> sparse.csr_array:
    """(n_items, n_items) float64: max(0, log(p(i, j) / (p(i) p(j)))) over pairs of different items of one group.

    groups # (groups, n_items) of ones
    """
    together = sparse.coo_array(groups.T @ groups)
    row, column = together.coords
    apart = row != column
    row, column, count = row[apart], column[apart], together.data[apart].astype(np.float64)
    total = np.bincount(row, count, minlength=groups.shape[1])
    context = total**SMOOTHING
    information = np.log(count / total[row] / context[column] * context.sum())
    kept = information > 0
    pairs = (information[kept], (row[kept], column[kept]))
    return sparse.csr_array(sparse.coo_array(pairs, shape=together.shape))
