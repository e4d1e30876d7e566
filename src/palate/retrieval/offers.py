"""What retrievers share: the n best, the nearest in the index, the company of some items."""

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Offer
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock


def best(items: NDArray[np.int32], scores: NDArray[np.floating], n: int) -> NDArray[np.intp]:
    """Positions of the n highest scores, descending, ties by smaller item row."""
    if len(items) > 4 * n:  # cut first: sorting everything costs more than the request has
        part = np.argpartition(-scores, n - 1)[:n]
        kept = np.flatnonzero(scores >= scores[part].min())
        return kept[np.lexsort((items[kept], -scores[kept]))][:n]
    return np.lexsort((items, -scores))[:n]


def wanted(items: NDArray[np.int32], query: Query) -> NDArray[np.bool_]:
    """(n,) which of these may be offered to this request."""
    return np.ones(len(items), np.bool_) if query.only is None else query.only[items]


def nearest(vectors: NDArray[np.float32], query: Query, stock: Stock, n: int) -> list[Offer]:
    """For each of the vectors # (dim,) or (q, dim) the n items with the greatest inner product that can be played."""
    allowed = stock.playable if query.only is None else stock.playable & query.only
    rows, scores = stock.index.nearest(vectors, n, allowed=allowed, space=stock.space)
    return [Offer.of(row[row >= 0], score[row >= 0]) for row, score in zip(rows, scores, strict=True)]


def company_of(anchors: NDArray[np.int32], weights: NDArray[np.float64], query: Query, stock: Stock, n: int) -> Offer:
    """Sum over anchors of weight x cosine; the evidence is the anchor that gave the most."""
    items = stock.company.items[anchors]
    flat, gain = items.ravel(), (stock.company.scores[anchors] * weights[:, None].astype(np.float32)).ravel()
    there = np.flatnonzero((flat >= 0) if query.only is None else (flat >= 0) & query.only[flat])
    order = there[np.argsort(_by_item_and_gain(flat[there], gain[there]), kind="stable")]
    flat, gain, anchor = flat[order], gain[order], anchors[order // items.shape[1]]
    if not len(flat):
        return Offer.none()
    start = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    total = np.add.reduceat(gain, start)
    chosen = best(flat[start], total, n)
    return Offer(flat[start][chosen], total[chosen].astype(np.float32), anchor[start][chosen])


def _by_item_and_gain(items: NDArray[np.int32], gains: NDArray[np.float32]) -> NDArray[np.int64]:
    """(n,) int64 that ascend by item, and within one descend by gain: one sort instead of two.

    The bits of a float that is 0 or more, read as a whole number, are in the order of the floats.
    """
    lowered = np.maximum(gains, np.float32(0.0)).view(np.int32)
    return (items.astype(np.int64) << 32) - lowered
