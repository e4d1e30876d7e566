"""Retrievers that read what the listener heard lately, and how long ago: interests, the sequence, what is due again."""

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Offer
from palate.core.clock import DAY_SECONDS
from palate.retrieval.offers import best, company_of, nearest, wanted
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock

SEQUENCE_ITEMS = 10
SEQUENCE_FADE = 0.8  # the weight of each item beside the one heard after it
INTERESTS = 3
INTEREST_ITEMS = 60  # the latest, that are put into interests
LEAST_OF_INTERESTS = 6  # items with a direction; of fewer one taste says as much
ROUNDS = 4
LEAST_PLAYS = 2  # of what may be due again
REST_DAYS, LONGEST_DAYS = 14.0, 182.0  # since it was heard


def sequence(query: Query, stock: Stock, n: int) -> Offer:
    """What is heard together with the last few items, the last one loudest."""
    latest = _latest(query, stock, SEQUENCE_ITEMS)
    return company_of(latest, np.power(SEQUENCE_FADE, np.arange(len(latest), dtype=np.float64)), query, stock, n)


def interests(query: Query, stock: Stock, n: int) -> Offer:
    """The nearest to each of several interests, which are clusters of the latest items, in equal shares.

    One mean of two interests lies between them, where neither is. The evidence is the item of the interest that is
    closest. PinnerSage (arXiv 2007.03634) answers from medoids in the same way.
    """
    latest = _latest(query, stock, INTEREST_ITEMS)
    latest = latest[stock.directions[latest].any(axis=1)]
    if len(latest) < LEAST_OF_INTERESTS:
        return Offer.none()
    mine = stock.directions[latest]
    centres, cluster = _clusters(mine)
    asked = np.column_stack([centres, np.zeros(len(centres), np.float32)])  # popularity left out
    offers = nearest(asked, query, stock, -(-n // len(centres)))
    rows = np.unique(np.concatenate([offer.items for offer in offers]))
    closeness = stock.directions[rows] @ centres.T
    home = np.argmax(closeness, axis=1)
    alike = np.where(cluster[None, :] == home[:, None], stock.directions[rows] @ mine.T, -2.0)
    alike[rows[:, None] == latest[None, :]] = -2.0  # nothing is near itself
    there = alike.max(axis=1, initial=-2.0) > -2.0
    rows, closeness, alike = rows[there], closeness[there], alike[there]
    order = best(rows, closeness.max(axis=1, initial=-2.0), n)
    because = latest[np.argmax(alike[order], axis=1)] if len(order) else np.zeros(0, np.int32)
    return Offer(rows[order], closeness[order].max(axis=1, initial=-2.0), because.astype(np.int32))


def due(query: Query, stock: Stock, n: int) -> Offer:
    """What the listener played more than once and has not heard for a while, by plays and how recently.

    Not before REST_DAYS, and not what was left behind LONGEST_DAYS ago.
    """
    record = query.record
    days = (query.now - record.heard_last) / DAY_SECONDS
    ripe = (record.heard >= LEAST_PLAYS) & (days >= REST_DAYS) & (days <= LONGEST_DAYS)
    rows = np.flatnonzero(ripe & (record.items < stock.n_items))
    rows = rows[wanted(record.items[rows], query)]
    scores = np.log1p(record.heard[rows]) * np.sqrt(REST_DAYS / days[rows])
    chosen = rows[best(record.items[rows], scores, n)]
    return Offer.of(record.items[chosen], np.sort(scores)[::-1][: len(chosen)].astype(np.float32), record.items[chosen])


def _latest(query: Query, stock: Stock, n: int) -> NDArray[np.int32]:
    """Up to n rows that the listener played and did not hide, the latest first."""
    record = query.record
    played = np.flatnonzero((record.plays > 0) & (record.items < stock.n_items))
    played = played[~np.isin(record.items[played], record.hidden)] if len(record.hidden) else played
    return record.items[played[np.lexsort((record.items[played], -record.last[played]))[:n]]]


def _clusters(points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Spherical k-means of unit rows, begun at the first and at those farthest from all chosen: no chance in it."""
    chosen = [0]
    while len(chosen) < INTERESTS:
        chosen.append(int(np.argmin((points @ points[chosen].T).max(axis=1))))
    centres = points[chosen]
    for _ in range(ROUNDS):
        cluster = np.argmax(points @ centres.T, axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, cluster, points)
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(length > 0, sums / np.maximum(length, 1e-9), centres).astype(np.float32)
    return centres, np.argmax(points @ centres.T, axis=1)
