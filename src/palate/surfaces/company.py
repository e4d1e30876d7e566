"""How well candidates go with a list of items: the parts that radio, autoplay and enhance add up."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.retrieval.offers import company_of
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.surfaces.lists import places_in

FADE = 0.9  # the weight of a seed beside the one before it, as in retrieval


def near_all(rows: NDArray[np.int32], anchors: NDArray[np.int32], stock: Stock, fade: float) -> NDArray[np.float32]:
    """(n,) cosine with the weighted sum of the anchors' directions; anchor i weighs fade^i; 0 without any."""
    weights = np.power(fade, np.arange(len(anchors), dtype=np.float32))
    centre = weights @ stock.directions[anchors] if len(anchors) else np.zeros(stock.directions.shape[1], np.float32)
    near: NDArray[np.float32] = stock.directions[rows] @ (centre / max(float(np.linalg.norm(centre)), 1e-9))
    return near.astype(np.float32)


def offered_by(candidates: Candidates, names: Sequence[str]) -> NDArray[np.float32]:
    """(n,) the sum of what these retrievers gave each candidate; 0 where none of them offered it."""
    total = np.zeros(len(candidates), np.float32)
    for name in names:
        if name in candidates.sources:
            total += np.nan_to_num(candidates.offered[:, candidates.sources.index(name)])
    return total


def near_taste(rows: NDArray[np.int32], query: Query, stock: Stock) -> NDArray[np.float32]:
    """(n,) cosine with the listener's own taste; 0 when nothing is known of them."""
    if not stock.knows(query):
        return np.zeros(len(rows), np.float32)
    near: NDArray[np.float32] = stock.directions[rows] @ stock.direction_of(query.taste)
    return near


def kept_company(
    rows: NDArray[np.int32], anchors: NDArray[np.int32], query: Query, stock: Stock, fade: float
) -> NDArray[np.float32]:
    """(n,) the weighted sum of each row's cosines with the anchors whose company it is; anchor i weighs fade^i."""
    if not len(anchors):
        return np.zeros(len(rows), np.float32)
    weights = np.power(fade, np.arange(len(anchors), dtype=np.float64))
    offer = company_of(anchors, weights, query, stock, anchors.size * stock.company.items.shape[1])
    order = np.argsort(offer.items)
    place = np.minimum(np.searchsorted(offer.items, rows, sorter=order), max(len(order) - 1, 0))
    found = np.zeros(len(rows), np.float32)
    if len(order):
        there = offer.items[order[place]] == rows
        found[there] = offer.scores[order[place[there]]]
    return found


def own_plays(rows: NDArray[np.int32], query: Query) -> NDArray[np.float32]:
    """(n,) log(1 + the listener's decayed plays) of each row; 0 for what they never met."""
    place, held = places_in(query.record, rows)
    weights = query.record.weights[place] if held.any() else np.zeros(len(rows))
    return np.log1p(np.where(held, weights, 0.0)).astype(np.float32)
