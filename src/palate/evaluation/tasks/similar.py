"""Which items belong together: the company that an item has in the window, learned from the company it had before."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.evaluation.method import Fitted, Neighbours
from palate.evaluation.splits import EvalSettings, Split, pair_keys
from palate.evaluation.tasks.playlists import known_items
from palate.evaluation.tasks.questions import ITEMS, Questions, from_pairs

MOST_ITEMS = 500  # asked about in one window: enough for intervals of a few percent
MOST_TOGETHER = 200  # a longer playlist or sitting says little about pairs, and costs the square of its length


@dataclass(frozen=True)
class SimilarItems:
    """For an item on a playlist, what is put on the same playlist in the window.

    On a home whose playlists did not change in the window, what is heard in one sitting with it takes their place.
    Pairs that had been together before count as well, as re-listens do in *next*.
    """

    name: str = "similar"
    about: str = "what is put on a playlist with an item in the following week (without playlists: heard in a sitting)"
    of: str = ITEMS
    missing: str = "no two known items came together in a window, on a playlist or in a sitting"

    def questions(self, part: Split, settings: EvalSettings) -> Questions:
        n_items, keys = part.n_items, self.together(part)
        asked = np.unique(keys // max(n_items, 1))
        if len(asked) > MOST_ITEMS:
            asked = np.random.default_rng(settings.seed).choice(asked, MOST_ITEMS, replace=False)
        return from_pairs(keys[np.isin(keys // max(n_items, 1), asked)], n_items)

    def together(self, part: Split) -> NDArray[np.int64]:
        """Pair keys (item, what came to it) of known items."""
        places, added, known = part.known.playlists, part.added, known_items(part)
        if len(added):
            return _pairs(places.playlist, places.item, added.playlist, added.item, known)
        heard = part.following.heard()
        return _pairs(heard.session, heard.item, heard.session, heard.item, known)

    def able(self, fitted: Fitted) -> bool:
        return isinstance(fitted, Neighbours)

    def answers(self, fitted: Fitted, part: Split, asked: Questions, n: int) -> NDArray[np.int32]:
        assert isinstance(fitted, Neighbours)  # `able` said so
        return fitted.similar(asked.rows, n)

    def forbidden(self, part: Split, asked: Questions, lists: NDArray[np.int32]) -> NDArray[np.bool_]:
        return np.asarray(lists == asked.rows[:, None])


def _pairs(
    group: NDArray[np.integer],
    item: NDArray[np.int32],
    other_group: NDArray[np.integer],
    other_item: NDArray[np.int32],
    known: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Pair keys of every item of a group with every other item of the same group on the other side; distinct."""
    sides = []
    for groups, items in ((group, item), (other_group, other_item)):
        there = (items >= 0) & known[np.maximum(items, 0)]
        order = np.argsort(groups[there], kind="stable")
        sides.append((groups[there][order], items[there][order]))
    (left, left_items), (right, right_items) = sides
    found = [np.zeros(0, np.int64)]
    for one in np.intersect1d(left, right).tolist():
        mine = np.unique(left_items[slice(*np.searchsorted(left, (one, one + 1)))])
        others = np.unique(right_items[slice(*np.searchsorted(right, (one, one + 1)))])
        if max(len(mine), len(others)) <= MOST_TOGETHER:
            keys = pair_keys(mine[:, None], others[None, :], len(known))
            found.append(keys[mine[:, None] != others[None, :]])
    return np.unique(np.concatenate(found))
