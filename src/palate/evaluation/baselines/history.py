"""What this listener plays already: hard to beat in music, where people return to the same songs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from palate.core.clock import DAY_SECONDS
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.popular import item_plays
from palate.evaluation.baselines.profiles import Fading
from palate.evaluation.baselines.scored import Scored, Scores


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

    def fit(self, known: Inputs, at: float) -> Scored:
        plays = item_plays(known.history.between(at - self.fill_days * DAY_SECONDS, at))
        # -1 / plays orders as plays do and stays below every listener's own items
        filling = np.where(plays > 0, -1.0 / np.maximum(plays, 1.0), -np.inf)
        return Scored.seeing(known.history, at, Filled(filling), Fading(self.half_life_days, every_play=True))


@dataclass(frozen=True)
class Filled:
    """A profile as it is, and below it what fills the list: `filling` (n_items,) is negative."""

    filling: NDArray[np.float64]

    def scores(self, profiles: sparse.csr_array) -> Scores:
        own = profiles.toarray()
        return np.where(own > 0, own, self.filling)
