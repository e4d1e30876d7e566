"""Variety: not one artist again and again, and not the same kind of thing either."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.retrieval.stock import Stock

SAME_ARTIST = 3  # at most so many of one artist
IN_A_ROW_OF = 10  # among so many neighbouring places
LOOKAHEAD = 32  # candidates beyond the places to fill that are looked at from the start
AT_ONCE = (
    512  # so many candidates are compared with each other in one product, of 1 MB; of more each is when it is shown
)


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
    free = np.ones(len(items), np.bool_)  # who need not wait
    for _ in range(min(n, len(items))):
        best = field.best()
        if not free[best]:
            held.add(best)
            best = field.best(free)
        shown.append(best)
        field.show(best)
        leaving = by_place[shown[-in_a_row_of]] if len(shown) >= in_a_row_of else -1
        for artist, change in ((by_place[best], 1), (leaving, -1)):
            if artist >= 0:
                waited = turns[artist] >= same_artist
                turns[artist] += change
                if (turns[artist] >= same_artist) != waited:
                    free[artists == artist] = waited
    return np.array(shown, np.intp), np.array(sorted(held.difference(shown)), np.intp)


class _Field:
    """What each candidate would gain a list, worked out as far down the wishes as it could matter."""

    def __init__(
        self, wishes: NDArray[np.float32], directions: NDArray[np.float32] | None, diversity: float, reach: int
    ) -> None:
        self._wishes, self._shown = wishes.copy(), list[int]()  # of who is shown, no wish is left
        self._directions, self._diversity = directions, np.float32(diversity)
        self._extend(reach)

    def best(self, free: NDArray[np.bool_] | None = None) -> int:
        """The place with the highest gain, the first of equals; among the `free`, unless none of these is left."""
        while True:
            gain = self._gain if free is None else np.where(free[: self._reach], self._gain, -np.inf)
            best = int(gain.argmax())
            if self._reach == len(self._wishes):
                return best if gain[best] > -np.inf else int(self._gain.argmax())
            if gain[best] >= self._next:
                return best
            self._extend(2 * self._reach)

    def show(self, place: int) -> None:
        """Takes a candidate out, and from the others what they gain less beside it."""
        self._shown.append(place)
        self._wishes[place] = self._gain[place] = -np.inf
        if self._directions is not None:
            alike = self._table[place] if len(self._table) else self._alike(self._directions[[place]])[:, 0]
            np.maximum(self._less, alike, out=self._less)
            np.subtract(self._near_wishes, self._less, out=self._gain)

    def _extend(self, reach: int) -> None:
        """More candidates, level with what is shown; who is further down gains less than the best of them."""
        self._near_wishes = self._wishes[:reach]
        self._reach, self._gain = len(self._near_wishes), self._near_wishes.copy()
        self._next = float(self._wishes[reach]) if reach < len(self._wishes) else -np.inf
        self._less, self._table = np.zeros(self._reach, np.float32), np.zeros((0, 0), np.float32)
        if self._directions is not None:
            self._near_directions = self._directions[: self._reach]
            if self._reach <= AT_ONCE:
                self._table = self._alike(self._directions[: self._reach])
            if self._shown:
                self._less = np.maximum(self._alike(self._directions[self._shown]).max(axis=1), 0.0)
                self._gain -= self._less

    def _alike(self, shown: NDArray[np.float32]) -> NDArray[np.float32]:
        """(reach, len(shown)) float32: what each of the candidates gains less beside each of these directions."""
        return self._diversity * (self._near_directions @ shown.T)
