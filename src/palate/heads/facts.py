"""What a head may read of a listener and an item beside their vectors: a few numbers, the same in training and serving.

They are few and apart from the ranker's features on purpose: those change with each ranker, while a head that was
registered goes on for years. A name here keeps its meaning; a version of a head records the names that it reads.
"""

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns
from palate.core.clock import DAY_SECONDS
from palate.embeddings.records import UserRecord, decay
from palate.retrieval.trends import Trends

FACTS: tuple[str, ...] = (
    # log(1 + x) of:
    "own_plays",  # events of this listener that count for the item
    "own_skips",
    "own_share",  # 100 x the item's share of the listener's decayed plays: as logs, a linear head may multiply them
    "artist_share",  # 100 x that of its first artist; 0 for unknown
    "genre_share",
    "kind_share",
    "plays_week",  # plays by everybody in 7 days
    "plays_month",
    "plays_ever",
    "listener_events",  # decayed plays, half-year window
    "listener_items",  # distinct items
    # 1 now, halved by every half-life since:
    "own_recency",  # the listener's latest event on it, 28 days; 0 for never
    "newness",  # when anybody first heard it, 28 days; 1 for never
    "release_newness",  # its release, 365 days; 0 for unknown
    "listener_recency",  # the listener's latest event, 28 days; 0 for a stranger
)
LOGS = FACTS.index("own_recency")  # so many columns, the first ones, are logs
HALF_LIVES_SECONDS = np.array([28.0, 28.0, 365.0, 28.0]) * DAY_SECONDS  # of the others


def facts(
    record: UserRecord, now: float, rows: NDArray[np.int32], columns: ItemColumns, trends: Trends
) -> NDArray[np.float32]:
    """(n, len(FACTS)) float32, one row for each catalogue row in `rows`; always finite, no rows for no rows.

    now    home seconds; the record holds nothing of then or later
    trends of a moment not after `now`; rows must lie inside `columns` and `trends`
    """
    counted = np.zeros((len(rows), LOGS))  # what is logged at the end, all at once: a call costs more than its numbers
    ages = np.full((len(rows), len(FACTS) - LOGS), np.inf)
    if len(record.items) and len(rows):
        place = np.minimum(np.searchsorted(record.items, rows), len(record.items) - 1)
        known = record.items[place] == rows
        place = place[known]
        hundredth = max(float(record.weights.sum()), 1e-9) / 100.0
        counted[known, 0], counted[known, 1] = record.plays[place], record.skips[place]
        counted[known, 2] = record.weights[place] / hundredth
        counted[:, 3] = _sums(columns.artist, rows, record) / hundredth
        counted[:, 4] = _sums(columns.genre, rows, record) / hundredth
        kinds = record.counts[-1]
        counted[:, 5] = (100.0 * kinds / max(float(kinds.sum()), 1e-9))[columns.kind[rows]]
        counted[:, 9], counted[:, 10] = kinds.sum(), len(record.items)
        ages[known, 0], ages[:, 3] = now - record.last[place], now - record.at
    counted[:, 6], counted[:, 7], counted[:, 8] = trends.week[rows], trends.month[rows], trends.ever[rows]
    first, released = now - trends.first_heard[rows], now - columns.released[rows]
    ages[:, 1], ages[:, 2] = np.where(np.isfinite(first), first, 0.0), np.where(np.isnan(released), np.inf, released)
    out = np.empty((len(rows), len(FACTS)), np.float32)
    out[:, :LOGS] = np.log1p(np.maximum(counted, 0.0))  # sums of what was added and removed may round below 0
    out[:, LOGS:] = decay(np.maximum(ages, 0.0), HALF_LIVES_SECONDS)
    return out


def _sums(codes: NDArray[np.int32], rows: NDArray[np.int32], record: UserRecord) -> NDArray[np.float64]:
    """(n,) the listener's decayed plays that carry the same code as each item; 0 for an unknown code."""
    known, where = np.unique(codes[rows], return_inverse=True)  # of these, not of the listener's: they are fewer
    inside = record.items < len(codes)
    own = codes[record.items[inside]]
    place = np.minimum(np.searchsorted(known, own), len(known) - 1)
    weights = np.bincount(place, np.where(known[place] == own, record.weights[inside], 0.0), len(known))
    return np.where(codes[rows] >= 0, weights[where], 0.0)
