"""What goes with what this listener played lately: item-to-item neighbours.

Two items are close when they are heard in the same sittings (cosine over sessions, Sarwar et al., "Item-Based
Collaborative Filtering Recommendation Algorithms", 2001). Simple, and among the strongest methods on re-measured
benchmarks (Ferrari Dacrema et al., "Are We Really Making Much Progress?", 2019).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from palate.core.clock import DAY_SECONDS
from palate.evaluation.baselines.scored import Scored, block_rows, heard_matrix, play_matrix, positive
from palate.listening.history import History


@dataclass(frozen=True)
class ItemKnn:
    """Scores an item by its closeness to the listener's items, recent ones first.

    half_life_days  an item of the listener counts 2^(-days since its last play / half_life_days)
    neighbours      how many items (itself included) each item is close to; None keeps all, at the cost of memory that
                    grows with the square of the session length
    """

    half_life_days: float = 30.0
    neighbours: int | None = None

    @property
    def name(self) -> str:
        return "item-knn"

    def fit(self, train: History, at: float) -> Scored:
        heard = train.heard()
        closeness = session_cosine(heard, self.neighbours)
        last = heard.take(_last_plays(heard))
        weight = 0.5 ** ((at - last.timestamp) / (self.half_life_days * DAY_SECONDS))
        profile = play_matrix(last, weight.astype(np.float32))
        return Scored(lambda users: positive((profile[users] @ closeness).toarray()), heard_matrix(heard))


def session_cosine(heard: History, neighbours: int | None = None) -> sparse.csr_array:
    """(n_items, n_items) float32: sessions with both / sqrt(sessions with the one x sessions with the other).

    An item is 1 to itself, so that a listener's own items rank among the rest. With `neighbours`, only the closest
    are kept in each row, equal ones by item row ascending.
    """
    _, session = np.unique(heard.session, return_inverse=True)
    pairs = np.unique(session.astype(np.int64) * heard.n_items + heard.item)
    row, item = np.divmod(pairs, max(heard.n_items, 1))
    sessions = np.bincount(item, minlength=heard.n_items)
    value = (1.0 / np.sqrt(sessions[item])).astype(np.float32)
    shape = (int(session.max(initial=-1)) + 1, heard.n_items)
    by_session = sparse.csr_array(sparse.coo_array((value, (row, item)), shape=shape))
    by_item = sparse.csr_array(by_session.T)
    if neighbours is None:
        return sparse.csr_array(by_item @ by_session)
    block = block_rows(heard.n_items)
    starts = range(0, heard.n_items, block)
    kept = [_closest(by_item[first : first + block] @ by_session, neighbours) for first in starts]
    return sparse.csr_array(sparse.vstack(kept))


def _closest(closeness: sparse.csr_array, neighbours: int) -> sparse.csr_array:
    """The rows with all but their `neighbours` highest values removed."""
    row = np.repeat(np.arange(closeness.shape[0]), np.diff(closeness.indptr))
    order = np.lexsort((closeness.indices, -closeness.data, row))  # row stays grouped, best first within it
    kept = order[np.arange(len(row)) - closeness.indptr[row] < neighbours]
    pairs = (closeness.data[kept], (row[kept], closeness.indices[kept]))
    return sparse.csr_array(sparse.coo_array(pairs, shape=closeness.shape))


def _last_plays(heard: History) -> NDArray[np.int64]:
    """The ascending positions of each listener's last play of each item."""
    pair = heard.user.astype(np.int64) * heard.n_items + heard.item
    _, from_the_end = np.unique(pair[::-1], return_index=True)
    return np.sort(len(heard) - 1 - from_the_end).astype(np.int64)
