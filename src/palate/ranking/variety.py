"""Variety: not one artist again and again, and not the same kind of thing either."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.retrieval.stock import Stock

SAME_ARTIST = 3  # at most so many of one artist
IN_A_ROW_OF = 10  # among so many neighbouring places
LOOKAHEAD = 32  # candidates beyond the places to fill that are looked at from the start


def spread(candidates: Candidates, stock: Stock, n: int) -> Candidates:
    """Orders by score (ties by item row), then pushes down what would be one artist's fourth within ten places.

    Gives at most the first n. Items of unknown artist move freely. When nothing else is left the rule gives way.
    """
    order = np.lexsort((candidates.items, -candidates.scores))
    wishes = -np.arange(len(order), dtype=np.float32)
    shown, _ = in_turn(wishes, candidates.items[order], stock, n)
    return candidates.take(order[shown])


def in_turn(
    wishes: NDArray[np.float32], items: NDArray[np.int32], stock: Stock, n: int,
    diversity: float = 0.0, same_artist: int = SAME_ARTIST, in_a_row_of: int = IN_A_ROW_OF,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:  # fmt: skip
    """Positions in the order shown, at most n; and those that an artist's turn held back and that are not shown.

    wishes # (m,) float32 descending; items # (m,) int32 catalogue rows beside them. Each place takes the highest of
    wish - diversity x the largest cosine to anything shown before: maximal marginal relevance (Carbonell and Goldstein,
    SIGIR 1998). An artist who has `same_artist` of the last `in_a_row_of` - 1 places waits, unless nobody else is left.
    Unknown artists never wait. A shorter answer is the beginning of a longer one.
    """
    artists = stock.columns.artist[items]
    directions, by_place = stock.directions[items] if diversity else None, artists.tolist()
    field = _Field(wishes, directions, diversity, n + LOOKAHEAD)
    shown, held, turns = list[int](), set[int](), Counter[int]()
    for _ in range(min(n, len(items))):
        best = field.best()
        if turns[by_place[best]] >= same_artist:
            waits = [artist for artist, times in turns.items() if times >= same_artist]
            held.add(best)
            best = field.best(~np.isin(artists, waits))
        shown.append(best)
        field.show(best)
        turns[by_place[best]] += by_place[best] >= 0
        if len(shown) >= in_a_row_of:
            turns[by_place[shown[-in_a_row_of]]] -= by_place[shown[-in_a_row_of]] >= 0
    return np.array(shown, np.intp), np.array(sorted(held.difference(shown)), np.intp)


class _Field:
    """What each candidate would gain a list, worked out as far down the wishes as it could matter."""

    def __init__(
        self, wishes: NDArray[np.float32], directions: NDArray[np.float32] | None, diversity: float, reach: int
    ) -> None:
        self._wishes, self._directions, self._diversity = wishes, directions, np.float32(diversity)
        self._shown = list[int]()
        self._gain = self._nearest = np.zeros(0, np.float32)
        self._extend(reach)

    def best(self, free: NDArray[np.bool_] | None = None) -> int:
        """The place with the highest gain, the first of equals; among the `free`, unless none of these is left."""
        while True:
            gain = self._gain if free is None else np.where(free[: len(self._gain)], self._gain, -np.inf)
            best, reach = int(gain.argmax()), len(gain)
            if reach == len(self._wishes):
                return best if gain[best] > -np.inf else int(self._gain.argmax())
            if gain[best] >= self._wishes[reach]:
                return best
            self._extend(2 * reach)

    def show(self, place: int) -> None:
        """Takes a candidate out, and from the others what they gain less beside it."""
        self._shown.append(place)
        if self._directions is not None:
            alike = self._directions[: len(self._gain)] @ self._directions[place]
            nearest = np.maximum(self._nearest, alike)
            self._gain -= self._diversity * (nearest - self._nearest)
            self._nearest = nearest
        self._gain[place] = -np.inf

    def _extend(self, reach: int) -> None:
        """More candidates, level with what is shown; who is further down gains less than the best of them."""
        before = len(self._gain)
        gain = self._wishes[before:reach].copy()
        nearest = np.zeros(len(gain), np.float32)
        if self._directions is not None and self._shown:
            shown = self._directions[self._shown]
            nearest = np.maximum(nearest, (self._directions[before:reach] @ shown.T).max(axis=1))
            gain -= self._diversity * nearest
        self._gain, self._nearest = np.append(self._gain, gain), np.append(self._nearest, nearest)
