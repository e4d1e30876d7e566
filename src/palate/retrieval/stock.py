"""What is known of the items at one moment: the same for a live request, a batch and a training example in the past."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns
from palate.core.clock import DAY_SECONDS
from palate.embeddings.company import Company
from palate.embeddings.fold_in import FoldIn
from palate.retrieval.crowds import Crowds
from palate.retrieval.query import Query
from palate.retrieval.trends import Trends
from palate.store.index import VectorIndex

LEAST_RISING = 5  # plays in the week
NEWEST = 10_000  # of what is new, how many are looked at: of a million items a twelfth may be new, 20 ms a request
NEW_DAYS = 60.0  # released, or first heard by anybody, within the last two months


@dataclass(frozen=True)
class Stock:
    """Everything that a retriever, a filter or a feature may read of the items; rows are catalogue rows.

    space    label of the vectors, e.g. "taste@7"
    vectors  # (items, dim) float32, what a taste is multiplied with; the last coordinate is popularity
    listened # (items, dim) float32, what a listener's record sums (embeddings/student.py)
    stranger # (dim,) float32, the taste of one of whom nothing is known, if it was taught (embeddings/start.py)
    fold_in  a factorization to solve against, for the ranker; None in spaces that were made before there was one
    crowds   what countries and circles of listeners hear; None in spaces of before 0.3
    """

    space: str
    columns: ItemColumns
    vectors: NDArray[np.float32]
    listened: NDArray[np.float32]
    index: VectorIndex
    company: Company
    trends: Trends
    stranger: NDArray[np.float32] | None = None
    fold_in: FoldIn | None = None
    crowds: Crowds | None = None

    def knows(self, query: Query) -> bool:
        """Whether the taste says anything of this listener in particular: by what was heard, or by what was told."""
        return not query.stranger or (self.stranger is not None and not np.allclose(query.taste, self.stranger))

    @property
    def n_items(self) -> int:
        return len(self.vectors)

    @cached_property
    def highest_popularity(self) -> float:
        """The last coordinate of what is heard most now; 0 for an empty catalogue."""
        return float(self.vectors[:, -1].max(initial=0.0))

    @cached_property
    def directions(self) -> NDArray[np.float32]:
        """(items, dim - 1) float32, unit norm or zeros: the factors without popularity, for "how alike are these"."""
        factors = np.array(self.vectors[:, :-1], np.float32)
        length = np.linalg.norm(factors, axis=1, keepdims=True)
        np.divide(factors, length, out=factors, where=length > 0)
        return factors

    @cached_property
    def lengths(self) -> NDArray[np.float32]:
        """(items,) float32, those of the factors without popularity; 1 for zeros, so that one may divide by them."""
        length = np.sqrt(np.einsum("ij,ij->i", self.vectors[:, :-1], self.vectors[:, :-1]))
        return np.where(length > 0, length, 1.0).astype(np.float32)

    def direction_of(self, taste: NDArray[np.float32]) -> NDArray[np.float32]:
        """(dim - 1,) unit norm or zeros: a taste # (dim,) to compare with `directions`.

        Without popularity, and without what only tastes have, their habits: those would shorten every cosine.
        """
        factors: NDArray[np.float32] = np.where(self._told, taste[:-1], 0.0).astype(np.float32)
        length = float(np.linalg.norm(factors))
        if length > 0.0:
            factors /= length
        return factors

    @cached_property
    def _told(self) -> NDArray[np.bool_]:
        """(dim - 1,) the coordinates in which any item has something."""
        return np.asarray(self.vectors[:, :-1].any(axis=0), np.bool_)

    @cached_property
    def plays(self) -> NDArray[np.float32]:
        """(items, 4) float32: log(1 + plays by everybody) in the week, in the month, ever; week - month + log 4."""
        week, month, ever = (np.log1p(n) for n in (self.trends.week, self.trends.month, self.trends.ever))
        return np.column_stack([week, month, ever, week - month + np.log(4.0)]).astype(np.float32)

    @cached_property
    def popular(self) -> NDArray[np.int32]:
        """Rows by plays in the last week, then month, then ever, descending; ties by row.

        Only what was ever heard and can be played: a stranger's answer must not shrink with each hit that is withdrawn.
        """
        order = np.lexsort((np.arange(self.n_items), -self.trends.ever, -self.trends.month, -self.trends.week))
        return order[(self.trends.ever[order] > 0) & self.columns.available[order]].astype(np.int32)

    @cached_property
    def rise(self) -> NDArray[np.float32]:
        """(items,) float32, plays of the last week against those of a usual week of the month: 1 is as usual."""
        return np.asarray((self.trends.week + 1.0) / (self.trends.month / 4.0 + 1.0), np.float32)

    @cached_property
    def rising(self) -> NDArray[np.int32]:
        """Rows heard at least LEAST_RISING times this week and more than usual, by `rise` descending; ties by row."""
        rows = np.flatnonzero((self.trends.week >= LEAST_RISING) & (self.rise > 1.0) & self.columns.available)
        return rows[np.lexsort((rows, -self.rise[rows]))].astype(np.int32)

    @cached_property
    def playable(self) -> NDArray[np.bool_]:
        """(items,) bool, what can be played; not to be written to, so that the index prepares it as a filter once."""
        mask = self.columns.available.copy()
        mask.setflags(write=False)
        return mask

    @cached_property
    def new_vectors(self) -> NDArray[np.float32]:
        """(new, dim) float32, the vectors of `new` side by side: rows far apart take ten times as long to read."""
        return self.vectors[self.new]

    @cached_property
    def new(self) -> NDArray[np.int32]:
        """Rows released or first heard within NEW_DAYS before the moment, and those nobody has heard yet; ascending.

        The NEWEST of them: by release or first listen, whichever is later, those of which neither is known last.
        """
        cutoff = float(self.trends.moment) - NEW_DAYS * DAY_SECONDS
        with np.errstate(invalid="ignore"):
            released = self.columns.released >= cutoff
        first = self.trends.first_heard
        fresh: NDArray[np.bool_] = released | (first >= cutoff)
        rows = np.flatnonzero(fresh & self.columns.available)
        if len(rows) > NEWEST:
            known = [np.where(np.isfinite(one[rows]), one[rows], -np.inf) for one in (self.columns.released, first)]
            rows = np.sort(rows[np.argsort(-np.maximum(*known), kind="stable")[:NEWEST]])
        return rows.astype(np.int32)
