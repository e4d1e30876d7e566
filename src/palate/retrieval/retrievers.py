"""The retrievers: one small function each, from a query to an offer of at most n items.

The order of RETRIEVERS says whose evidence is most telling when several offer the same item: a listen of one's own says
more than company, company more than closeness of vectors, and that more than being new or popular.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Offer
from palate.core.clock import DAY_SECONDS
from palate.embeddings.records import decay
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock

Retriever = Callable[[Query, Stock, int], Offer]

RECENT_ITEMS = 100  # of a listener's items, how many call their company; more changes nothing on 30Music
COMPANY_HALF_LIFE_SECONDS = 30.0 * DAY_SECONDS


def _best(items: NDArray[np.int32], scores: NDArray[np.floating], n: int) -> NDArray[np.intp]:
    """Positions of the n highest scores, descending, ties by smaller item row."""
    if len(items) > 4 * n:  # cut first: sorting everything costs more than the request has
        part = np.argpartition(-scores, n - 1)[:n]
        kept = np.flatnonzero(scores >= scores[part].min())
        return kept[np.lexsort((items[kept], -scores[kept]))][:n]
    return np.lexsort((items, -scores))[:n]


def _wanted(items: NDArray[np.int32], query: Query) -> NDArray[np.bool_]:
    """(n,) which of these may be offered to this request."""
    return np.ones(len(items), np.bool_) if query.only is None else query.only[items]


def again(query: Query, stock: Stock, n: int) -> Offer:
    """What the listener has played before, by decayed plays: much of listening is re-listening."""
    record = query.record
    played = np.flatnonzero((record.plays > 0) & (record.items < stock.n_items))
    played = played[_wanted(record.items[played], query)]
    best = played[_best(record.items[played], record.weights[played], n)]
    return Offer.of(record.items[best], record.weights[best].astype(np.float32), record.items[best])


def company(query: Query, stock: Stock, n: int) -> Offer:
    """What is heard together with the listener's latest items; each item calls by how recently it was heard."""
    record = query.record
    played = np.flatnonzero((record.plays > 0) & (record.items < stock.n_items))
    latest = played[_best(record.items[played], record.last[played], RECENT_ITEMS)]
    weights = decay(record.at - record.last[latest], COMPANY_HALF_LIFE_SECONDS)
    return _company_of(record.items[latest], weights, query, stock, n)


def company_of_seeds(query: Query, stock: Stock, n: int) -> Offer:
    """What is heard together with the seeds; later seeds weigh a little less."""
    weights = np.power(0.9, np.arange(len(query.seeds), dtype=np.float64))
    return _company_of(query.seeds, weights, query, stock, n)


def _company_of(anchors: NDArray[np.int32], weights: NDArray[np.float64], query: Query, stock: Stock, n: int) -> Offer:
    """Sum over anchors of weight x cosine; the evidence is the anchor that gave the most."""
    items = stock.company.items[anchors]
    scores = stock.company.scores[anchors] * weights[:, None].astype(np.float32)
    flat, gain = items.ravel(), scores.ravel()
    order = np.lexsort((-gain, flat))
    order = order[flat[order] >= 0]
    order = order[_wanted(flat[order], query)]
    flat, gain, anchor = flat[order], gain[order], np.repeat(anchors, items.shape[1])[order]
    if not len(flat):
        return Offer.none()
    start = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    total = np.add.reduceat(gain, start)
    best = _best(flat[start], total, n)
    return Offer(flat[start][best], total[best].astype(np.float32), anchor[start][best])


def near_taste(query: Query, stock: Stock, n: int) -> Offer:
    """The nearest items to the taste in the whole catalogue. A stranger's is nobody's own, so nothing is near it."""
    if not stock.knows(query):
        return Offer.none()
    return _nearest(query.taste, query, stock, n)


def near_seeds(query: Query, stock: Stock, n: int) -> Offer:
    """The items whose direction is closest to the first seed's, popularity left out.

    At a right angle or beyond is not near, so nothing is near a seed of which nothing is known.
    """
    if not len(query.seeds):
        return Offer.none()
    seed = int(query.seeds[0])
    direction = np.append(stock.directions[seed], np.float32(0.0))
    rows = _nearest(direction, query, stock, 4 * n).items  # by dot product; then by angle, among enough of them
    cosine = stock.directions[rows] @ stock.directions[seed]
    rows, cosine = rows[cosine > 0], cosine[cosine > 0]
    best = _best(rows, cosine, n)
    return Offer(rows[best], cosine[best], np.full(len(best), seed, np.int32))


def _nearest(vector: NDArray[np.float32], query: Query, stock: Stock, n: int) -> Offer:
    available = stock.columns.available
    allowed = available if query.only is None else available & query.only
    rows, scores = stock.index.nearest(vector, n, allowed=allowed, space=stock.space)
    found = rows[0] >= 0
    return Offer.of(rows[0][found], scores[0][found])


def new(query: Query, stock: Stock, n: int) -> Offer:
    """What is new in the catalogue, by closeness to the taste; for a stranger by plays in the last week."""
    rows = stock.new[_wanted(stock.new, query)]
    week, taste = stock.trends.week[rows].astype(np.float32), query.taste
    scores = stock.vectors[rows] @ taste if stock.knows(query) else week
    best = _best(rows, scores, n)
    return Offer.of(rows[best], scores[best])


def popular(query: Query, stock: Stock, n: int) -> Offer:
    """What everybody hears: plays in the last week."""
    rows = (stock.popular if query.only is None else stock.popular[query.only[stock.popular]])[:n]
    return Offer.of(rows, stock.trends.week[rows].astype(np.float32))


RETRIEVERS: dict[str, Retriever] = {
    "again": again,
    "company": company,
    "company_of_seeds": company_of_seeds,
    "near_taste": near_taste,
    "near_seeds": near_seeds,
    "new": new,
    "popular": popular,
}
