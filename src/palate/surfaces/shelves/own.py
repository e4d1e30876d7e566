"""Shelves made from what the listener did: back to what they play, what they left, and onwards from it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.core.clock import DAY_SECONDS
from palate.retrieval.filters import Filter, not_heard
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.surfaces.explain import _ago, _times
from palate.surfaces.shelves.draft import Draft, Drafting, Told, says

LATELY_DAYS = 14.0  # what was played in them is what one jumps back to
AWAY_DAYS = 60.0  # not met for so long is forgotten
LOVED_PLAYS = 2  # what was played once was tried, not loved
FAVOURITE_DAYS = 28.0  # in which a favourite was played that leads to others
FAVOURITES, ARTISTS, GENRES = 2, 2, 1  # shelves of each sort at most
LEAST_PLAYS = 3  # of an artist or genre that has a shelf of its own


def jump_back_in(on: Drafting) -> list[Draft]:
    """What was played in the last days, in the order in which it is wanted again."""

    def tell(rows: list[int]) -> Told:
        reason = f"You played each of these in the last {LATELY_DAYS:.0f} days."
        return Told("Jump back in", reason, on.listens(rows))

    return [on.draft("jump_back_in", {"again": 100}, tell, (_played_within(LATELY_DAYS),))]


def rediscover(on: Drafting) -> list[Draft]:
    """What was played more than once and not met since."""

    def tell(rows: list[int]) -> Told:
        reason = f"You played each of these at least {_times(LOVED_PLAYS)}, and none in the last {AWAY_DAYS:.0f} days."
        return Told("Rediscover", reason, on.listens(rows))

    record = on.query.record
    away = (record.last < on.query.now - AWAY_DAYS * DAY_SECONDS) & (record.heard >= LOVED_PLAYS)
    away &= record.items < on.stock.n_items
    best = np.flatnonzero(away)
    best = best[np.argsort(-record.heard[best], kind="stable")[: 2 * on.most]]
    return [on.draft("rediscover", on.offered(record.items[best]), tell)]


def more_by_artists(on: Drafting) -> list[Draft]:
    """What else there is by the artists who are played most, those of these days left to `jump_back_in`."""
    artist, names = on.stock.columns.artist, on.stock.columns.artists
    plays, weights = on.heard_by(artist)
    drafts = []
    for code in _most(plays, weights, ARTISTS):
        told = {"type": "artist", "artist": names[code], "plays": int(plays[code])}
        reason = f"You played {names[code]} {_times(int(plays[code]))}."
        rows = np.flatnonzero(artist == code).astype(np.int32)
        tell = says(Told(f"More by {names[code]}", reason, [told]))
        drafts.append(on.draft(f"more_by:{names[code]}", on.offered(rows), tell, (_not_within(LATELY_DAYS),)))
    return drafts


def because_you_played(on: Drafting) -> list[Draft]:
    """What is heard with, and close to, favourites of late; one favourite an artist."""
    drafts = []
    for seed in favourites(on.query, on.stock, FAVOURITES):
        listen, name = on.listen(seed), on.label(seed)
        last = "last " if listen["plays"] > 1 else ""
        reason = f"You played {name} {_times(listen['plays'])}, {last}{_ago(listen['days_ago'])}."
        query = replace(on.query, seeds=np.array([seed], np.int32))
        tell = says(Told(f"Because you played {name}", reason, [listen]))
        quotas = {"company_of_seeds": 60, "near_seeds": 60}
        drafts.append(on.draft(f"because:{listen['item_id']}", quotas, tell, (not_heard,), query))
    return drafts


def own_genres(on: Drafting) -> list[Draft]:
    """Unheard items of the genre that is played most."""
    genre, names = on.stock.columns.genre, on.stock.columns.genres
    plays, weights = on.heard_by(genre)
    drafts = []
    for code in _most(plays, weights, GENRES):
        count, share = int(plays[code]), int(plays[code]) / max(int(on.query.record.heard.sum()), 1)
        told = {"type": "genre", "genre": names[code], "plays": count, "share": round(share, 3)}
        reason = f"You played {names[code]} {_times(count)}, and none of these yet."
        query = replace(on.query, only=_within(genre == code, on.query))
        tell = says(Told(f"More {names[code]}", reason, [told]))
        drafts.append(on.draft(f"genre:{names[code]}", {"company": 60, "near_taste": 60}, tell, (not_heard,), query))
    return drafts


def favourites(query: Query, stock: Stock, n: int) -> list[int]:
    """Up to n rows of different artists that were played lately and most, by decayed plays."""
    record = query.record
    lately = record.heard_last > query.now - FAVOURITE_DAYS * DAY_SECONDS
    played = np.flatnonzero(lately & (record.items < stock.n_items) & ~np.isin(record.items, record.hidden))
    chosen: dict[int, int] = {}
    for place in played[np.argsort(-record.weights[played], kind="stable")].tolist():
        row = int(record.items[place])
        artist = int(stock.columns.artist[row])
        chosen.setdefault(artist if artist >= 0 else -2 - row, row)
        if len(chosen) == n:
            break
    return list(chosen.values())


def _most(plays: NDArray[np.int64], weights: NDArray[np.float64], n: int) -> list[int]:
    """Up to n codes with the greatest weights, of those played often enough to speak of."""
    often = np.flatnonzero(plays >= LEAST_PLAYS)
    return [int(code) for code in often[np.lexsort((often, -weights[often]))[:n]]]


def _within(rows: NDArray[np.bool_], query: Query) -> NDArray[np.bool_]:
    return rows if query.only is None else rows & query.only


def _played_within(days: float) -> Filter:
    """Only what was played, to some length, in the last days."""

    def keep(candidates: Candidates, query: Query, stock: Stock) -> tuple[NDArray[np.bool_], str]:
        record = query.record
        lately = record.items[record.heard_last > query.now - days * DAY_SECONDS]
        return np.isin(candidates.items, lately), "not of this shelf"

    return keep


def _not_within(days: float) -> Filter:
    """Not what was met in the last days."""

    def keep(candidates: Candidates, query: Query, stock: Stock) -> tuple[NDArray[np.bool_], str]:
        lately = query.record.items[query.record.last > query.now - days * DAY_SECONDS]
        return ~np.isin(candidates.items, lately), "not of this shelf"

    return keep
