"""Who is like whom: four ways for two rows to be alike, each a dense block of yes and no.

`among(rows, others)` gives (len(rows), len(others)) bool. Whoever asks takes few enough rows at a time. Both are rows
that are `known`; a row is like itself, and the asker leaves that out.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from palate.evaluation.baselines.scored import top

Rows = NDArray[np.integer[Any]]


class Alike(Protocol):
    """What one heuristic says about every row."""

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n,) True for rows of which it can be said at all."""
        ...

    def among(self, rows: Rows, others: Rows) -> NDArray[np.bool_]:
        """(rows, others) True where the two are alike."""
        ...


@dataclass(frozen=True)
class Labels:
    """Alike when the label is the same. codes # (n,) int, -1 unknown."""

    codes: Rows

    @property
    def known(self) -> NDArray[np.bool_]:
        return np.asarray(self.codes >= 0, np.bool_)

    def among(self, rows: Rows, others: Rows) -> NDArray[np.bool_]:
        return np.asarray(self.codes[rows, None] == self.codes[None, others], np.bool_)


@dataclass(frozen=True)
class Sets:
    """Alike when they have at least one member in common. members # (n, m) sparse, ones."""

    members: sparse.csr_array

    @property
    def known(self) -> NDArray[np.bool_]:
        return np.asarray(np.diff(self.members.indptr) > 0, np.bool_)

    def among(self, rows: Rows, others: Rows) -> NDArray[np.bool_]:
        return np.asarray(_common(self.members, rows, others) > 0, np.bool_)


@dataclass(frozen=True)
class Within:
    """Alike when their numbers differ by at most `distance`. values # (n,) float, NaN unknown."""

    values: NDArray[np.floating[Any]]
    distance: float

    @property
    def known(self) -> NDArray[np.bool_]:
        return np.asarray(np.isfinite(self.values), np.bool_)

    def among(self, rows: Rows, others: Rows) -> NDArray[np.bool_]:
        return np.asarray(np.abs(self.values[rows, None] - self.values[None, others]) <= self.distance, np.bool_)


@dataclass(frozen=True)
class Closest:
    """Alike when the other is one of the `nearest` by Jaccard (shared members over members of either).

    members # (n, m) sparse, ones. Who shares nothing is not near; ties go to the smaller row; the row itself is not
    counted. So this one looks from the row to the others: it need not hold the other way round.
    """

    members: sparse.csr_array
    nearest: int

    @property
    def known(self) -> NDArray[np.bool_]:
        return np.asarray(np.diff(self.members.indptr) > 0, np.bool_)

    def among(self, rows: Rows, others: Rows) -> NDArray[np.bool_]:
        size = np.diff(self.members.indptr)
        common = _common(self.members, rows, others)
        jaccard = common / np.maximum(size[rows, None] + size[None, others] - common, 1.0)
        jaccard[(rows[:, None] == others[None, :]) | (common == 0)] = -np.inf
        best = top(jaccard, self.nearest)
        alike = np.zeros(jaccard.shape, np.bool_)
        row, place = np.nonzero(best >= 0)
        alike[row, best[row, place]] = True
        return alike


def members(row: Rows, member: Rows, shape: tuple[int, int]) -> sparse.csr_array:
    """(n, m) ones where `row` has `member`; both (p,), a pair may come more than once."""
    held = sparse.csr_array(sparse.coo_array((np.ones(len(row), np.float32), (row, member)), shape=shape))
    held.data[:] = 1.0
    return held


def _common(held: sparse.csr_array, rows: Rows, others: Rows) -> NDArray[np.float32]:
    """(rows, others) how many members each two share."""
    return np.asarray((held[rows] @ held[others].T).toarray(), np.float32)
