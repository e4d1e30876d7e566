"""The retrievers: one small function each, from a query to an offer of at most n items. More are in lately, everybody.

The order of RETRIEVERS says whose evidence is most telling when several offer the same item: a listen of one's own says
more than company, company more than closeness of vectors, and that more than being new or popular.
"""

from collections.abc import Callable

import numpy as np

from palate.core.candidates import Offer
from palate.core.clock import DAY_SECONDS
from palate.embeddings.records import decay
from palate.retrieval.everybody import circle, country, new, popular, rarely_heard, rising
from palate.retrieval.lately import due, interests, sequence
from palate.retrieval.offers import best, company_of, nearest, wanted
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock

Retriever = Callable[[Query, Stock, int], Offer]

RECENT_ITEMS = 100  # of a listener's items, how many call their company; more changes nothing on 30Music
COMPANY_HALF_LIFE_SECONDS = 30.0 * DAY_SECONDS


def again(query: Query, stock: Stock, n: int) -> Offer:
    """What the listener has played before, by decayed plays: much of listening is re-listening."""
    record = query.record
    played = np.flatnonzero((record.plays > 0) & (record.items < stock.n_items))
    played = played[wanted(record.items[played], query)]
    chosen = played[best(record.items[played], record.weights[played], n)]
    return Offer.of(record.items[chosen], record.weights[chosen].astype(np.float32), record.items[chosen])


def company(query: Query, stock: Stock, n: int) -> Offer:
    """What is heard together with the listener's latest items; each item calls by how recently it was heard."""
    record = query.record
    played = np.flatnonzero((record.plays > 0) & (record.items < stock.n_items))
    latest = played[best(record.items[played], record.last[played], RECENT_ITEMS)]
    weights = decay(record.at - record.last[latest], COMPANY_HALF_LIFE_SECONDS)
    return company_of(record.items[latest], weights, query, stock, n)


def company_of_seeds(query: Query, stock: Stock, n: int) -> Offer:
    """What is heard together with the seeds; later seeds weigh a little less."""
    weights = np.power(0.9, np.arange(len(query.seeds), dtype=np.float64))
    return company_of(query.seeds, weights, query, stock, n)


def near_taste(query: Query, stock: Stock, n: int) -> Offer:
    """The nearest items to the taste in the whole catalogue. A stranger's is nobody's own, so nothing is near it."""
    if not stock.knows(query):
        return Offer.none()
    return nearest(query.taste, query, stock, n)[0]


def near_seeds(query: Query, stock: Stock, n: int) -> Offer:
    """The items whose direction is closest to the first seed's, popularity left out.

    At a right angle or beyond is not near, so nothing is near a seed of which nothing is known.
    """
    if not len(query.seeds):
        return Offer.none()
    seed = int(query.seeds[0])
    direction = np.append(stock.directions[seed], np.float32(0.0))
    rows = nearest(direction, query, stock, 4 * n)[0].items  # by dot product; then by angle, among enough of them
    cosine = stock.directions[rows] @ stock.directions[seed]
    rows, cosine = rows[cosine > 0], cosine[cosine > 0]
    chosen = best(rows, cosine, n)
    return Offer(rows[chosen], cosine[chosen], np.full(len(chosen), seed, np.int32))


RETRIEVERS: dict[str, Retriever] = {
    "again": again,
    "due": due,
    "sequence": sequence,
    "company": company,
    "company_of_seeds": company_of_seeds,
    "interests": interests,
    "near_taste": near_taste,
    "near_seeds": near_seeds,
    "circle": circle,
    "rising": rising,
    "new": new,
    "country": country,
    "popular": popular,
    "rarely_heard": rarely_heard,
}
