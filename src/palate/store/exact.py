"""Exact nearest rows by inner product: every vector is looked at, and equal scores are settled by the row."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# From this many queries on, one matrix product for all of them beats a pass for each (docs/decisions/0003).
BATCH_QUERIES = 4
# When a smaller share of the rows is allowed, copying those out is cheaper than scoring all of them.
GATHER_SHARE = 0.3
SCORES_AT_ONCE = 1 << 24  # 64 MB of scores in one block of a batch


@dataclass(frozen=True, eq=False)
class ExactRows:
    """Some rows with their vectors, searched exhaustively. A change gives a new value; readers keep the old one.

    rows    # (m,) int32, distinct, any order
    vectors # (m, dim) float32, finite, C order
    longest # the greatest norm among the vectors, 0.0 when there is none
    """

    rows: NDArray[np.int32]
    vectors: NDArray[np.float32]
    longest: float

    @classmethod
    def of(cls, rows: NDArray[np.int32], vectors: NDArray[np.float32]) -> "ExactRows":
        """The value for these rows and vectors, which are kept and not copied."""
        longest = float(np.sqrt(np.vecdot(vectors, vectors).max())) if len(rows) else 0.0
        return cls(rows, vectors, longest)

    def __len__(self) -> int:
        return len(self.rows)

    def put(self, rows: NDArray[np.int32], vectors: NDArray[np.float32]) -> "ExactRows":
        """These rows added; a row that was there gets its new vector. Copies everything, so give many at once."""
        rest = self.without(rows)
        return ExactRows.of(np.concatenate([rest.rows, rows]), np.concatenate([rest.vectors, vectors]))

    def without(self, rows: NDArray[np.int32]) -> "ExactRows":
        """The rest, when `rows` are taken out; rows that are not here change nothing."""
        gone = np.isin(self.rows, rows)
        return ExactRows.of(self.rows[~gone], self.vectors[~gone]) if gone.any() else self

    def nearest(
        self, queries: NDArray[np.float32], n: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The n best allowed rows of each query, descending by score, equal scores ascending by row.

        queries # (q, dim) float32
        allowed # (rows,) bool by row; a row beyond its end is not allowed
        Gives (q, n) int32 rows padded with -1 and (q, n) float32 scores padded with -inf. A score depends on the two
        vectors alone: not on the batch, the threads or the other rows.
        """
        found_rows = np.full((len(queries), n), -1, np.int32)
        found_scores = np.full((len(queries), n), -np.inf, np.float32)
        rows, vectors, open_slots = self._scope(allowed)
        if not len(rows):
            return found_rows, found_scores
        step = max(1, SCORES_AT_ONCE // len(rows)) if len(queries) >= BATCH_QUERIES else 1
        for start in range(0, len(queries), step):
            block = queries[start : start + step]
            fixed = len(block) == 1
            # vecdot sums each row alike wherever it stands; a matrix product does not, so its scores only screen.
            scores = np.vecdot(vectors, block[0])[None] if fixed else block @ vectors.T
            for at, query in enumerate(block):
                slots = _contenders(scores[at], open_slots, n, 0.0 if fixed else self._margin(query))
                settled = scores[at][slots] if fixed else np.vecdot(vectors[slots], query)
                order = np.lexsort((rows[slots], -settled))[:n]
                found_rows[start + at, : len(order)] = rows[slots[order]]
                found_scores[start + at, : len(order)] = settled[order]
        return found_rows, found_scores

    def _scope(
        self, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.intp] | None]:
        """Rows and vectors to score, and the slots of those that may be answered (None: all)."""
        if allowed is None or not len(self):
            return self.rows, self.vectors, None
        missing = int(self.rows.max()) + 1 - len(allowed)
        if missing > 0:
            allowed = np.concatenate([allowed, np.zeros(missing, np.bool_)])
        slots = np.flatnonzero(allowed[self.rows])
        if len(slots) < GATHER_SHARE * len(self):
            return self.rows[slots], self.vectors.take(slots, axis=0), None
        return self.rows, self.vectors, slots

    def _margin(self, query: NDArray[np.float32]) -> float:
        """How far two float32 sums of the same product may lie apart, twice (Higham 2002, section 3.1)."""
        return 4 * len(query) * 2.0**-24 * self.longest * float(np.linalg.norm(query))


def _contenders(
    scores: NDArray[np.float32], open_slots: NDArray[np.intp] | None, n: int, margin: float
) -> NDArray[np.intp]:
    """The slots that can be among the n best when each score may be off by half of `margin`."""
    if open_slots is not None:
        scores = scores[open_slots]  # not -inf in the others' places: np.partition is 15 times slower on many equals
    if n >= len(scores):
        return np.arange(len(scores)) if open_slots is None else open_slots
    threshold = np.partition(scores, len(scores) - n)[len(scores) - n] - margin
    best = np.flatnonzero(scores >= threshold)
    return best if open_slots is None else open_slots[best]
