"""radio: endless listening from a seed, leaning towards the listener; it never repeats itself and learns from skips.

Without a seed the listener's latest items are the seeds. What was met in this sitting does not come back; what was
played in it pulls, and what was skipped pushes its neighbours and its artist away. A client that records nothing sends
what it played as `exclude`.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.core.slate import Slate
from palate.ranking.ranker import Ranker
from palate.retrieval.filters import ALWAYS, not_just_skipped
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.surfaces.ask import Ask
from palate.surfaces.company import FADE, near_all, near_taste, offered_by
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Recipe
from palate.surfaces.seeds import latest
from palate.surfaces.sitting import Sitting, away_from_skipped, not_in_this_sitting
from palate.surfaces.surface import Surface

START_SEEDS = 5  # latest items that a radio without a seed starts from
PULLING = 5  # latest plays of the sitting that join the seeds
TASTE_SHARE = 0.3  # of the score; the seed leads
PUSH = 0.5  # of one skip; three skips of a genre outweigh the seed


def score(candidates: Candidates, query: Query, stock: Stock, ranker: Ranker) -> NDArray[np.float32]:
    """Company of the seeds, closeness to them, a share of closeness to the taste, less what the skips push away."""
    rows = candidates.items
    pulled = near_all(rows, query.seeds, stock, FADE) + offered_by(candidates, ["company_of_seeds"])
    pushed = away_from_skipped(rows, Sitting.of(query, stock), stock)
    result: NDArray[np.float32] = pulled + TASTE_SHARE * near_taste(rows, query, stock) - PUSH * pushed
    return result.astype(np.float32)


RADIO = Recipe(
    "radio",
    {"company_of_seeds": 150, "near_seeds": 150, "near_taste": 100, "popular": 100},
    (*ALWAYS, not_in_this_sitting, not_just_skipped),
    score,
)


def tuned(query: Query, stock: Stock) -> Query:
    """The query with this sitting in it: what was played joins the seeds, and what was met makes the offers longer."""
    sitting = Sitting.of(query, stock)
    seeds = query.seeds if len(query.seeds) else latest(query.record, stock, START_SEEDS)
    played = sitting.played[~np.isin(sitting.played, np.concatenate([seeds, query.record.hidden]))]
    return replace(
        query,
        seeds=np.concatenate([seeds, played[:PULLING]]).astype(np.int32),
        exclude=np.union1d(query.exclude, sitting.met).astype(np.int32),
    )


def answer(ask: Ask, live: LiveHome) -> Slate:
    """What to play next from the seeds, or from the listener's latest items when there are none."""
    query = tuned(live.query(ask, RADIO.name), live.path.stock)
    return live.path.answer(RADIO, query, ask.n, ask.user_id)


SURFACE = Surface("radio", "what to play next from a seed, endless, leaning towards the listener", answer)
