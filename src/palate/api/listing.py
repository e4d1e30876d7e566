"""Lists of what there is: listeners page by page, items by words."""

from itertools import islice

import numpy as np
from numpy.typing import NDArray

from palate.core.items import Item
from palate.store.items import words_of
from palate.store.record_store import RecordStore
from palate.surfaces.freshness import Taken
from palate.surfaces.live import LiveHome

SEARCHED_ITEMS = 200  # the best matches by words, of which the listener's taste decides the order


def users_after(store: RecordStore, space: str, after: str, n: int) -> list[str]:
    """Up to n listeners of a space that follow `after` in the store's order; from the first when it is empty."""
    return list(islice(store.users(space, after), n))


def search(live: LiveHome, words: str, reader: Taken | None, n: int) -> list[Item]:
    """Up to n items whose title and artists hold every word; the last word may be unfinished.

    With a reader whose taste is known, that taste decides among the first SEARCHED_ITEMS matches; what is called
    exactly as asked stays in front.
    """
    if reader is None or reader.stranger:
        return [live.items.get(row) for row in live.items.search(words, n).tolist()]
    rows = live.items.search(words, max(n, SEARCHED_ITEMS))
    items = [live.items.get(row) for row in rows.tolist()]
    wanted = words_of(words)
    exact = np.array([_is_called(item, wanted) for item in items], np.bool_)
    order = np.lexsort((-_scores(live, rows, reader.state.taste), ~exact))[:n]
    return [items[place] for place in order.tolist()]


def _is_called(item: Item, wanted: list[str]) -> bool:
    return any(words_of(name) == wanted for name in (item.title or "", *item.artists))


def _scores(live: LiveHome, rows: NDArray[np.int32], taste: NDArray[np.float32]) -> NDArray[np.float32]:
    vectors = live.path.stock.vectors
    scores = np.full(len(rows), -np.inf, np.float32)  # items that came after the space was trained
    known = rows < len(vectors)
    scores[known] = vectors[rows[known]] @ taste
    return scores
