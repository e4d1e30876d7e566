"""The request path: retrieve, filter, score, arrange, explain. Every surface is a recipe that goes through it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates, Removed
from palate.core.slate import Slate
from palate.ranking.actions import ActionWeights
from palate.ranking.arrange import Arranger, ArrangeSettings, arrange
from palate.ranking.ranker import Ranker
from palate.ranking.watch import HORIZON, note_ranks
from palate.retrieval.filters import Filter, apply
from palate.retrieval.query import Query
from palate.retrieval.retrieve import retrieve
from palate.retrieval.stock import Stock
from palate.surfaces.explain import Labels, explain
from palate.surfaces.notes import counted, nothing_left

Scorer = Callable[[Candidates, Query, Stock, Ranker], NDArray[np.float32]]
Arrange = Callable[[Candidates, Query, Stock, int], tuple[Candidates, list[Removed]]]


@dataclass(frozen=True)
class Recipe:
    """What one surface asks of the path.

    quotas   how many items each retriever may offer for a slate of 100 or less; more is asked for a longer slate
    filters  what must not come back, in order
    score    candidates -> (n,) float32, higher is better
    arrange  scored candidates, n -> those that are shown, in order, and what was held back with the reason
    shelf    the name of the shelf that it fills, where `name` answers in shelves
    """

    name: str
    quotas: Mapping[str, int]
    filters: Sequence[Filter]
    score: Scorer
    arrange: Arrange = arrange
    shelf: str = ""

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
    def removed(self) -> list[Removed]:
        """All that was removed or held back, with the reason."""
        return self.filtered + self.held_back


@dataclass(frozen=True)
class RequestPath:
    """Answers queries from one stock with one ranker. Immutable: a new space makes a new path.

    knobs   how answers are arranged, where a recipe does not say
    weights by surface, what each predicted action is worth; "" for those that are not named
    """

    stock: Stock
    ranker: Ranker
    labels: Labels
    knobs: ArrangeSettings = field(default_factory=ArrangeSettings)
    weights: Mapping[str, ActionWeights] = field(default_factory=dict)

    def rank(self, recipe: Recipe, query: Query, n: int, offered: Candidates | None = None) -> Ranked:
        """The best n candidates in order; fewer when the catalogue has no more to offer.

        offered: what to choose from, where that is known without asking retrievers, such as all by one artist.
        """
        if offered is None:
            offered = retrieve(recipe.quotas_for(n + len(query.exclude)), query, self.stock)
        kept, filtered = apply(recipe.filters, offered, query, self.stock)
        scored = replace(kept, scores=recipe.score(kept, query, self.stock, self.ranker_of(recipe)))
        shown, held_back = self.arranged(recipe, scored, query, n)
        return Ranked(shown, offered, scored, filtered, held_back)

    def ranker_of(self, recipe: Recipe) -> Ranker:
        """The ranker with the weights of this surface."""
        return self.ranker.weighed(self.weights.get(recipe.name, self.weights.get("")))

    def arranged(self, recipe: Recipe, scored: Candidates, query: Query, n: int) -> tuple[Candidates, list[Removed]]:
        """The first n of scored candidates in the order shown, and what was held back."""
        way = recipe.arrange.under(self.knobs) if isinstance(recipe.arrange, Arranger) else recipe.arrange
        return way(scored, query, self.stock, n)

    def answer(self, recipe: Recipe, query: Query, n: int, user_id: str | None) -> Slate:
        """The same in words: the slate that leaves Palate."""
        ranked = self.rank(recipe, query, max(n, HORIZON))
        shown = ranked.candidates.take(np.arange(min(n, len(ranked.candidates))))
        items = explain(shown, query, self.stock, self.labels)
        stranger, removed = query.stranger and user_id is not None, counted(ranked.removed)
        slate_id = _slate_id(recipe.name, self.stock.space, user_id, query, ranked.candidates, len(items))
        note_ranks(slate_id, ranked.candidates)
        return Slate(
            slate_id=slate_id,
            surface=recipe.name,
            user_id=user_id,
            space=self.stock.space,
            taste_age_seconds=query.taste_age_seconds,
            stranger=stranger,
            items=items,
            stages={"retrieved": len(ranked.offered), "answered": len(items)},
            removed=removed,
            taste_offset=query.offset,
            note=None if items else nothing_left(len(ranked.offered), removed),
        )


def _slate_id(surface: str, space: str, user_id: str | None, query: Query, candidates: Candidates, shown: int) -> str:
    """Equal for equal answers, further pages among them, to the same listener in the same state."""
    state = f"{surface}|{space}|{user_id}|{query.record.at}|{query.seeds.tolist()}|{shown}".encode()
    return hashlib.blake2b(state + candidates.items.tobytes(), digest_size=10).hexdigest()
