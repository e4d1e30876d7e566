"""The request path with its stages kept: what every surface asked of it and what came of that, for whoever explains.

A surface is asked as always, with a path that remembers. So what is explained is what was done, and there is no second
way through the stages.
"""

from copy import copy
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from palate.ranking.ranker import Ranker
from palate.retrieval.query import Query
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Ranked, Recipe, RequestPath


@dataclass(frozen=True)
class Pass:
    """One way through the path: what was asked, and every stage of the answer. A surface in shelves makes several."""

    recipe: Recipe
    query: Query
    n: int
    ranked: Ranked


@dataclass(frozen=True)
class WatchedPath(RequestPath):
    """A RequestPath that keeps what went through it, in `passes`."""

    passes: list[Pass] = field(default_factory=list)

    def rank(self, recipe: Recipe, query: Query, n: int) -> Ranked:
        """The same as without being watched."""
        ranked = super().rank(recipe, query, n)
        self.passes.append(Pass(recipe, query, n, ranked))
        return ranked


def watched(live: LiveHome) -> tuple[LiveHome, list[Pass]]:
    """The same open home for one request, and where its passes will stand. What is loaded is shared."""
    path = WatchedPath(live.path.stock, live.path.ranker, live.path.labels, live.path.knobs, live.path.weights)
    one = copy(live)
    vars(one)["path"] = path  # in the place where the cached property keeps it
    return one, path.passes


class Witness(Ranker):
    """A ranker that remembers the features it was asked to score last; None when a recipe did without it."""

    def __init__(self, ranker: Ranker) -> None:
        vars(self).update(vars(ranker))
        self.seen: NDArray[np.float32] | None = None

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same as without being watched."""
        self.seen = features
        return super().score(features)
