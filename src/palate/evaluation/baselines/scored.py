"""From scores to lists: the part that all baselines share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from palate.listening.history import History

BLOCK_CELLS = 4_000_000  # scores held at once: 16 MB as float32


@dataclass(frozen=True)
class Scored:
    """Ranks by a score per (listener, item); the `Fitted` of every baseline.

    score # (b,) int32 user rows -> (b, n_items) float; -inf means "no reason to recommend it"
    heard # (users, n_items) sparse, non-zero where the listener heard the item in train
    """

    score: Callable[[NDArray[np.int32]], NDArray[np.floating[Any]]]
    heard: sparse.csr_array

    def recommend(self, users: NDArray[np.int32], n: int, exclude_heard: bool) -> NDArray[np.int32]:
        """See `Fitted.recommend`; items without a score are never recommended."""
        block = block_rows(self.heard.shape[1])
        ranked = np.full((len(users), n), -1, np.int32)
        for first in range(0, len(users), block):
            rows = users[first : first + block]
            scores = self.score(rows)
            if exclude_heard:
                scores = scores.copy()  # a score may be one row shown many times
                scores[self.heard[rows].nonzero()] = -np.inf
            ranked[first : first + block] = top(scores, n)
        return ranked


def positive(scores: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The scores with -inf for 0: what nothing speaks for is no candidate."""
    return np.where(scores > 0, scores, np.array(-np.inf, scores.dtype))


def block_rows(n_items: int) -> int:
    """How many rows of `n_items` scores to hold at once."""
    return max(1, BLOCK_CELLS // max(n_items, 1))


def heard_matrix(heard: History) -> sparse.csr_array:
    """(users, n_items) float32: how often each listener heard each item; `heard` holds heard plays only."""
    return play_matrix(heard, np.ones(len(heard), np.float32))


def play_matrix(heard: History, weight: NDArray[Any]) -> sparse.csr_array:
    """(users, n_items) in the type of `weight` (n,): the weights of each listener's plays of each item, summed."""
    shape = (len(heard.users), heard.n_items)
    return sparse.csr_array(sparse.coo_array((weight, (heard.user, heard.item)), shape=shape))


def top(scores: NDArray[np.floating[Any]], n: int) -> NDArray[np.int32]:
    """The columns of the n highest scores of each row, highest first, equal scores by column ascending.

    scores # (q, c) float without NaN; -inf is never taken
    gives  # (q, n) int32, padded with -1

    >>> top(np.array([[1.0, 3.0, 3.0, -np.inf]]), 4).tolist()
    [[1, 2, 0, -1]]
    """
    rows, columns = scores.shape
    ranked = np.full((rows, n), -1, np.int32)
    m = min(n, columns)
    if not rows or not m:
        return ranked
    # Selecting before sorting is what makes this fast, but a plain argpartition takes any of the ties at the edge.
    edge = np.partition(scores, columns - m, axis=1)[:, columns - m, None]
    above, level = scores > edge, scores == edge
    level &= np.cumsum(level, axis=1) <= m - above.sum(axis=1, keepdims=True)
    taken = np.nonzero(above | level)[1].reshape(rows, m)
    values = np.take_along_axis(scores, taken, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    best = np.take_along_axis(taken, order, axis=1)
    ranked[:, :m] = np.where(np.take_along_axis(values, order, axis=1) > -np.inf, best, -1)
    return ranked
