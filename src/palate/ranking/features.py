"""What the ranker sees of a candidate: one column a fact, as of the moment of the request.

Live requests, batches and training examples in the past all come through `features`, so training and serving cannot
differ.
"""

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.core.clock import DAY_SECONDS
from palate.embeddings.records import UserRecord
from palate.ranking.opinions import opinions
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


@watched
def features(candidates: Candidates, query: Query, stock: Stock) -> NDArray[np.float32]:
    """(n, len(NAMES)) float32; NaN where a fact does not exist, which the ranker handles."""
    items, record = candidates.items, query.record
    vectors = stock.vectors[items]
    out = np.empty((len(items), len(NAMES)), np.float32)
    out[:, 0] = vectors @ query.taste
    out[:, 1] = stock.directions[items] @ stock.direction_of(query.taste)
    company = [candidates.sources.index(name) for name in ("company",) if name in candidates.sources]
    out[:, 2] = candidates.offered[:, company[0]] if company else np.nan
    out[:, 3:8] = _own(items, query)
    week, month, ever = (np.log1p(plays[items]) for plays in (stock.trends.week, stock.trends.month, stock.trends.ever))
    out[:, 8], out[:, 9], out[:, 10], out[:, 11] = week, month, ever, week - month + np.log(4.0)
    out[:, 12] = _days(query.now - stock.trends.first_heard[items])
    out[:, 13] = _days(query.now - stock.columns.released[items])
    weights = record.weights / max(float(record.weights.sum()), 1e-9)
    for column, codes in ((14, stock.columns.artist), (15, stock.columns.genre), (16, stock.columns.language)):
        out[:, column] = _share(codes, items, record, weights)
    out[:, 17] = (record.counts[2] / max(float(record.counts[2].sum()), 1e-9))[stock.columns.kind[items]]
    out[:, 18:23] = _listener(query)
    out[:, 23] = (~np.isnan(candidates.offered)).sum(axis=1)
    out[:, 24:30] = opinions(items, query, stock)
    return out


def _days(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(seconds), seconds / DAY_SECONDS, np.nan)


def _own(items: NDArray[np.int32], query: Query) -> NDArray[np.float64]:
    """(n, 5) weight, plays, skips, days since, share: the listener's own past with each item."""
    record = query.record
    out = np.zeros((len(items), 5))
    out[:, 3] = np.nan
    if len(record.items):
        place = np.minimum(np.searchsorted(record.items, items), len(record.items) - 1)
        known = record.items[place] == items
        place = place[known]
        out[known, 0], out[known, 1], out[known, 2] = record.weights[place], record.plays[place], record.skips[place]
        out[known, 3] = (query.now - record.last[place]) / DAY_SECONDS
        out[:, 4] = out[:, 0] / max(float(record.weights.sum()), 1e-9)
    return out


def _share(
    codes: NDArray[np.int32], items: NDArray[np.int32], record: UserRecord, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n,) share of the listener's decayed plays that carry the same code as each item; 0 for unknown codes."""
    inside = record.items < len(codes)
    own = codes[record.items[inside]]
    known, where = np.unique(own, return_inverse=True)
    if not len(known):
        return np.zeros(len(items))
    total = np.bincount(where, weights[inside])
    wanted = codes[items]
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    share: NDArray[np.float64] = np.where((known[place] == wanted) & (wanted >= 0), total[place], 0.0)
    return share


def _listener(query: Query) -> tuple[float, float, float, float, float]:
    record = query.record
    n_items, plays = int((record.plays > 0).sum()), int(record.plays.sum())
    away = (query.now - record.at) / DAY_SECONDS if np.isfinite(record.at) else np.nan
    week, half_year = float(record.counts[0].sum()), float(record.counts[2].sum())
    return float(np.log1p(half_year)), float(np.log1p(week)), float(np.log1p(n_items)), plays / max(n_items, 1), away
