"""The request path with its stages kept: what every surface asked of it and what came of that, for whoever explains.

A surface is asked as always, with a path that remembers. So what is explained is what was done, and there is no second
way through the stages.
"""

from copy import copy
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates, Removed
from palate.ranking.ranker import Ranker
from palate.retrieval.query import Query
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Ranked, Recipe, RequestPath


@dataclass(frozen=True)
class Pass:
    """One way through the path: what was asked, and every stage of the answer. A surface in shelves makes several.

    given: its candidates came with the request, and no retriever was asked
    """

    recipe: Recipe
    query: Query
    n: int
    ranked: Ranked
    given: bool = False


@dataclass(frozen=True)
class Filling:
    """What a shelf shows of its draft, and what arranging it held back."""

    shelf: str
    shown: Candidates
    held_back: list[Removed]


@dataclass(frozen=True)
class WatchedPath(RequestPath):
    """A RequestPath that keeps what went through it, in `passes`, and what was arranged apart from these."""

    passes: list[Pass] = field(default_factory=list)
    fillings: list[Filling] = field(default_factory=list)

    def rank(self, recipe: Recipe, query: Query, n: int, offered: Candidates | None = None) -> Ranked:
        """The same as without being watched."""
        apart = len(self.fillings)
        ranked = super().rank(recipe, query, n, offered)
        del self.fillings[apart:]  # how a pass arranges stands in its Ranked
        self.passes.append(Pass(recipe, query, n, ranked, offered is not None))
        return ranked

    def arranged(self, recipe: Recipe, scored: Candidates, query: Query, n: int) -> tuple[Candidates, list[Removed]]:
        """The same as without being watched."""
        shown, held_back = super().arranged(recipe, scored, query, n)
        self.fillings.append(Filling(recipe.shelf, shown, held_back))
        return shown, held_back


def watched(live: LiveHome) -> tuple[LiveHome, WatchedPath]:
    """The same open home for one request, and the path that will have seen it. What is loaded is shared."""
    path = WatchedPath(live.path.stock, live.path.ranker, live.path.labels, live.path.knobs, live.path.weights)
    one = copy(live)
    vars(one)["path"] = path  # in the place where the cached property keeps it
    return one, path


class Witness(Ranker):
    """A ranker that remembers the features it was asked to score last; None when a recipe did without it."""

    def __init__(self, ranker: Ranker) -> None:
        vars(self).update(vars(ranker))
        self.seen: NDArray[np.float32] | None = None

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same as without being watched."""
        self.seen = features
        return super().score(features)
