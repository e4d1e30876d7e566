"""The request path: retrieve, filter, score, arrange, explain. Every surface is a recipe that goes through it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates, Removed
from palate.core.slate import Slate
from palate.ranking.ranker import Ranker
from palate.ranking.variety import arrange
from palate.retrieval.filters import Filter, apply
from palate.retrieval.query import Query
from palate.retrieval.retrieve import retrieve
from palate.retrieval.stock import Stock
from palate.surfaces.explain import Labels, explain

Scorer = Callable[[Candidates, Query, Stock, Ranker], NDArray[np.float32]]
Arrange = Callable[[Candidates, Query, Stock, int], tuple[Candidates, list[Removed]]]


@dataclass(frozen=True)
class Recipe:
    """What one surface asks of the path.

    quotas   how many items each retriever may offer for a slate of 100 or less; more is asked for a longer slate
    filters  what must not come back, in order
    score    candidates -> (n,) float32, higher is better
    arrange  scored candidates, n -> those that are shown, in order, and what was held back with the reason
    """

    name: str
    quotas: Mapping[str, int]
    filters: Sequence[Filter]
    score: Scorer
    arrange: Arrange = arrange

    def quotas_for(self, n: int) -> dict[str, int]:
        """Enough of everything that n items are left after filtering."""
        return {name: quota * max(1, -(-n // 100)) for name, quota in self.quotas.items()}


@dataclass(frozen=True)
class Ranked:
    """An answer before it is put into words, with every stage on the way there; nothing is copied for that.

    candidates what is shown, in order
    offered    what came from the retrievers
    scored     what the filters kept, scored, in the order in which it was offered
    filtered   what each filter removed; it names the filter
    held_back  what arranging held back, with the reason
    """

    candidates: Candidates
    offered: Candidates
    scored: Candidates
    filtered: list[Removed]
    held_back: list[Removed]

    @property
    def retrieved(self) -> int:
        """How many candidates were offered."""
        return len(self.offered)

    @property
    def removed(self) -> list[Removed]:
        """All that was removed or held back, with the reason."""
        return self.filtered + self.held_back


@dataclass(frozen=True)
class RequestPath:
    """Answers queries from one stock with one ranker. Immutable: a new space makes a new path."""

    stock: Stock
    ranker: Ranker
    labels: Labels

    def rank(self, recipe: Recipe, query: Query, n: int) -> Ranked:
        """The best n candidates in order; fewer when the catalogue has no more to offer."""
        offered = retrieve(recipe.quotas_for(n + len(query.exclude)), query, self.stock)
        kept, filtered = apply(recipe.filters, offered, query, self.stock)
        scored = replace(kept, scores=recipe.score(kept, query, self.stock, self.ranker))
        shown, held_back = recipe.arrange(scored, query, self.stock, n)
        return Ranked(shown, offered, scored, filtered, held_back)

    def answer(self, recipe: Recipe, query: Query, n: int, user_id: str | None) -> Slate:
        """The same in words: the slate that leaves Palate."""
        ranked = self.rank(recipe, query, n)
        items = explain(ranked.candidates, query, self.stock, self.labels)
        stranger = query.stranger and user_id is not None
        return Slate(
            slate_id=_slate_id(recipe.name, self.stock.space, user_id, query, ranked.candidates),
            surface=recipe.name,
            user_id=user_id,
            space=self.stock.space,
            taste_age_seconds=query.taste_age_seconds,
            stranger=stranger,
            items=items,
            stages={"retrieved": ranked.retrieved, "answered": len(items)},
            removed={one.reason: len(one.items) for one in ranked.removed},
            taste_offset=query.offset,
        )


def _slate_id(surface: str, space: str, user_id: str | None, query: Query, candidates: Candidates) -> str:
    """Equal for equal answers to the same listener in the same state."""
    state = f"{surface}|{space}|{user_id}|{query.record.at}|{query.seeds.tolist()}".encode()
    return hashlib.blake2b(state + candidates.items.tobytes(), digest_size=10).hexdigest()
