"""What the listener plays already, mixed with what a model finds: among the strongest there is, and nearly free."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.history import OwnHistory
from palate.evaluation.baselines.scored import Scored, Scores, recommended
from palate.evaluation.method import Method
from palate.listening.history import History


@dataclass(frozen=True)
class OwnPlus:
    """own_weight x own-history + (1 - own_weight) x a model, each divided by the listener's highest score.

    Of own-history the faded plays count, not what fills its lists; `model` is any baseline that scores.
    """

    model: Method
    own_weight: float = 0.9

    @property
    def name(self) -> str:
        return f"own+{self.model.name}"

    def fit(self, known: Inputs, at: float) -> "Blended":
        model = self.model.fit(known, at)
        if not isinstance(model, Scored):
            raise BadInput(
                f"{self.model.name} gives lists without scores and cannot be blended; choose another baseline"
            )
        return Blended(OwnHistory().fit(known, at), model, self.own_weight)


@dataclass(frozen=True)
class Blended:
    """Two fitted baselines of the same listeners: `Fitted` and `Refreshes`."""

    own: Scored
    model: Scored
    own_weight: float

    def scores(self, users: NDArray[np.int32]) -> Scores:
        """(q, n_items); -inf where neither speaks for the item."""
        own, model = self.own.profiles[users].toarray(), self.model.scores(users)
        mixed = self.own_weight * _share(own) + (1.0 - self.own_weight) * _share(model)
        return np.where((own > 0) | (model > -np.inf), mixed, -np.inf)

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """See `Fitted.recommend`."""
        return recommended(self.scores, self.own.heard, users, n, exclude_heard, only)

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "Blended":
        """See `Refreshes.refreshed`."""
        return replace(self, own=self.own.refreshed(known, at), model=self.model.refreshed(known, at))


def _share(scores: Scores) -> NDArray[np.float64]:
    """The scores of each row over their maximum; 0 where nothing speaks for the item."""
    finite = np.where(scores > -np.inf, scores, 0.0).astype(np.float64)
    largest = finite.max(axis=1, initial=0.0, keepdims=True)
    return finite / np.where(largest > 0, largest, 1.0)
