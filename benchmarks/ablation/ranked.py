"""From vectors to lists: what the judge asks of a fitted variant."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ablation.half_lives import DEFAULT, halving
from palate.embeddings.bulk import build_records
from palate.embeddings.foundation import Foundation
from palate.embeddings.records import UserRecord
from palate.evaluation.baselines.profiles import heard_matrix
from palate.evaluation.baselines.scored import Scores, recommended
from palate.listening.history import History

# What was heard and all else that happened, who is asked (q,) -> scores (q, n_items).
Score = Callable[[History, NDArray[np.int32]], Scores]


@dataclass(frozen=True)
class Ranked:
    """A fitted variant: `Fitted` and `Refreshes`.

    score    may not change what it is given
    rankable # (n_items,) bool, what may be listed
    history  everything that is known, skips too
    heard    # (users, n_items) sparse, non-zero where the listener heard the item
    told     what the training has to say of itself, for the table
    """

    score: Score
    rankable: NDArray[np.bool_]
    history: History
    heard: sparse.csr_array
    told: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def seeing(
        cls, score: Score, rankable: NDArray[np.bool_], known: History, told: dict[str, Any] | None = None
    ) -> "Ranked":
        """All listeners of `known`."""
        return cls(score, rankable, known, heard_matrix(known.heard()), told or {})

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """See `Fitted.recommend`."""
        allowed = self.rankable if only is None else self.rankable & only
        return recommended(lambda asked: self.score(self.history, asked), self.heard, users, n, exclude_heard, allowed)

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "Ranked":
        """See `Refreshes.refreshed`; a record is seen from its own latest event, so `at` changes nothing."""
        return replace(self, history=known, heard=heard_matrix(known.heard()))


def records_of(
    history: History, users: NDArray[np.int32], listened: NDArray[np.float32], kinds: NDArray[np.uint8]
) -> list[UserRecord]:
    """One record for each of `users` (q,), in their order; empty ones for who did nothing."""
    wanted = np.zeros(len(history.users), np.bool_)
    wanted[users] = True
    found = dict(build_records(history.take(wanted[history.user]), listened, kinds, np.unique(users)))
    empty = UserRecord.empty(listened.shape[1])
    return [found.get(user, empty) for user in users.tolist()]


def by_taste(
    foundation: Foundation, kinds: NDArray[np.uint8], half_lives_days: tuple[float, ...] = DEFAULT
) -> Score:  # fmt: skip
    """One vector a listener, as production makes it, and a dot product."""

    def score(history: History, users: NDArray[np.int32]) -> Scores:
        with halving(half_lives_days):
            records = records_of(history, users, foundation.listened, kinds)
            tastes = foundation.encoder.encode(records)
        return np.asarray(tastes @ foundation.vectors.T)

    return score
