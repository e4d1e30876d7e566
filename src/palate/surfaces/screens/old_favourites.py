"""old_favourites: what this listener used to like and has not met for two months."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.core.clock import DAY_SECONDS
from palate.core.slate import Slate
from palate.embeddings.records import AFFINITY_HALF_LIFE, HALF_LIVES_SECONDS, UserRecord, decay
from palate.ranking.ranker import Ranker
from palate.retrieval.filters import ALWAYS
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.surfaces.ask import Ask
from palate.surfaces.lists import by_score, noted, only, places_in
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Recipe
from palate.surfaces.surface import Surface

LEAST_PLAYS = 3
REST_DAYS = 60.0


def rested(record: UserRecord, now: float) -> NDArray[np.int32]:
    """Rows played LEAST_PLAYS times or more, skipped no more often, and not played, skipped or saved for REST_DAYS."""
    liked = (record.heard >= LEAST_PLAYS) & (record.skips <= record.heard)
    return record.items[liked & (record.last <= now - REST_DAYS * DAY_SECONDS)]


def score(candidates: Candidates, query: Query, stock: Stock, ranker: Ranker) -> NDArray[np.float32]:
    """How much it was liked then: its decayed plays as they stood when it was met last."""
    record = query.record
    place, held = places_in(record, candidates.items)
    if not held.any():
        return np.zeros(len(candidates), np.float32)
    faded = decay(record.at - record.last[place], float(HALF_LIVES_SECONDS[AFFINITY_HALF_LIFE]))
    then = record.weights[place] / np.maximum(faded, np.finfo(np.float64).tiny)
    return np.where(held, then, 0.0).astype(np.float32)


OLD_FAVOURITES = Recipe("old_favourites", {"again": 1_000}, ALWAYS, score, by_score)


def remembering(query: Query, stock: Stock) -> Query:
    """The query of old favourites alone: among everything that was ever heard they have the lowest decayed plays."""
    return replace(query, only=only(rested(query.record, query.now), stock))


def answer(ask: Ask, live: LiveHome) -> Slate:
    """What was liked and has rested, what was liked most first; with a note when there is nothing."""
    query = remembering(live.query(replace(ask, seeds=()), OLD_FAVOURITES.name), live.path.stock)
    slate = live.path.answer(OLD_FAVOURITES, query, ask.n, ask.listener)
    what = f"Nothing that was played {LEAST_PLAYS} times or more has rested for {REST_DAYS:.0f} days and can be shown."
    return noted(slate, what)


SURFACE = Surface("old_favourites", "what this listener used to like and has not met for two months", answer)
