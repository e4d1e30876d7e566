"""Filters: each gives back what it kept and what it removed, with the reason."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates, Removed
from palate.core.clock import DAY_SECONDS
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock

Filter = Callable[[Candidates, Query, Stock], tuple[NDArray[np.bool_], str]]  # mask of what to keep, reason to remove

SKIPPED_DAYS = 7.0  # how long a skip keeps an item away


def available(candidates: Candidates, query: Query, stock: Stock) -> tuple[NDArray[np.bool_], str]:
    """Only what can be played."""
    return stock.columns.available[candidates.items], "unavailable"


def not_excluded(candidates: Candidates, query: Query, stock: Stock) -> tuple[NDArray[np.bool_], str]:
    """Not what the request excludes, and not the seeds themselves."""
    return ~np.isin(candidates.items, np.concatenate([query.exclude, query.seeds])), "excluded by the request"


def not_hidden(candidates: Candidates, query: Query, stock: Stock) -> tuple[NDArray[np.bool_], str]:
    """Not what the listener ever asked not to be given."""
    return ~np.isin(candidates.items, query.record.hidden), "hidden by the listener"


def not_heard(candidates: Candidates, query: Query, stock: Stock) -> tuple[NDArray[np.bool_], str]:
    """Only what the listener never played."""
    return ~np.isin(candidates.items, query.record.items[query.record.plays > 0]), "heard before"


def not_just_skipped(candidates: Candidates, query: Query, stock: Stock) -> tuple[NDArray[np.bool_], str]:
    """Not what the listener skipped in the last days and has more skips than plays of."""
    record = query.record
    unwanted = (record.skips > record.plays) & (record.last > query.now - SKIPPED_DAYS * DAY_SECONDS)
    return ~np.isin(candidates.items, record.items[unwanted]), "skipped lately"


def name_of(one: Filter) -> str:
    """What a filter is called: the name of its function, or of its class where it is an object."""
    return str(getattr(one, "__name__", type(one).__name__))


def apply(
    filters: Sequence[Filter], candidates: Candidates, query: Query, stock: Stock
) -> tuple[Candidates, list[Removed]]:
    """Runs the filters in order; what one removed, the next does not see."""
    removed = []
    for one in filters:
        keep, reason = one(candidates, query, stock)
        if not keep.all():
            removed.append(Removed(candidates.items[~keep], reason, name_of(one)))
            candidates = candidates.take(keep)
    return candidates, removed
