"""Variety: the same artist not too often in a row."""

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates, Removed
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock

SAME_ARTIST = 3  # at most so many of one artist
IN_A_ROW_OF = 10  # among so many neighbouring places


def spread(candidates: Candidates, stock: Stock, n: int) -> Candidates:
    """Orders by score (ties by item row), then pushes down what would be one artist's fourth within ten places.

    Gives at most the first n. Items of unknown artist move freely. When nothing else is left the rule gives way.
    """
    order = np.lexsort((candidates.items, -candidates.scores))
    artists = stock.columns.artist[candidates.items[order]]
    if (artists < 0).all():
        return candidates.take(order[:n])
    return candidates.take(order[_spread(artists, n)])


def arrange(candidates: Candidates, query: Query, stock: Stock, n: int) -> tuple[Candidates, list[Removed]]:
    """The first n in the order shown, and what was held back with the reason: what a Recipe does after scoring."""
    return spread(candidates, stock, n), []


def _spread(artists: NDArray[np.int32], n: int) -> NDArray[np.intp]:
    """Positions in the order shown; greedy, O(n x waiting)."""
    waiting = list(range(len(artists)))
    shown: list[int] = []
    while waiting and len(shown) < n:
        recent = [artists[i] for i in shown[-(IN_A_ROW_OF - 1) :]]
        chosen = next(
            (at for at, i in enumerate(waiting) if artists[i] < 0 or recent.count(artists[i]) < SAME_ARTIST), 0
        )
        shown.append(waiting.pop(chosen))
    return np.array(shown, np.intp)
