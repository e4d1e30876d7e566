"""What everybody plays, the same list for each listener: who does not beat it has learned nobody's taste."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.evaluation.baselines.scored import Scored, heard_matrix, positive
from palate.listening.history import History


@dataclass(frozen=True)
class PopularAll:
    """Items by their plays in the whole log."""

    @property
    def name(self) -> str:
        return "popular-all"

    def fit(self, train: History, at: float) -> Scored:
        return _ranked_by(item_plays(train), train)


@dataclass(frozen=True)
class PopularRecent:
    """Items by their plays in the last `days` before the moment: on a log with new releases the stronger of the two."""

    days: float = 7.0

    @property
    def name(self) -> str:
        return f"popular-{self.days:g}d"

    def fit(self, train: History, at: float) -> Scored:
        return _ranked_by(item_plays(train.between(at - self.days * DAY_SECONDS, at)), train)


def item_plays(history: History) -> NDArray[np.float64]:
    """(n_items,) how often each item was heard."""
    return np.bincount(history.heard().item, minlength=history.n_items).astype(np.float64)


def _ranked_by(plays: NDArray[np.float64], train: History) -> Scored:
    scores = positive(plays)
    return Scored(lambda users: np.broadcast_to(scores, (len(users), len(scores))), heard_matrix(train.heard()))
