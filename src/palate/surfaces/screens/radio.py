"""radio: endless listening from a seed, leaning towards the listener; ask again with what was played excluded.

Without a seed the listener's latest items are the seeds. What was heard in the last hours does not come back.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.core.slate import Slate
from palate.ranking.ranker import Ranker
from palate.retrieval.filters import ALWAYS, not_just_heard, not_just_skipped
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Recipe
from palate.surfaces.surface import Surface

START_SEEDS = 5  # latest items that a radio without a seed starts from
TASTE_SHARE = 0.3  # of the score; the seed leads


def score(candidates: Candidates, query: Query, stock: Stock, ranker: Ranker) -> NDArray[np.float32]:
    """Closeness to the seeds plus a share of closeness to the taste; all cosines."""
    directions = stock.directions[candidates.items]
    seeds = stock.directions[query.seeds].sum(axis=0) if len(query.seeds) else np.zeros(directions.shape[1], np.float32)
    near: NDArray[np.float32] = directions @ (seeds / max(float(np.linalg.norm(seeds)), 1e-9))
    together = np.nan_to_num(candidates.offered[:, candidates.sources.index("company_of_seeds")])
    own = TASTE_SHARE * (directions @ stock.direction_of(query.taste)) if stock.knows(query) else 0.0
    result: NDArray[np.float32] = (near + together + own).astype(np.float32)
    return result


RADIO = Recipe(
    "radio",
    {"company_of_seeds": 150, "near_seeds": 150, "near_taste": 50, "popular": 50},
    (*ALWAYS, not_just_skipped, not_just_heard),
    score,
)


def answer(ask: Ask, live: LiveHome) -> Slate:
    """What to play next from the seeds, or from the listener's latest items when there are none."""
    query = live.query(ask, RADIO.name)
    if not len(query.seeds):
        query = replace(query, seeds=latest(query, live.path.stock, START_SEEDS))
    return live.path.answer(RADIO, query, ask.n, ask.user_id)


def latest(query: Query, stock: Stock, n: int) -> NDArray[np.int32]:
    """Up to n items that the listener played last and did not hide, latest first."""
    record = query.record
    wanted = (record.plays > 0) & ~np.isin(record.items, record.hidden)
    played = np.flatnonzero(wanted & (record.items < stock.n_items))
    return record.items[played[np.argsort(-record.last[played], kind="stable")[:n]]]


SURFACE = Surface("radio", "what to play next from a seed, endless, leaning towards the listener", answer)
