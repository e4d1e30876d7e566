"""Candidates: items that might be the answer, each with who offered it, how strongly and because of what.

Held in columns, since a request handles a few hundred of them in about a millisecond. Nothing vanishes: a filter gives
back what it kept and what it removed, with the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Offer:
    """What one retriever offers, best first, each item once.

    items   # (n,) int32 catalogue rows
    scores  # (n,) float32, higher is better, comparable within this offer only
    because # (n,) int32 catalogue row of the item that led here (a listen, a seed), -1 for none
    """

    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    because: NDArray[np.int32]

    @classmethod
    def of(
        cls, items: NDArray[np.int32], scores: NDArray[np.float32], because: NDArray[np.int32] | None = None
    ) -> "Offer":
        """An offer whose evidence may be left out."""
        return cls(items, scores, np.full(len(items), -1, np.int32) if because is None else because)

    @classmethod
    def none(cls) -> "Offer":
        """No items."""
        return cls(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.int32))


@dataclass(frozen=True)
class Candidates:
    """The merged offers. Every item stands once; a retriever that did not offer it has NaN there.

    items   # (n,) int32 catalogue rows
    sources # names of the retrievers, most telling first; the columns of `offered` and `because`
    offered # (n, sources) float32 scores, NaN where not offered
    because # (n, sources) int32 catalogue rows, -1 for none
    scores  # (n,) float32 the ranker's score, NaN before ranking
    """

    items: NDArray[np.int32]
    sources: tuple[str, ...]
    offered: NDArray[np.float32]
    because: NDArray[np.int32]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.items)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Candidates":
        """Those at `rows` (a mask or positions), in that order."""
        return Candidates(self.items[rows], self.sources, self.offered[rows], self.because[rows], self.scores[rows])

    def source(self, row: int) -> str:
        """The most telling retriever that offered the item at `row`."""
        return self.sources[int(np.argmax(~np.isnan(self.offered[row])))]


@dataclass(frozen=True)
class Removed:
    """What a filter took out. items # (n,) int32; one reason for all of them; the filter's name where one did it."""

    items: NDArray[np.int32]
    reason: str
    by: str = ""


def merge(offers: Sequence[tuple[str, Offer]]) -> Candidates:
    """One row per distinct item, in order of first appearance; the order of `offers` says who is most telling."""
    items = np.concatenate([np.zeros(0, np.int32), *(offer.items for _, offer in offers)])
    distinct, first, inverse = np.unique(items, return_index=True, return_inverse=True)
    place = np.empty(len(distinct), np.intp)
    place[np.argsort(first, kind="stable")] = np.arange(len(distinct))
    offered = np.full((len(distinct), len(offers)), np.nan, np.float32)
    because = np.full((len(distinct), len(offers)), -1, np.int32)
    start = 0
    for column, (_, offer) in enumerate(offers):
        rows = place[inverse[start : start + len(offer.items)]]
        offered[rows, column] = offer.scores
        because[rows, column] = offer.because
        start += len(offer.items)
    merged = np.empty(len(distinct), np.int32)
    merged[place] = distinct
    return Candidates(
        merged, tuple(name for name, _ in offers), offered, because, np.full(len(merged), np.nan, np.float32)
    )
