"""What goes with what this listener played lately: item-to-item neighbours.

Two items are close when they are heard in the same sittings or stand on the same playlists (cosine; Sarwar et al.,
"Item-Based Collaborative Filtering Recommendation Algorithms", 2001). Simple, and among the strongest methods on
re-measured benchmarks (Ferrari Dacrema et al., "Are We Really Making Much Progress?", 2019).
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.once import Once
from palate.evaluation.baselines.profiles import MOST_PAIRS, Fading, pairs_in, shares, sittings
from palate.evaluation.baselines.scored import Listed, Scores, block_rows, positive

KEPT_NEIGHBOURS = 500  # in a catalogue too large to keep all of them


@dataclass(frozen=True)
class ItemKnn(Once[Listed]):
    """Items by their closeness to the listener's items, recent ones first.

    half_life_days  an item of the listener counts 2^(-days since its last play / half_life_days)
    neighbours      how many items (itself included) each item is close to; None keeps all, as long as they are at
                    most MOST_PAIRS, else KEPT_NEIGHBOURS
    """

    half_life_days: float = 30.0
    neighbours: int | None = None

    @property
    def name(self) -> str:
        return "item-knn"

    def learn(self, known: Inputs, at: float) -> Listed:
        closeness = group_cosine(sittings(known), self.neighbours)
        return Listed.seeing(known.history, at, Close(closeness), Fading(self.half_life_days))


@dataclass(frozen=True)
class Close:
    """The item side: closeness # (n_items, n_items) float32, sparse."""

    closeness: sparse.csr_array

    def scores(self, profiles: sparse.csr_array) -> Scores:
        return positive((shares(profiles) @ self.closeness).toarray())


def group_cosine(groups: sparse.csr_array, neighbours: int | None = None) -> sparse.csr_array:
    """(n_items, n_items) float32: groups with both / sqrt(groups with the one x groups with the other).

    groups # (groups, n_items) of ones

    An item is 1 to itself, so that a listener's own items rank among the rest. With `neighbours`, only the closest
    are kept in each row, equal ones by item row ascending.
    """
    n_items = groups.shape[1]
    size = np.maximum(np.bincount(groups.indices, minlength=n_items), 1)
    by_group = groups.copy()
    by_group.data = (1.0 / np.sqrt(size[groups.indices])).astype(np.float32)
    by_item = sparse.csr_array(by_group.T)
    if neighbours is None and pairs_in(groups).sum() <= MOST_PAIRS:
        return sparse.csr_array(by_item @ by_group)
    block = block_rows(n_items)
    starts = range(0, max(n_items, 1), block)
    kept = [_closest(by_item[first : first + block] @ by_group, neighbours or KEPT_NEIGHBOURS) for first in starts]
    return sparse.csr_array(sparse.vstack(kept))


def _closest(closeness: sparse.csr_array, neighbours: int) -> sparse.csr_array:
    """The rows with all but their `neighbours` highest values removed."""
    row = np.repeat(np.arange(closeness.shape[0]), np.diff(closeness.indptr))
    order = np.lexsort((closeness.indices, -closeness.data, row))  # row stays grouped, best first within it
    kept = order[np.arange(len(row)) - closeness.indptr[row] < neighbours]
    pairs = (closeness.data[kept], (row[kept], closeness.indices[kept]))
    return sparse.csr_array(sparse.coo_array(pairs, shape=closeness.shape))
