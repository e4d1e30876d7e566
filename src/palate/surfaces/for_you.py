"""for_you: what this listener would like to hear now, familiar and new together."""

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.ranking.features import features
from palate.ranking.ranker import Ranker
from palate.retrieval.filters import available, not_excluded, not_heard, not_hidden, not_just_skipped
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.surfaces.path import Recipe

QUOTAS = {"again": 100, "company": 150, "near_taste": 150, "new": 20, "popular": 100}


def score(candidates: Candidates, query: Query, stock: Stock, ranker: Ranker) -> NDArray[np.float32]:
    """The ranker's score; for a stranger, of whom the ranker knows nothing, that of the taste.

    In a space that was not taught what newcomers hear, recent popularity is better than the taste of a stranger.
    """
    if query.stranger:
        vectors = stock.vectors[candidates.items]
        return np.array(vectors[:, -1] if stock.stranger is None else vectors @ query.taste, np.float32)
    return ranker.score(features(candidates, query, stock))


FOR_YOU = Recipe("for_you", QUOTAS, (available, not_excluded, not_hidden, not_just_skipped), score)
FOR_YOU_UNHEARD = Recipe("for_you", QUOTAS, (available, not_excluded, not_hidden, not_heard, not_just_skipped), score)
