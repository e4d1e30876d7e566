"""on_repeat: what this listener plays again and again these days.

A record holds decayed plays, not dates: a play of today counts 1, one of four weeks ago 1/2. An item is on repeat when
it was played within 30 home days and its decayed plays are above what a single play can give.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.core.clock import DAY_SECONDS
from palate.core.slate import Slate
from palate.embeddings.records import AFFINITY_HALF_LIFE, HALF_LIVES_SECONDS, decay
from palate.ranking.ranker import Ranker
from palate.retrieval.filters import ALWAYS
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.surfaces.ask import Ask
from palate.surfaces.lists import by_score, noted, places_in
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Recipe
from palate.surfaces.surface import Surface

WITHIN_DAYS = 30.0
LEAST_PLAYS = 2
MORE_THAN = 1.0  # decayed plays as of now: what two plays in the last four weeks have, and one play never


def decayed_plays(rows: NDArray[np.int32], query: Query) -> NDArray[np.float64]:
    """(n,) of each row, as of now; 0 for what was never met."""
    record = query.record
    place, held = places_in(record, rows)
    if not held.any():
        return np.zeros(len(rows))
    faded = decay(max(query.now - record.at, 0.0), float(HALF_LIVES_SECONDS[AFFINITY_HALF_LIFE]))
    return np.where(held, record.weights[place] * faded, 0.0)


def score(candidates: Candidates, query: Query, stock: Stock, ranker: Ranker) -> NDArray[np.float32]:
    """Decayed plays as of now."""
    return decayed_plays(candidates.items, query).astype(np.float32)


def on_repeat(candidates: Candidates, query: Query, stock: Stock) -> tuple[NDArray[np.bool_], str]:
    """Only what was played often and lately."""
    record, rows = query.record, candidates.items
    place, held = places_in(record, rows)
    if not held.any():
        return held, "not on repeat"
    lately = record.heard_last[place] >= query.now - WITHIN_DAYS * DAY_SECONDS
    often = (record.heard[place] >= LEAST_PLAYS) & (decayed_plays(rows, query) > MORE_THAN)
    return held & lately & often, "not on repeat"


ON_REPEAT = Recipe("on_repeat", {"again": 300}, (*ALWAYS, on_repeat), score, by_score)


def answer(ask: Ask, live: LiveHome) -> Slate:
    """What the listener plays most these days, the most played first; with a note when there is nothing."""
    slate = live.path.answer(ON_REPEAT, live.query(replace(ask, seeds=()), ON_REPEAT.name), ask.n, ask.listener)
    return noted(slate, f"Nothing was played more than once in the last {WITHIN_DAYS:.0f} days and can be shown.")


SURFACE = Surface("on_repeat", "what this listener plays again and again these days", answer)
