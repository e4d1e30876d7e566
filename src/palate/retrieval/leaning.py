"""More like this, less like this: where a listener's own marks lean the taste, for some weeks."""

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.embeddings.marks import Marks
from palate.embeddings.records import decay
from palate.retrieval.stock import Stock

HALF_LIFE_SECONDS = 14.0 * DAY_SECONDS  # of what was said; listening itself tells it by then
STRENGTH = 0.5  # of the taste's own length, by which it leans at most


def lean_of(marks: Marks, now: float, stock: Stock) -> NDArray[np.float32]:
    """(dim - 1,) the direction in which the marks lean, of length 1 at most; zeros where nothing was said.

    The sum over marks of the item's direction, minus for less_like, each halved every 14 days since it was said. A sum
    longer than 1 is shortened to 1: ten marks lean no further than one, they say better where to.

    One more_like today of an item with direction (1, 0) gives (1, 0); of 14 days ago (.5, 0); with a less_like today of
    (0, 1) beside it (1, -1) / sqrt(2).
    """
    leans = (marks.whats == Event.MORE_LIKE) | (marks.whats == Event.LESS_LIKE)
    said = np.flatnonzero(leans & (marks.items < stock.n_items))
    if not len(said):
        return np.zeros(stock.vectors.shape[1] - 1, np.float32)
    weights = decay(np.maximum(now - marks.times[said], 0.0), HALF_LIFE_SECONDS)
    weights = np.where(marks.whats[said] == Event.MORE_LIKE, weights, -weights)
    lean: NDArray[np.float32] = (weights @ stock.directions[marks.items[said]]).astype(np.float32)
    return lean / np.float32(max(float(np.linalg.norm(lean)), 1.0))


def leaned(taste: NDArray[np.float32], marks: Marks, now: float, stock: Stock) -> NDArray[np.float32]:
    """(dim,) the taste with its factors moved by STRENGTH of their length along `lean_of`; itself without marks.

    Popularity stays. A stranger whose factors are zeros leans by STRENGTH itself. The stored taste never changes.

    A taste with factors (2, 0) and popularity .3, and a more_like today of direction (0, 1), becomes (2, 1, .3).
    """
    lean = lean_of(marks, now, stock)
    if not lean.any():
        return taste
    length = float(taste[:-1] @ stock.direction_of(taste))
    moved = taste.copy()
    moved[:-1] += STRENGTH * (length or 1.0) * lean
    return moved
