"""similar: what goes with this item, the same for everybody."""

from dataclasses import replace

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
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Recipe
from palate.surfaces.surface import Surface


def score(candidates: Candidates, query: Query, stock: Stock, ranker: Ranker) -> NDArray[np.float32]:
    """Company plus closeness of vectors, both cosines: the first is exact and sparse, the second fills its gaps."""
    alike: NDArray[np.float32] = stock.directions[candidates.items] @ stock.directions[query.seeds[0]]
    together = candidates.offered[:, candidates.sources.index("company_of_seeds")]
    return alike + np.nan_to_num(together)


SIMILAR = Recipe("similar", {"company_of_seeds": 100, "near_seeds": 150}, ALWAYS, score)


def answer(ask: Ask, live: LiveHome) -> Slate:
    """What goes with the one seed; whoever asks."""
    if len(ask.seeds) != 1:
        raise BadInput(f"similar needs exactly one seed item, got {len(ask.seeds)}; add seed=ITEM")
    return live.path.answer(SIMILAR, live.query(replace(ask, user_id=None), SIMILAR.name), ask.n, None)


SURFACE = Surface("similar", "what goes with one item, the same for everybody", answer)
