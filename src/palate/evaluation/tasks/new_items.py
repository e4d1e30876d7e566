"""What nobody has played yet: does it reach the listeners who will like it?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.evaluation.method import Fitted
from palate.evaluation.splits import EvalSettings, Split, pair_keys
from palate.evaluation.tasks.questions import LISTENERS, Questions, from_pairs


@dataclass(frozen=True)
class NewItems:
    """Only items without a heard play by anybody before the moment, but known to the catalogue or a playlist.

    All others are masked for every method, so that the question is which of the new ones, not whether something new.
    """

    name: str = "new-items"
    about: str = "items that nobody had played before, heard in the following week; all others are masked"
    of: str = LISTENERS
    missing: str = (
        "no item was known (released and described in the catalogue, or on a playlist) before anybody had played it, "
        "then played in a window; import items with release dates"
    )

    def questions(self, part: Split, settings: EvalSettings) -> Questions:
        after, new = part.following.heard(), unplayed(part)
        rows = np.flatnonzero(new[after.item] & (part.plays >= settings.min_train_plays)[after.user])
        return from_pairs(pair_keys(after.user[rows], after.item[rows], part.n_items), part.n_items)

    def able(self, fitted: Fitted) -> bool:
        return True

    def answers(self, fitted: Fitted, part: Split, asked: Questions, n: int) -> NDArray[np.int32]:
        return fitted.recommend(asked.rows, n, exclude_heard=False, only=unplayed(part))

    def forbidden(self, part: Split, asked: Questions, lists: NDArray[np.int32]) -> NDArray[np.bool_]:
        return ~unplayed(part)[lists] & (lists >= 0)


def unplayed(part: Split) -> NDArray[np.bool_]:
    """(n_items,) True for what was known before the window and heard by nobody."""
    new: NDArray[np.bool_] = part.known.columns.available.copy()
    new[part.catalogue] = False
    return new
