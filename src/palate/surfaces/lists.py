"""What surfaces that are lists share: reading a record at candidates, orders, and a word about an empty answer."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates, Removed
from palate.core.slate import Slate
from palate.embeddings.records import UserRecord
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock


def places_in(record: UserRecord, rows: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """((n,) places in the record's columns, 0 where it lacks the row; (n,) whether it holds the row)."""
    if not len(record.items):
        return np.zeros(len(rows), np.intp), np.zeros(len(rows), np.bool_)
    place = np.minimum(np.searchsorted(record.items, rows), len(record.items) - 1)
    held = record.items[place] == rows
    return np.where(held, place, 0), held


def heard_by(record: UserRecord, rows: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(n,) whether the listener ever played each row, saved it or picked it."""
    return np.isin(rows, record.items[record.plays > 0])


def only(rows: NDArray[np.int32], stock: Stock) -> NDArray[np.bool_]:
    """(items,) a mask of these rows alone, for Query.only."""
    mask = np.zeros(stock.n_items, np.bool_)
    mask[rows[rows < stock.n_items]] = True
    return mask


def by_score(candidates: Candidates, query: Query, stock: Stock, n: int) -> tuple[Candidates, list[Removed]]:
    """The first n by score alone, ties by item row: a Recipe's `arrange` where the order itself is what is told."""
    return candidates.take(np.lexsort((candidates.items, -candidates.scores))[:n]), []


def interleaved(familiar: NDArray[np.bool_], every: int) -> NDArray[np.intp]:
    """Positions of n items, given best first, in an order in which each `every`-th one is familiar.

    What is left of one sort when the other runs out follows at the end.

    >>> interleaved(np.array([True, False, False, True, False]), 2).tolist()
    [1, 0, 2, 3, 4]
    """
    known, new = np.flatnonzero(familiar).tolist(), np.flatnonzero(~familiar).tolist()
    order: list[int] = []
    while known and new:
        order.append((known if (len(order) + 1) % every == 0 else new).pop(0))
    return np.array(order + known + new, np.intp)


def noted(slate: Slate, sentence: str) -> Slate:
    """The slate with a sentence that says why it is empty; a slate that is not stays as it is."""
    return slate if slate.items else replace(slate, note=sentence)
