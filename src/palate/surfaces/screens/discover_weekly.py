"""discover_weekly: thirty items, all but three of them never heard, from outside the usual bubble; one list a week.

The list is made when it is first asked for in an ISO week of home time, from what the listener is like then, and its
rows are kept (listening/weekly.py). For the rest of the week the same rows go through the request path again: so the
order stays, what was hidden or taken off the shelf goes, and every sentence is true of now. What was in a list of the
last weeks is not in the next. Of whom little is known no list is kept: it gets better with each listen.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates, Removed
from palate.core.slate import Slate
from palate.listening.weekly import FILE, WeeklyLists
from palate.ranking.ranker import Ranker
from palate.retrieval.filters import ALWAYS, not_just_skipped
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.surfaces.ask import Ask
from palate.surfaces.lists import by_score, heard_by, interleaved, noted, only
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Recipe, RequestPath
from palate.surfaces.screens.for_you import score as liking
from palate.surfaces.surface import Surface

NAME = "discover_weekly"
LENGTH = 30
FAMILIAR_EVERY = 10
LEAST_ITEMS = 10  # played; of who has fewer no list is kept
QUOTAS = {"again": 100, "company": 300, "near_taste": 300, "new": 20, "popular": 100}


def adventurous(candidates: Candidates, query: Query, stock: Stock, n: int) -> tuple[Candidates, list[Removed]]:
    """Artists never heard first, one item of each; then more of them; then the unheard of known artists.

    Each tenth item is a familiar one, as far as there are any.
    """
    best, _ = by_score(candidates, query, stock, len(candidates))
    familiar = heard_by(query.record, best.items)
    known = np.flatnonzero(familiar)[: n // FAMILIAR_EVERY]
    new = np.flatnonzero(~familiar)
    new = new[np.argsort(_distance(best.items[new], query, stock), kind="stable")][: n - len(known)]
    chosen = best.take(np.concatenate([known, new]))
    turns = interleaved(np.arange(len(chosen)) < len(known), FAMILIAR_EVERY)
    return chosen.take(turns[:n]), []


def _distance(rows: NDArray[np.int32], query: Query, stock: Stock) -> NDArray[np.int64]:
    """(n,) 0 for the first item of an artist never heard, 1 for further ones, 2 for an artist that was heard.

    Items of unknown artists are 0: nothing says that they are of the bubble.
    """
    record, artist = query.record, stock.columns.artist
    played = record.items[(record.plays > 0) & (record.items < stock.n_items)]
    mine, seen, out = set(artist[played].tolist()), set[int](), np.zeros(len(rows), np.int64)
    for place, code in enumerate(artist[rows].tolist()):
        if code >= 0:
            out[place] = 2 if code in mine else int(code in seen)
            seen.add(code)
    return out


MAKING = Recipe(NAME, QUOTAS, (*ALWAYS, not_just_skipped), liking, adventurous)


def shown(rows: Sequence[int]) -> Recipe:
    """The recipe that shows a list that was made, in its order."""
    places = {row: place for place, row in enumerate(rows)}

    def score(candidates: Candidates, query: Query, stock: Stock, ranker: Ranker) -> NDArray[np.float32]:
        """From 1 for the first of the list down; what is not in it was not offered."""
        return np.array([1.0 - places[row] / LENGTH for row in candidates.items.tolist()], np.float32)

    return Recipe(NAME, QUOTAS, ALWAYS, score, by_score)


def made(query: Query, path: RequestPath, past: Sequence[NDArray[np.int32]]) -> NDArray[np.int32]:
    """The rows of a new list, in order, without what was in `past` lists, whatever the request excludes."""
    before = np.concatenate([np.zeros(0, np.int32), *past])
    return path.rank(MAKING, replace(query, exclude=before, only=None), LENGTH).candidates.items


def week_of(home_seconds: float) -> str:
    """The ISO week of a moment, UTC.

    >>> week_of(0.0), week_of(1_795_305_600.0)
    ('1970-W01', '2026-W47')
    """
    year, week, _ = datetime.fromtimestamp(home_seconds, UTC).isocalendar()
    return f"{year}-W{week:02d}"


def answer(ask: Ask, live: LiveHome) -> Slate:
    """The list of this week. A private request keeps none, and is shown the one that is kept."""
    query = live.query(replace(ask, seeds=()), NAME)
    rows = _of_week(ask, query, live)
    query = replace(query, only=only(rows, live.path.stock))
    slate = live.path.answer(shown(rows.tolist()), query, min(ask.n, LENGTH), ask.listener)
    return noted(slate, "Nothing of this week's list is left that can be shown.")


def _of_week(ask: Ask, query: Query, live: LiveHome) -> NDArray[np.int32]:
    week, file = week_of(query.now), live.home.listening / FILE
    keeps = not ask.private and int((query.record.plays > 0).sum()) >= LEAST_ITEMS
    if not keeps and not file.is_file():
        return made(query, live.path, [])
    with WeeklyLists(file) as lists:
        kept = lists.of(ask.listener)
        if week in kept:
            return kept[week]
        rows = made(query, live.path, list(kept.values()))
        return lists.keep(ask.listener, week, rows, live.clock.wall()) if keeps and len(rows) else rows


SURFACE = Surface(NAME, "thirty items from outside the usual bubble, one list a week", answer)
