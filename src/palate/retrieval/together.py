"""Retrievers for a list whose items have the same say, such as a playlist: what keeps company with all of it."""

import numpy as np

from palate.core.candidates import Offer
from palate.retrieval.offers import best, company_of, nearest
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock

LEAST_COSINE = 0.3  # with the closest seed: an item farther from each of them is near their middle, and near none


def company_of_list(query: Query, stock: Stock, n: int) -> Offer:
    """What is heard together with the seeds, each of which weighs the same; the evidence is the closest seed."""
    return company_of(query.seeds, np.ones(len(query.seeds)), query, stock, n)


def near_list(query: Query, stock: Stock, n: int) -> Offer:
    """The items whose direction is closest to the middle of the seeds; the evidence is the closest seed.

    What is below LEAST_COSINE of every seed is left out. Empty when the seeds have no directions.
    """
    centre = stock.directions[query.seeds].sum(axis=0)
    length = float(np.linalg.norm(centre))
    if not len(query.seeds) or length == 0.0:
        return Offer.none()
    rows = nearest(np.append(centre / length, np.float32(0.0)).astype(np.float32), query, stock, 4 * n)[0].items
    rows = rows[~np.isin(rows, query.seeds)]
    cosine = stock.directions[rows] @ (centre / length)
    alike = stock.directions[rows] @ stock.directions[query.seeds].T
    near = (cosine > 0) & (alike.max(axis=1, initial=-1.0) >= LEAST_COSINE)
    rows, cosine, alike = rows[near], cosine[near], alike[near]
    chosen = best(rows, cosine, n)
    because = query.seeds[np.argmax(alike[chosen], axis=1)].astype(np.int32)
    return Offer(rows[chosen], cosine[chosen].astype(np.float32), because)
