"""What the teacher would say of the candidates: its four opinions as shares of the listener's own best, and their sum.

The student's taste says nearly what the teacher says, with one vector (embeddings/teacher.py). A request has the
listener's record and a few hundred candidates, so it can afford the teacher itself: decayed own plays, company, an
exact fold-in and recent popularity. Each is divided by its highest among the listener's own latest items, so that it
means the same whichever other candidates there are, alone in an explanation or among hundreds in a list.
"""

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.embeddings.company import Company
from palate.embeddings.records import AFFINITY_HALF_LIFE, HALF_LIVES_SECONDS, UserRecord, decay
from palate.ranking.rows import Rows
from palate.retrieval.query import Query
from palate.retrieval.retrievers import COMPANY_HALF_LIFE_SECONDS
from palate.retrieval.stock import Stock

# Those of the teacher ([teacher] in palate.toml); trees that correct the mixture make up for other proportions.
OWN, COMPANY, FOLDED, POPULAR = 0.5, 0.25, 0.25, 0.025
OWN_HALF_LIFE_SECONDS = 14 * DAY_SECONDS
IN_FOLDED = 0.1  # of recent popularity: a fold-in says nothing of what is heard now
SIEVE = 1 << 14  # bits of a row by which most of what is not asked about is thrown out before any search


def opinions(
    rows: Rows, tastes: NDArray[np.float32], popularity: NDArray[np.float32], query: Query, stock: Stock
) -> NDArray[np.float32]:
    """(r, 6) float32: own, company, fold-in, popularity, taste, each over its highest; the mixture of the first four.

    tastes     # (r,) dot products with the taste
    popularity # (r,) the last coordinate of the vectors
    Around 0 to 1; above 1 where a candidate is ahead of everything heard lately. The fold-in is NaN in a stock without
    one, and counts as nothing in the mixture.
    """
    record, latest = query.record, rows.latest
    out = np.empty((len(rows.rows), 6), np.float32)
    own, company = _own(rows, record), _company(rows, record, stock.company)
    own *= _over_highest(own[latest])
    company *= _over_highest(company[latest])
    popular = popularity / (stock.highest_popularity or 1.0)
    mixed = COMPANY * company
    folded: NDArray[np.float64] | float = np.nan
    if stock.fold_in is not None:
        alone = stock.fold_in.scores(rows.rows, stock.fold_in.solved(record))
        folded = np.asarray(alone + IN_FOLDED * popularity, np.float64)
        folded *= _over_highest(folded[latest])
        mixed += FOLDED * folded
    mixed += POPULAR * popular
    mixed *= (COMPANY + FOLDED) * _over_highest(mixed[latest])
    mixed += OWN * own
    out[:, 0], out[:, 1], out[:, 2], out[:, 3], out[:, 5] = own, company, folded, popular, mixed
    out[:, 4] = tastes * _over_highest(tastes[latest])
    return out


def _own(rows: Rows, record: UserRecord) -> NDArray[np.float64]:
    """(r,) plays that halve every 14 days: exact for one play, nearly for more.

    The record's weights halve every 28 days; fading them again by the age of the latest play makes up the difference.
    """
    again = 1.0 / (1.0 / OWN_HALF_LIFE_SECONDS - 1.0 / float(HALF_LIVES_SECONDS[AFFINITY_HALF_LIFE]))
    fade = np.where(record.plays[rows.place] > 0, decay(record.at - record.last[rows.place], again), 0.0)
    return rows.scattered(record.weights[rows.place] * fade)


def _company(rows: Rows, record: UserRecord, company: Company) -> NDArray[np.float64]:
    """(r,) sum of weight x cosine with the latest items; an item played is its own closest company."""
    fade = np.where(
        record.plays[rows.place] > 0, decay(record.at - record.last[rows.place], COMPANY_HALF_LIFE_SECONDS), 0.0
    )
    out = rows.scattered(fade)
    if not len(rows.recent):
        return out
    anchors = record.items[rows.recent]
    weights = decay(record.at - record.last[rows.recent], COMPANY_HALF_LIFE_SECONDS)
    neighbours, gains = company.items[anchors], company.scores[anchors]
    sieve = np.zeros(SIEVE, np.bool_)
    sieve[rows.rows & (SIEVE - 1)] = True
    likely = np.flatnonzero(sieve[neighbours & (SIEVE - 1)])
    neighbours = neighbours.ravel()[likely]
    where = np.minimum(np.searchsorted(rows.rows, neighbours), len(rows.rows) - 1)
    wanted = np.flatnonzero(rows.rows[where] == neighbours)
    likely = likely[wanted]
    gains = gains.ravel()[likely] * weights[likely // company.items.shape[1]]
    return out + np.bincount(where[wanted], gains, minlength=len(out))


def _over_highest(own: NDArray[np.floating]) -> float:
    """1 over the highest; 1 where nothing is above 0, or nothing was played."""
    highest = own.max(initial=0.0)
    return float(1.0 / highest) if highest > 0 else 1.0
