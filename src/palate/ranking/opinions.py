"""What the teacher would say of the candidates: its four opinions as shares of the listener's own best, and their sum.

The student's taste says nearly what the teacher says, with one vector (embeddings/teacher.py). A request has the
listener's record and a few hundred candidates, so it can afford the teacher itself: decayed own plays, company, an
exact fold-in and recent popularity. Each is divided by its highest among the listener's own latest items, so that it
means the same whichever other candidates there are, alone in an explanation or among hundreds in a list.
"""

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.embeddings.records import AFFINITY_HALF_LIFE, HALF_LIVES_SECONDS, UserRecord, decay
from palate.retrieval.query import Query
from palate.retrieval.retrievers import COMPANY_HALF_LIFE_SECONDS, RECENT_ITEMS
from palate.retrieval.stock import Stock

# Those of the teacher ([teacher] in palate.toml); trees that correct the mixture make up for other proportions.
OWN, COMPANY, FOLDED, POPULAR = 0.5, 0.25, 0.25, 0.025
OWN_HALF_LIFE_SECONDS = 14 * DAY_SECONDS
IN_FOLDED = 0.1  # of recent popularity: a fold-in says nothing of what is heard now


def opinions(items: NDArray[np.int32], query: Query, stock: Stock) -> NDArray[np.float32]:
    """(n, 6) float32: own, company, fold-in, popularity, taste, each over its highest; the mixture of the first four.

    Around 0 to 1; above 1 where a candidate is ahead of everything heard lately. The fold-in is NaN in a stock without
    one, and counts as nothing in the mixture.
    """
    record = query.record
    latest = _latest(record, stock.n_items)
    rows = np.concatenate([items, record.items[latest]])
    n, lately = len(items), _own(rows, record)
    told = np.stack([lately, _company(rows, record, latest, stock), _folded(rows, record, stock)], axis=1)
    told[:, :2] *= _over_highest(told[n:, :2])
    told[:, 2] *= _over_highest(told[n:, 2:])[0]
    popular = stock.vectors[rows, -1] / (stock.highest_popularity or 1.0)
    mixed = COMPANY * told[:, 1] + FOLDED * np.nan_to_num(told[:, 2]) + POPULAR * popular
    mixed *= (COMPANY + FOLDED) * _over_highest(mixed[n:, None])[0]
    mixed += OWN * told[:, 0]
    taste = stock.vectors[rows] @ query.taste
    taste = taste * _over_highest(taste[n:, None])[0]
    return np.column_stack([told, popular, taste, mixed])[:n].astype(np.float32)


def _latest(record: UserRecord, n_items: int) -> NDArray[np.intp]:
    """Positions in the record of the items played latest: they call their company, and are the measure of the rest."""
    played = np.flatnonzero((record.plays > 0) & (record.items < n_items))
    if len(played) > RECENT_ITEMS:
        return played[np.argpartition(-record.last[played], RECENT_ITEMS - 1)[:RECENT_ITEMS]]
    return played


def _places(rows: NDArray[np.int32], record: UserRecord) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """(n,) which rows were played, and for those their positions in the record."""
    if not len(record.items):
        return np.zeros(len(rows), np.bool_), np.zeros(0, np.intp)
    place = np.minimum(np.searchsorted(record.items, rows), len(record.items) - 1)
    played = (record.items[place] == rows) & (record.plays[place] > 0)
    return played, place[played]


def _own(rows: NDArray[np.int32], record: UserRecord) -> NDArray[np.float64]:
    """(n,) plays that halve every 14 days: exact for one play, nearly for more.

    The record's weights halve every 28 days; fading them again by the age of the latest play makes up the difference.
    """
    again = 1.0 / (1.0 / OWN_HALF_LIFE_SECONDS - 1.0 / float(HALF_LIVES_SECONDS[AFFINITY_HALF_LIFE]))
    played, place = _places(rows, record)
    out = np.zeros(len(rows))
    out[played] = record.weights[place] * decay(record.at - record.last[place], again)
    return out


def _company(
    rows: NDArray[np.int32], record: UserRecord, latest: NDArray[np.intp], stock: Stock
) -> NDArray[np.float64]:
    """(n,) sum of weight x cosine with the latest items; an item played is its own closest company."""
    out = np.zeros(len(rows))
    played, place = _places(rows, record)
    out[played] = decay(record.at - record.last[place], COMPANY_HALF_LIFE_SECONDS)
    if not len(latest):
        return out
    anchors, weights = record.items[latest], decay(record.at - record.last[latest], COMPANY_HALF_LIFE_SECONDS)
    neighbours, gains = stock.company.items[anchors].ravel(), (stock.company.scores[anchors] * weights[:, None]).ravel()
    distinct, inverse = np.unique(rows, return_inverse=True)
    where = np.minimum(np.searchsorted(distinct, neighbours), len(distinct) - 1)
    wanted = distinct[where] == neighbours
    return out + np.bincount(where[wanted], gains[wanted], minlength=len(distinct))[inverse]


def _folded(rows: NDArray[np.int32], record: UserRecord, stock: Stock) -> NDArray[np.float64]:
    """(n,) dot products with the fold-in, and some popularity; NaN in a stock without one."""
    if stock.fold_in is None:
        return np.full(len(rows), np.nan)
    alone = stock.fold_in.scores(rows, stock.fold_in.solved(record))
    return np.asarray(alone + IN_FOLDED * stock.vectors[rows, -1], np.float64)


def _over_highest(own: NDArray[np.floating]) -> NDArray[np.float64]:
    """(columns,) 1 over each column's highest; 1 where nothing is above 0, or nothing was played."""
    highest = np.nan_to_num(own.max(axis=0, initial=0.0))
    return np.asarray(1.0 / np.where(highest > 0, highest, 1.0), np.float64)
