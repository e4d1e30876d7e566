"""The strongest stack there is of many-parameter methods: what vectors give up is what this has more.

What the listener plays already + EASE + iALS + what is popular. Weights of an independent measurement, where own .8 +
the rest won *next* and the rest alone *discover*; with heard items masked, own plays say nothing, so one blend is both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines import Ease, IAls, OwnHistory
from palate.evaluation.baselines.popular import item_plays
from palate.evaluation.baselines.scored import Scored, Scores, recommended
from palate.evaluation.method import Method
from palate.listening.history import History


@dataclass(frozen=True)
class Blend:
    """own_weight x own-history + (1 - own_weight) x the mix of EASE, iALS and popularity, each over its maximum.

    The three weights are over each part's highest score for the listener; `days` is how far back popularity counts.
    """

    ease: Ease = field(default_factory=Ease)
    ials: IAls = field(default_factory=IAls)
    own_weight: float = 0.8
    ease_weight: float = 0.65
    ials_weight: float = 0.35
    popular_weight: float = 0.2
    days: float = 7.0
    everywhere: bool = False
    kind: str = "baseline"

    @property
    def name(self) -> str:
        return "own+ease+ials+popular"

    def seeded(self, seed: int) -> "Blend":
        """See `Seeded.seeded`; only iALS has a seed."""
        return replace(self, ials=self.ials.seeded(seed))

    def fit(self, known: Inputs, at: float) -> "Blended":
        ease, ials = self.ease.fit(known, at), self.ials.fit(known, at)
        popular = item_plays(known.history.between(at - self.days * DAY_SECONDS, at))
        return Blended(self, OwnHistory().fit(known, at), ease, ials, popular)


@dataclass(frozen=True)
class Blended:
    """The fitted parts: `Fitted` and `Refreshes`. `popular` # (n_items,) plays, those of training."""

    weights: Blend
    own: Scored
    ease: Scored
    ials: Scored
    popular: NDArray[np.float64]

    def scores(self, users: NDArray[np.int32]) -> Scores:
        """(q, n_items); -inf where nothing speaks for the item."""
        weights, own = self.weights, self.own.profiles[users].toarray()
        ease, ials = self.ease.scores(users), self.ials.scores(users)
        mixed = weights.ease_weight * share(ease) + weights.ials_weight * share(ials)
        mixed += weights.popular_weight * share(self.popular[None, :])
        there = (own > 0) | (ease > -np.inf) | (ials > -np.inf) | (self.popular > 0)
        blended = weights.own_weight * share(own) + (1.0 - weights.own_weight) * share(mixed)
        return np.where(there, blended, -np.inf)

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """See `Fitted.recommend`."""
        return recommended(self.scores, self.own.heard, users, n, exclude_heard, only)

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "Blended":
        """See `Refreshes.refreshed`; what is popular stays."""
        own, ease, ials = (part.refreshed(known, at) for part in (self.own, self.ease, self.ials))
        return replace(self, own=own, ease=ease, ials=ials)


def share(scores: Scores) -> NDArray[np.float64]:
    """The scores of each row over their maximum; 0 where nothing speaks for the item."""
    finite = np.where(scores > -np.inf, scores, 0.0).astype(np.float64)
    largest = finite.max(axis=1, initial=0.0, keepdims=True)
    return finite / np.where(largest > 0, largest, 1.0)


def methods(inputs: Inputs) -> Sequence[Method]:
    """What `palate eval run --method` judges."""
    return [Blend()]
