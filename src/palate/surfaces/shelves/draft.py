"""A shelf before it is chosen: what the request path makes of it, and what to say once it is known what is shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates, Offer, Removed, merge
from palate.core.clock import DAY_SECONDS
from palate.retrieval.filters import Filter
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.surfaces.lists import by_score
from palate.surfaces.path import Recipe, RequestPath
from palate.surfaces.screens.for_you import FOR_YOU

Evidence = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """The title of a shelf, one sentence, and the evidence that the sentence is made from."""

    title: str
    reason: str
    evidence: list[Evidence]


def says(told: Told) -> Callable[[list[int]], Told]:
    """Says the same of whatever is shown."""
    return lambda rows: told


def says_of_each(title: str, reason: str, counted: Mapping[int, Evidence]) -> Callable[[list[int]], Told]:
    """Says the same of whatever is shown, with the evidence of each row."""
    return lambda rows: Told(title, reason, [counted[row] for row in rows])


@dataclass(frozen=True)
class Draft:
    """What one maker offers.

    recipe     how it was made, and how what is shown of it is arranged; `recipe.shelf` is its name
    candidates scored, best first; more than a shelf holds
    tell       rows that are shown, in order -> what is said of them
    retrieved  # (r,) int32 all rows that were looked at
    """

    recipe: Recipe
    candidates: Candidates
    tell: Callable[[list[int]], Told]
    removed: list[Removed]
    retrieved: NDArray[np.int32]

    @property
    def name(self) -> str:
        """Of the shelf, stable."""
        return self.recipe.shelf


@dataclass(frozen=True)
class Drafting:
    """What makers of shelves read: the request, and the path that answers it.

    most    how many candidates a draft keeps at most
    recipe  whose name, filters, score and arranging the shelves have
    """

    path: RequestPath
    query: Query
    most: int
    recipe: Recipe = FOR_YOU

    @property
    def stock(self) -> Stock:
        return self.path.stock

    @cached_property
    def plays(self) -> dict[int, int]:
        """Row -> how often the listener played it to some length, of what they did."""
        record = self.query.record
        return {row: n for row, n in zip(record.items.tolist(), record.heard.tolist(), strict=True) if n > 0}

    def draft(
        self,
        name: str,
        offered: Mapping[str, int] | Candidates,
        tell: Callable[[list[int]], Told],
        filters: tuple[Filter, ...] = (),
        query: Query | None = None,
    ) -> Draft:
        """Candidates, or the quotas that retrieve them, through the path with these filters too; by score alone."""
        given = offered if isinstance(offered, Candidates) else None
        quotas = {} if isinstance(offered, Candidates) else offered
        recipe = replace(self.recipe, quotas=quotas, filters=(*self.recipe.filters, *filters), shelf=name)
        ranked = self.path.rank(replace(recipe, arrange=by_score), query or self.query, self.most, given)
        return Draft(recipe, ranked.candidates, tell, ranked.filtered, ranked.offered.items)

    def offered(self, rows: NDArray[np.int32]) -> Candidates:
        """These rows as candidates: as heard before, else as near the taste, for a stranger as popular."""
        played = np.isin(rows, self.query.record.items[self.query.record.plays > 0])
        known = self.stock.knows(self.query)
        other, near = rows[~played], self.stock.vectors[rows[~played]] @ self.query.taste
        weights = np.ones(int(played.sum()), np.float32)
        source = "near_taste" if known else "popular"
        return merge([("again", Offer.of(rows[played], weights, rows[played])), (source, Offer.of(other, near))])

    def label(self, row: int) -> str:
        """What to call an item in a sentence."""
        return self.path.labels.get(row).label

    def item_id(self, row: int) -> str:
        return str(self.path.labels.get(row).item_id)

    def listen(self, row: int) -> Evidence:
        """How often the listener played an item that they played, and how many home days ago last."""
        record = self.query.record
        place = int(np.searchsorted(record.items, row))
        days = max(self.query.now - float(record.heard_last[place]), 0.0) / DAY_SECONDS
        return {
            "type": "listen", "item_id": self.item_id(row), "plays": int(record.heard[place]),
            "days_ago": round(days, 2),
        }  # fmt: skip

    def listens(self, rows: list[int]) -> list[Evidence]:
        """The same for each row that they played."""
        return [self.listen(row) for row in rows if row in self.plays]

    def heard_by(self, codes: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(plays, decayed plays) of this listener by code; codes # (items,) int32 of artists or genres, -1 unknown."""
        record = self.query.record
        inside = record.items < len(codes)
        own = codes[record.items[inside]]
        known, size = own >= 0, int(codes.max(initial=-1)) + 1
        plays = np.bincount(own[known], record.heard[inside][known], minlength=size)
        weights = np.bincount(own[known], record.weights[inside][known], minlength=size)
        return plays.astype(np.int64), np.asarray(weights, np.float64)
