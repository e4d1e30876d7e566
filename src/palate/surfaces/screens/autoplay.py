"""autoplay: what comes after a sequence: the next items, of company with it, near to it, and what the listener plays.

The sequence is the seeds, the latest first; without any, what was played in this sitting, or else the latest plays.
Weights were chosen on 30Music (docs/rooms/surfaces.md); closeness to the taste adds nothing to them.
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
from palate.surfaces.company import FADE, kept_company, near_all, own_plays
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Recipe
from palate.surfaces.seeds import latest
from palate.surfaces.sitting import Sitting, away_from_skipped, not_in_this_sitting
from palate.surfaces.surface import Surface

SEQUENCE = 20  # items that are looked at
COMPANY_FADE = 0.7  # of an item beside the one heard after it
NEAR, OWN, POPULAR = 0.5, 0.5, 0.06  # beside 1 for company
PUSH = 0.5  # of one skip of this sitting, as in radio


def score(candidates: Candidates, query: Query, stock: Stock, ranker: Ranker) -> NDArray[np.float32]:
    """Company and closeness of the sequence, own plays, plays of everybody this week, less what skips push away."""
    rows = candidates.items
    follows = kept_company(rows, query.seeds, query, stock, COMPANY_FADE)
    follows += NEAR * near_all(rows, query.seeds, stock, FADE) + OWN * own_plays(rows, query)
    follows += POPULAR * np.log1p(stock.trends.week[rows]).astype(np.float32)
    pushed: NDArray[np.float32] = follows - PUSH * away_from_skipped(rows, Sitting.of(query, stock), stock)
    return pushed


AUTOPLAY = Recipe(
    "autoplay",
    {"again": 100, "company_of_seeds": 200, "near_seeds": 150, "near_taste": 100, "popular": 100},
    (*ALWAYS, not_in_this_sitting, not_just_skipped),
    score,
)


def following(query: Query, stock: Stock) -> Query:
    """The query with its sequence: the seeds that came, or what was played, at most SEQUENCE of them."""
    sitting = Sitting.of(query, stock)
    seeds = query.seeds
    if not len(seeds):
        seeds = sitting.played[~np.isin(sitting.played, query.record.hidden)]
    if not len(seeds):
        seeds = latest(query.record, stock, SEQUENCE)
    return replace(query, seeds=seeds[:SEQUENCE], exclude=np.union1d(query.exclude, seeds).astype(np.int32))


def answer(ask: Ask, live: LiveHome) -> Slate:
    """The items that follow, the most likely next one first; for a stranger without a sequence what is popular."""
    query = following(live.query(ask, AUTOPLAY.name), live.path.stock)
    return live.path.answer(AUTOPLAY, query, ask.n, ask.user_id)


SURFACE = Surface("autoplay", "what comes next after a sequence of items", answer)
