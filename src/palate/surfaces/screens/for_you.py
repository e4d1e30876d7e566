"""for_you: what this listener would like to hear now, familiar and new together."""

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.core.slate import Slate
from palate.ranking.features import features
from palate.ranking.ranker import Ranker
from palate.retrieval.filters import ALWAYS, not_heard, not_just_skipped
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Recipe
from palate.surfaces.surface import Surface

QUOTAS = {"again": 100, "company": 150, "near_taste": 150, "new": 20, "popular": 100}


def score(candidates: Candidates, query: Query, stock: Stock, ranker: Ranker) -> NDArray[np.float32]:
    """The ranker's score; for a stranger, of whom the ranker knows nothing, that of the taste.

    In a space that was not taught what newcomers hear, recent popularity is better than the taste of a stranger.
    """
    if query.stranger:
        vectors = stock.vectors[candidates.items]
        return np.array(vectors[:, -1] if stock.stranger is None else vectors @ query.taste, np.float32)
    return ranker.score(features(candidates, query, stock))


FOR_YOU = Recipe("for_you", QUOTAS, (*ALWAYS, not_just_skipped), score)
FOR_YOU_UNHEARD = Recipe("for_you", QUOTAS, (*ALWAYS, not_heard, not_just_skipped), score)


def answer(ask: Ask, live: LiveHome) -> Slate:
    """The listener's own slate; with `unheard` without what they ever played."""
    recipe = FOR_YOU_UNHEARD if ask.unheard else FOR_YOU
    return live.path.answer(recipe, live.query(ask, recipe.name), ask.n, ask.listener)


SURFACE = Surface("for_you", "what this listener would like to hear now, familiar and new together", answer)
