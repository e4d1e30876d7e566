"""What the ranker sees of a candidate: one column a fact, as of the moment of the request.

Live requests, batches and training examples in the past all come through `features`, so training and serving cannot
differ.
"""

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.core.clock import DAY_SECONDS
from palate.ranking.opinions import opinions
from palate.ranking.rows import Rows
from palate.ranking.watch import watched
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock

NAMES: tuple[str, ...] = (
    "taste_score",  # dot product of taste and item
    "taste_cosine",  # the same without popularity and lengths
    "company_score",  # weighted cosines with the latest listens, NaN when not offered
    "own_weight",  # decayed plays of this item by this listener
    "own_plays",
    "own_skips",
    "own_days_since",  # days since the latest event on it, NaN when never
    "own_share",  # own_weight as a share of all the listener's
    "plays_week",  # log(1 + plays by everybody)
    "plays_month",
    "plays_ever",
    "trend",  # plays_week - plays_month + log 4: above 0 is rising
    "days_since_first_heard",  # by anybody, NaN when never
    "days_since_release",
    "artist_weight",  # share of the listener's decayed plays on this artist
    "genre_weight",
    "language_weight",
    "kind_weight",
    "listener_events",  # log(1 + decayed plays), half-year window
    "listener_week",  # log(1 + decayed plays), week window
    "listener_items",  # log(1 + distinct items)
    "listener_repeats",  # plays per distinct item
    "listener_days_away",  # days since the listener's latest event
    "offers",  # how many retrievers offered it
    "own_lately",  # from here on opinions.py: each over the highest among the listener's latest items
    "company_share",
    "fold_in_share",  # NaN in a space that has no fold-in
    "popularity_share",  # over the highest of all items
    "taste_share",
    "mixture",  # of own plays, company, fold-in and popularity, as the teacher mixes them
)

MOST_COUNTED = 4_096  # codes that are added up in a table; one of 300,000 artists takes .2 ms to clear


@watched
def features(candidates: Candidates, query: Query, stock: Stock) -> NDArray[np.float32]:
    """(n, len(NAMES)) float32; NaN where a fact does not exist, which the ranker handles."""
    items, record, columns = candidates.items, query.record, stock.columns
    rows = Rows.of(items, record, stock.n_items)
    vectors = stock.vectors[rows.rows]
    tastes, along = vectors @ query.taste, vectors[:, :-1] @ stock.direction_of(query.taste)
    out = np.empty((len(items), len(NAMES)), np.float32)
    out[:, 0] = tastes[rows.asked]
    out[:, 1] = along[rows.asked] / stock.lengths[items]
    company = [candidates.sources.index(name) for name in ("company",) if name in candidates.sources]
    out[:, 2] = candidates.offered[:, company[0]] if company else np.nan
    out[:, 3:8] = _own(rows, query)[rows.asked]
    out[:, 8:12] = stock.plays[items]
    out[:, 12] = _days(query.now - stock.trends.first_heard[items])
    out[:, 13] = _days(query.now - columns.released[items])
    within = int(np.searchsorted(record.items, len(columns)))  # what came later has no columns yet
    weights = record.weights[:within] / max(float(record.weights.sum()), 1e-9)
    for column, codes in ((14, columns.artist), (15, columns.genre), (16, columns.language)):
        out[:, column] = _share(codes[record.items[:within]], codes[items], weights)
    out[:, 17] = (record.counts[2] / max(float(record.counts[2].sum()), 1e-9))[columns.kind[items]]
    out[:, 18:23] = _listener(query)
    out[:, 23] = (~np.isnan(candidates.offered)).sum(axis=1)
    out[:, 24:30] = opinions(rows, tastes, vectors[:, -1], query, stock)[rows.asked]
    return out


def _days(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(seconds), seconds / DAY_SECONDS, np.nan)


def _own(rows: Rows, query: Query) -> NDArray[np.float32]:
    """(r, 5) weight, plays, skips, days since, share: the listener's own past with each item."""
    record, place = query.record, rows.place
    out = np.zeros((len(rows.rows), 5), np.float32)
    out[:, 3] = np.nan
    weights = record.weights[place]
    share = weights / max(float(record.weights.sum()), 1e-9)
    days = (query.now - record.last[place]) / DAY_SECONDS
    out[rows.known] = np.column_stack([weights, record.plays[place], record.skips[place], days, share])
    return out


def _share(own: NDArray[np.int32], wanted: NDArray[np.int32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) sum of `weights` of those of `own` that are the same code as each of `wanted`; 0 for unknown codes."""
    highest = max(int(own.max(initial=-1)), int(wanted.max(initial=-1)))
    if highest < MOST_COUNTED:
        table = np.asarray(np.bincount(own + 1, weights, minlength=highest + 2), np.float64)
        table[0] = 0.0
        return table[wanted + 1]
    known, where = np.unique(own, return_inverse=True)
    if not len(known):
        return np.zeros(len(wanted))
    total = np.bincount(where, weights)
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where((known[place] == wanted) & (wanted >= 0), total[place], 0.0)


def _listener(query: Query) -> tuple[float, float, float, float, float]:
    record = query.record
    n_items, plays = int((record.plays > 0).sum()), int(record.plays.sum())
    away = (query.now - record.at) / DAY_SECONDS if np.isfinite(record.at) else np.nan
    week, half_year = float(record.counts[0].sum()), float(record.counts[2].sum())
    return float(np.log1p(half_year)), float(np.log1p(week)), float(np.log1p(n_items)), plays / max(n_items, 1), away
