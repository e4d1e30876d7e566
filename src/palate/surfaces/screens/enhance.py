"""enhance: more for a playlist, in its own spirit.

The seeds are the playlist: `playlist:ID`, or its items. Each of them has the same say, whatever its place.
"""

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.core.errors import BadInput
from palate.core.slate import Slate
from palate.ranking.ranker import Ranker
from palate.retrieval.filters import ALWAYS
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.surfaces.ask import Ask
from palate.surfaces.company import near_all, offered_by
from palate.surfaces.lists import noted
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Recipe
from palate.surfaces.surface import Surface

NEAR = 0.2  # of the cosine with the middle of the list, beside the mean company with its items; .05 to .5 are level


def score(candidates: Candidates, query: Query, stock: Stock, ranker: Ranker) -> NDArray[np.float32]:
    """Mean company with the items of the list, and closeness to their middle."""
    company = offered_by(candidates, ["company_of_list"]) / max(len(query.seeds), 1)
    return company + NEAR * near_all(candidates.items, query.seeds, stock, fade=1.0)


ENHANCE = Recipe(
    "enhance",
    {"company_of_list": 400, "near_list": 200},
    ALWAYS,
    score,
)


def answer(ask: Ask, live: LiveHome) -> Slate:
    """What belongs on the list and is not there. BadInput without seeds."""
    if not ask.seeds:
        raise BadInput("enhance needs a list; add seed=playlist:ID, or seed=ITEM for each of its items")
    slate = live.path.answer(ENHANCE, live.query(ask, ENHANCE.name), ask.n, ask.user_id)
    return noted(slate, "Nothing is known that goes with this list.")


SURFACE = Surface("enhance", "more for a playlist, in its own spirit", answer)
