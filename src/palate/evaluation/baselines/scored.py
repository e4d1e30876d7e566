"""From scores to lists: the part that all baselines share.

A baseline is two things. The item side is what was learnt and then stays (similarities, factors, popularity). The
profiles are what each listener has, as a row of weighted items. Scores are always item side x profile, so that a
playlist is scored like a listener, and a listener can be looked at later without learning again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from palate.evaluation.baselines.profiles import Fading, heard_matrix, rows_of
from palate.listening.history import History

BLOCK_CELLS = 4_000_000  # scores held at once: 16 MB as float32

Scores = NDArray[np.floating[Any]]


class ItemSide(Protocol):
    """What was learnt about items."""

    def scores(self, profiles: sparse.csr_array) -> Scores:
        """(b, n_items) for (b, n_items) profiles; -inf means "nothing speaks for it". One row never moves another."""
        ...


@dataclass(frozen=True)
class Scored:
    """Ranks by item side x profile: `Fitted`, and `Refreshes`.

    items    what was learnt
    fading   how plays become profiles
    profiles # (users, n_items) sparse
    heard    # (users, n_items) sparse, non-zero where the listener heard the item
    """

    items: ItemSide
    fading: Fading
    profiles: sparse.csr_array
    heard: sparse.csr_array

    @classmethod
    def seeing(cls, known: History, at: float, items: ItemSide, fading: Fading) -> Self:
        """The listeners of `known`, all seen at the same moment."""
        heard = known.heard()
        return cls(items, fading, fading.profiles(heard, np.full(len(known.users), at)), heard_matrix(heard))

    def scores(self, users: NDArray[np.int32]) -> Scores:
        """(q, n_items) of listeners."""
        return self.items.scores(self.profiles[users])

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """See `Fitted.recommend`; items without a score are never recommended."""
        return recommended(self.scores, self.heard, users, n, exclude_heard, only)

    def refreshed(self, known: History, at: NDArray[np.float64]) -> Self:
        """See `Refreshes.refreshed`."""
        heard = known.heard()
        return replace(self, profiles=self.fading.profiles(heard, at), heard=heard_matrix(heard))


@dataclass(frozen=True)
class Listed(Scored):
    """A `Scored` that also `Continues` and has `Neighbours`: a playlist is a listener with equal weights.

    The neighbours of an item are what goes on after a list of it alone.
    """

    def continued(
        self, lists: Sequence[NDArray[np.int32]], n: int, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """See `Continues.continued`."""
        rows = rows_of(lists, self.heard.shape[1])
        return best(lambda part: self.items.scores(rows[part]), n, rows, only)

    def similar(self, items: NDArray[np.int32], n: int) -> NDArray[np.int32]:
        """See `Neighbours.similar`."""
        return self.continued(list(items[:, None]), n)


def best(
    score: Callable[[slice], Scores], n: int, hidden: sparse.csr_array, only: NDArray[np.bool_] | None = None
) -> NDArray[np.int32]:
    """(q, n) int32: the `top` items of q askers, scored a block at a time.

    score  # askers -> (b, n_items)
    hidden # (q, n_items) sparse, non-zero for what must not appear
    only   # (n_items,) True for what may; None for everything
    """
    count, n_items = hidden.shape
    block = block_rows(n_items)
    ranked = np.full((count, n), -1, np.int32)
    for first in range(0, count, block):
        part = slice(first, first + block)
        scores = np.array(score(part))  # a copy: a score may be one row shown many times
        scores[hidden[part].nonzero()] = -np.inf
        if only is not None:
            scores[:, ~only] = -np.inf
        ranked[part] = top(scores, n)
    return ranked


def recommended(
    scores: Callable[[NDArray[np.int32]], Scores],
    heard: sparse.csr_array,
    users: NDArray[np.int32],
    n: int,
    exclude_heard: bool,
    only: NDArray[np.bool_] | None,
) -> NDArray[np.int32]:
    """`best` for listeners: what `Fitted.recommend` gives, for scores of listeners (q,) -> (q, n_items)."""
    hidden = heard[users]
    if not exclude_heard:
        hidden = sparse.csr_array((len(users), heard.shape[1]), dtype=heard.dtype)
    return best(lambda part: scores(users[part]), n, hidden, only)


def positive(scores: Scores) -> Scores:
    """The scores with -inf for 0: what nothing speaks for is no candidate."""
    return np.where(scores > 0, scores, np.array(-np.inf, scores.dtype))


def block_rows(n_items: int) -> int:
    """How many rows of `n_items` scores to hold at once."""
    return max(1, BLOCK_CELLS // max(n_items, 1))


def top(scores: Scores, n: int) -> NDArray[np.int32]:
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
    row, column = np.nonzero((scores >= _floor(scores, m)) & (scores > -np.inf))
    sizes = np.bincount(row, minlength=rows)
    place = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    values = np.full((rows, max(int(sizes.max()), m)), np.inf, scores.dtype)
    names = np.full(values.shape, -1, np.int32)
    values[row, place], names[row, place] = -scores[row, column], column
    best = np.argsort(values, axis=1, kind="stable")[:, :m]
    ranked[:, :m] = np.take_along_axis(names, best, axis=1)
    return ranked


def _floor(scores: Scores, m: int) -> Scores:
    """(q, 1) a score that at least m of each row reach, or -inf: what lies below need not be sorted.

    The m-th highest of the maxima of 4 m groups of columns. Selecting among these takes a thirtieth of the time that
    selecting in the row does when most scores are -inf, and a fifth when none is.
    """
    columns = scores.shape[1]
    width = columns // (4 * m)
    if width < 4:
        return np.partition(scores, columns - m, axis=1)[:, columns - m, None]
    groups = scores[:, : 4 * m * width].reshape(len(scores), width, 4 * m).max(axis=1)
    return np.asarray(np.partition(groups, 3 * m, axis=1)[:, 3 * m, None])
