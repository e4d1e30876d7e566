"""Filters: each gives back what it kept and what it removed, with the reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates, Removed
from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock

Kept = tuple[NDArray[np.bool_], str]  # mask of what to keep, reason to remove the rest
Filter = Callable[[Candidates, Query, Stock], Kept]

SKIPPED_DAYS = 7.0  # how long a skip keeps an item away
RESTING_DAYS = 30.0  # how long "not now" does: a month is long enough to be missed
JUST_HEARD_SECONDS = 4 * 3600.0  # about one sitting


@dataclass(frozen=True)
class FilterSettings:
    """What may be offered at all ([filters] in palate.toml)."""

    SECTION: ClassVar[str] = "filters"

    explicit: bool = True  # offer explicit items to who did not say otherwise by the attribute `explicit_ok`
    languages: Literal["any", "strict"] = "any"  # strict: who named languages gets no items in others


def available(candidates: Candidates, query: Query, stock: Stock) -> Kept:
    """Only what can be played."""
    return stock.columns.available[candidates.items], "unavailable"


def not_excluded(candidates: Candidates, query: Query, stock: Stock) -> Kept:
    """Not what the request excludes, and not the seeds themselves."""
    return _not_among(candidates, np.concatenate([query.exclude, query.seeds])), "excluded by the request"


def not_hidden(candidates: Candidates, query: Query, stock: Stock) -> Kept:
    """Not what the listener asked not to be given."""
    return _not_among(candidates, query.record.hidden), "hidden by the listener"


def not_hidden_artist(candidates: Candidates, query: Query, stock: Stock) -> Kept:
    """Nothing by an artist whom the listener hid, also what came later; of an unknown artist, not the marked item."""
    reason, marked = "artist hidden by the listener", query.record.marks.of(Event.HIDE_ARTIST)
    if not len(marked):
        return np.ones(len(candidates), np.bool_), reason
    artist = stock.columns.artist
    kept = ~np.isin(artist[candidates.items], query.record.marks.hidden_artists(artist))
    nobodys = marked[(marked < len(artist)) & (artist[np.minimum(marked, len(artist) - 1)] < 0)]
    return kept & _not_among(candidates, nobodys), reason


def not_resting(candidates: Candidates, query: Query, stock: Stock) -> Kept:
    """Not what the listener wanted "not now" in the last days."""
    resting = query.record.marks.resting(query.now, RESTING_DAYS * DAY_SECONDS)
    return _not_among(candidates, resting), "not now"


def explicit_allowed(candidates: Candidates, query: Query, stock: Stock) -> Kept:
    """Nothing explicit where the home or the listener does not want it."""
    allowed = np.ones(len(candidates), np.bool_) if query.limits.explicit else ~stock.columns.explicit[candidates.items]
    return allowed, "explicit"


def in_language(candidates: Candidates, query: Query, stock: Stock) -> Kept:
    """Nothing in a language that the listener did not name, where the home is strict about it."""
    reason, named = "another language", query.limits.languages
    if named is None:
        return np.ones(len(candidates), np.bool_), reason
    language = stock.columns.language[candidates.items]
    return (language < 0) | np.isin(language, named), reason


def not_heard(candidates: Candidates, query: Query, stock: Stock) -> Kept:
    """Only what the listener never played."""
    return _not_among(candidates, query.record.items[query.record.plays > 0]), "heard before"


def not_just_heard(candidates: Candidates, query: Query, stock: Stock) -> Kept:
    """Not what the listener heard in this sitting."""
    record = query.record
    return _not_among(candidates, record.items[record.last > query.now - JUST_HEARD_SECONDS]), "just heard"


def not_just_skipped(candidates: Candidates, query: Query, stock: Stock) -> Kept:
    """Not what the listener skipped in the last days and has more skips than plays of."""
    record = query.record
    unwanted = (record.skips > record.plays) & (record.last > query.now - SKIPPED_DAYS * DAY_SECONDS)
    return _not_among(candidates, record.items[unwanted]), "skipped lately"


# What no surface may forget: what can be played, and what the request, the listener and the home do not want.
ALWAYS: tuple[Filter, ...] = (
    available, not_excluded, not_hidden, not_hidden_artist, not_resting, explicit_allowed, in_language,
)  # fmt: skip


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


def allowed(rows: NDArray[np.int32], query: Query, stock: Stock) -> NDArray[np.bool_]:
    """(n,) which of the catalogue rows none of ALWAYS takes out."""
    nobody = np.zeros((len(rows), 0), np.float32)
    candidates = Candidates(rows, (), nobody, nobody.astype(np.int32), np.zeros(len(rows), np.float32))
    kept = np.ones(len(rows), np.bool_)
    for one in ALWAYS:
        kept &= one(candidates, query, stock)[0]
    return kept


def wanted_by_all(queries: Sequence[Query]) -> Filter:
    """Only what none of several listeners, each with a query, wants kept away."""

    def wanted(candidates: Candidates, query: Query, stock: Stock) -> Kept:
        kept = np.ones(len(candidates), np.bool_)
        for one in queries:
            kept &= allowed(candidates.items, one, stock)
        return kept, "not wanted by all of them"

    return wanted


def _not_among(candidates: Candidates, rows: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(n,) True where the item is none of `rows`."""
    if not len(rows):
        return np.ones(len(candidates), np.bool_)
    kept: NDArray[np.bool_] = ~np.isin(candidates.items, rows)
    return kept
