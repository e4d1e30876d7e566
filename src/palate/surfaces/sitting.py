"""The sitting that is under way: what was played and what was skipped in it, as far as a record can tell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.core.clock import HOUR_SECONDS
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock

PAUSE_SECONDS = HOUR_SECONDS  # longer without any event ends a sitting
LEAST_SECONDS = 4 * HOUR_SECONDS  # what was met so lately belongs to it, whatever the pauses


@dataclass(frozen=True)
class Sitting:
    """Catalogue rows, the latest first.

    met     # (m,) int32, everything played, skipped or saved
    played  # (p,) int32, that were not left at their latest meeting
    skipped # (s,) int32, that were left early at their latest meeting
    """

    met: NDArray[np.int32]
    played: NDArray[np.int32]
    skipped: NDArray[np.int32]

    @classmethod
    def of(cls, query: Query, stock: Stock) -> "Sitting":
        """Reads the record: an item counts at its latest event, and the sitting reaches back to the first pause."""
        record = query.record
        inside = np.flatnonzero((record.items < stock.n_items) & (record.last > query.now - _reach_seconds(query)))
        order = inside[np.lexsort((record.items[inside], -record.last[inside]))]
        left = (record.skips[order] > 0) & (record.heard_last[order] < record.last[order])
        heard = (record.heard_last[order] >= record.last[order]) & (record.heard[order] > 0)
        items = record.items[order]
        return cls(items, items[heard], items[left])


def _reach_seconds(query: Query) -> float:
    """How far back from now the sitting reaches: LEAST_SECONDS, and on as long as no pause comes."""
    times = np.sort(query.record.last)[::-1]
    ages = query.now - times
    pauses = np.flatnonzero((np.diff(ages) > PAUSE_SECONDS) & (ages[:-1] >= 0)) if len(ages) else np.zeros(0, np.intp)
    if not len(ages) or ages[0] > LEAST_SECONDS:
        return LEAST_SECONDS
    begun = float(ages[pauses[0]] if len(pauses) else ages[-1])
    return max(LEAST_SECONDS, begun + 1.0)


def not_in_this_sitting(candidates: Candidates, query: Query, stock: Stock) -> tuple[NDArray[np.bool_], str]:
    """Not what was met in this sitting."""
    return ~np.isin(candidates.items, Sitting.of(query, stock).met), "just heard"


def away_from_skipped(rows: NDArray[np.int32], sitting: Sitting, stock: Stock) -> NDArray[np.float32]:
    """(n,) 0 or more: how strongly the skips of the sitting push each row away.

    The sum over skipped items of the cosine where it is positive, and 1 for the same artist: one skip of something at
    a cosine of .5 by the same artist pushes by 1.5.
    """
    if not len(sitting.skipped):
        return np.zeros(len(rows), np.float32)
    alike = np.maximum(stock.directions[rows] @ stock.directions[sitting.skipped].T, 0.0)
    artist = stock.columns.artist
    same = (artist[rows][:, None] == artist[sitting.skipped][None, :]) & (artist[rows] >= 0)[:, None]
    pushed: NDArray[np.float32] = (alike + same).sum(axis=1).astype(np.float32)
    return pushed
