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
    "own_plays",  # log(1 + events of this listener that count for the item)
    "own_skips",  # log(1 + skips)
    "own_recency",  # 1 just after the latest event on it, halves every 28 days; 0 for never
    "own_share",  # log(1 + 100 x the item's share of the listener's decayed plays): a linear head may then multiply
    "artist_share",  # the same of its first artist; 0 for unknown
    "genre_share",
    "kind_share",
    "plays_week",  # log(1 + plays by everybody in 7 days)
    "plays_month",
    "plays_ever",
    "newness",  # 1 until anybody heard it, then halves every 28 days
    "release_newness",  # 1 at its release, halves every 365 days; 0 for unknown
    "listener_events",  # log(1 + decayed plays), half-year window
    "listener_items",  # log(1 + distinct items)
    "listener_recency",  # 1 just after the listener's latest event, halves every 28 days; 0 for a stranger
)
HALF_LIFE_SECONDS, RELEASE_HALF_LIFE_SECONDS = 28.0 * DAY_SECONDS, 365.0 * DAY_SECONDS


def facts(
    record: UserRecord, now: float, rows: NDArray[np.int32], columns: ItemColumns, trends: Trends
) -> NDArray[np.float32]:
    """(n, len(FACTS)) float32, one row for each catalogue row in `rows`; always finite, no rows for no rows.

    now    home seconds; the record holds nothing of then or later
    trends of a moment not after `now`; rows must lie inside `columns` and `trends`
    """
    out = np.zeros((len(rows), len(FACTS)), np.float32)
    total = max(float(record.weights.sum()), 1e-9)
    if len(record.items) and len(rows):
        place = np.minimum(np.searchsorted(record.items, rows), len(record.items) - 1)
        known = record.items[place] == rows
        place = place[known]
        out[known, 0], out[known, 1] = np.log1p(record.plays[place]), np.log1p(record.skips[place])
        out[known, 2] = _faded(now - record.last[place], HALF_LIFE_SECONDS)
        out[known, 3] = record.weights[place] / total
        out[:, 4] = _share(columns.artist, rows, record, total)
        out[:, 5] = _share(columns.genre, rows, record, total)
        counts = record.counts[-1]
        out[:, 6] = (counts / max(float(counts.sum()), 1e-9))[columns.kind[rows]]
        out[:, 3:7] = np.log1p(100.0 * out[:, 3:7])
    for column, plays in ((7, trends.week), (8, trends.month), (9, trends.ever)):
        out[:, column] = np.log1p(plays[rows])
    age, released = now - trends.first_heard[rows], now - columns.released[rows]
    out[:, 10] = _faded(np.where(np.isfinite(age), age, 0.0), HALF_LIFE_SECONDS)
    out[:, 11] = np.where(np.isnan(released), 0.0, _faded(np.nan_to_num(released), RELEASE_HALF_LIFE_SECONDS))
    out[:, 12], out[:, 13] = np.log1p(max(float(record.counts[-1].sum()), 0.0)), np.log1p(len(record.items))
    out[:, 14] = _faded(np.array(now - record.at), HALF_LIFE_SECONDS) if np.isfinite(record.at) else 0.0
    return out


def _faded(age_seconds: NDArray[np.float64], half_life_seconds: float) -> NDArray[np.float64]:
    """1 at age 0 and before it, so that a release still to come is new and no more."""
    return decay(np.maximum(age_seconds, 0.0), half_life_seconds)


def _share(codes: NDArray[np.int32], rows: NDArray[np.int32], record: UserRecord, total: float) -> NDArray[np.float64]:
    """(n,) share of the listener's decayed plays that carry the same code as each item; 0 for an unknown code."""
    known, where = np.unique(codes[rows], return_inverse=True)  # of these, not of the listener's: they are fewer
    inside = record.items < len(codes)
    own = codes[record.items[inside]]
    place = np.minimum(np.searchsorted(known, own), len(known) - 1)
    weights = np.bincount(place, np.where(known[place] == own, record.weights[inside], 0.0), len(known))
    return np.where(codes[rows] >= 0, weights[where] / total, 0.0)
