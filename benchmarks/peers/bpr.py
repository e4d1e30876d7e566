"""Matrix factorization that learns to put what was heard before what was not: one pair at a time.

Bayesian personalized ranking (Rendle et al., arXiv 1205.2618), by the `implicit` library.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from implicit.cpu.bpr import BayesianPersonalizedRanking
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from palate.embeddings.inputs import Inputs
from palate.evaluation.method import Method
from palate.listening.history import History

sys.path.append(str(Path(__file__).parents[1]))  # `palate eval run --method` loads this file alone
from peers.learning import Heard, Peer


@dataclass(frozen=True)
class Bpr:
    """Items by the dot product of their vector with the listener's, both learnt together.

    Age and number of plays do not count. The last coordinate is the item's bias, so `dim` is one more than implicit's
    factors. A listener's vector is that of training: BPR has no fold-in, so later listens only change what was heard,
    and who came later gets nothing.
    """

    dim: int = 128
    learning_rate: float = 0.1
    regularization: float = 0.01
    iterations: int = 100
    seed: int = 0
    everywhere: bool = True
    kind: str = "baseline"

    @property
    def name(self) -> str:
        return "bpr"

    def seeded(self, seed: int) -> "Bpr":
        """See `Seeded.seeded`."""
        return replace(self, seed=seed)

    def fit(self, known: Inputs, at: float) -> Peer:
        heard, history = Heard.of(known.history), known.history
        listeners = np.zeros((len(history.users), self.dim), np.float32)
        items = np.zeros((history.n_items, self.dim), np.float32)
        if len(heard):
            pair = np.unique(heard.user * len(heard.items) + heard.item)
            cells = (np.ones(len(pair), np.float32), np.divmod(pair, len(heard.items)))
            model = BayesianPersonalizedRanking(
                factors=self.dim - 1, learning_rate=self.learning_rate, regularization=self.regularization,
                iterations=self.iterations, random_state=self.seed, num_threads=1,  # with more, threads race
            )  # fmt: skip
            with threadpool_limits(1, "blas"):
                model.fit(sparse.csr_matrix(cells, (len(heard.users), len(heard.items))), show_progress=False)
            items[heard.items], listeners[heard.users] = model.item_factors, model.user_factors

        def encode(history: History, at: NDArray[np.float64], users: NDArray[np.int32]) -> NDArray[np.float32]:
            return listeners[users]

        return Peer.seeing(items, encode, history, at)


def methods(inputs: Inputs) -> Sequence[Method]:
    """What `palate eval run --method` judges."""
    return [Bpr()]
