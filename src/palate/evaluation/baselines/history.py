"""What this listener plays already: hard to beat in music, where people return to the same songs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.evaluation.baselines.popular import item_plays
from palate.evaluation.baselines.scored import Scored, heard_matrix, play_matrix
from palate.listening.history import History


@dataclass(frozen=True)
class OwnHistory:
    """The listener's own items by their plays, each worth half as much every `half_life_days`; then what is popular.

    A list that would end early goes on with the plays of everybody in the last `fill_days`. With heard items excluded
    only that part is left.
    """

    half_life_days: float = 14.0
    fill_days: float = 7.0

    @property
    def name(self) -> str:
        return "own-history"

    def fit(self, train: History, at: float) -> Scored:
        heard = train.heard()
        # float64: in float32 a play fades to exactly 0, and so out of the list, after six years
        faded = play_matrix(heard, 0.5 ** ((at - heard.timestamp) / (self.half_life_days * DAY_SECONDS)))
        # -1 / plays orders as plays do and stays below every listener's own items
        plays = item_plays(train.between(at - self.fill_days * DAY_SECONDS, at))
        filling = np.where(plays > 0, -1.0 / np.maximum(plays, 1.0), -np.inf)

        def score(users: NDArray[np.int32]) -> NDArray[np.float64]:
            own = faded[users].toarray()
            return np.where(own > 0, own, filling)

        return Scored(score, heard_matrix(heard))
