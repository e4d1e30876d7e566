"""What was typed, found and ordered: how well the words match, how much it is this listener's, how popular it is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.store.items import ItemStore, words_of
from palate.store.words import FIRST, NAME, TITLE, WHERE, Matches, WordIndex
from palate.surfaces.choices import Choices

BEGUN, ELSEWHERE = 0.7, 0.5  # what an unfinished word is worth, and one of the album or show, against a whole one
AT_FRONT, COVERING, EXACT = 0.3, 0.3, 1.0  # begins with it; how much of the title it is; is called exactly so
TASTE, OWN, POPULAR = 0.5, 0.8, 0.3  # what makes "q" Queen to one and Questlove to another is what they play
TRANSCRIPTS: tuple[Callable[[list[str]], NDArray[np.int32]], ...] = ()  # words -> rows that say them; nothing yet


@dataclass(frozen=True)
class Found:
    """Best first.

    rows   # (m,) int32: catalogue rows, or places of artists and shows
    scores # (m,) float64, comparable with those of another Found of the same words
    fields # (m,) uint8 where all words stand: TITLE, NAME, WHERE; 0 for a transcript
    typo   as in Matches
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float64]
    fields: NDArray[np.uint8]
    typo: bool = False

    def take(self, kept: NDArray[np.bool_]) -> "Found":
        """Those of the mask, in the same order."""
        return Found(self.rows[kept], self.scores[kept], self.fields[kept], self.typo)


def items_found(items: ItemStore, stock: Stock, query: Query | None, text: str) -> Found:
    """Items by words of title, artists, album or show; query: the listener, None for nobody in particular."""
    words = words_of(text)
    matches = items.words.find(words, None if query is None else _held(query.record.items, len(items)))
    spoken = [further(words) for further in TRANSCRIPTS]
    rows, said = matches.rows, np.concatenate([np.zeros(0, np.int32), *spoken])
    said = np.setdiff1d(said, rows).astype(np.int32)
    named = matching(matches, items.word_count[rows])
    called = np.array(items.title_count[rows]) == len(words)
    if len(words):
        called &= (matches.whole & ((matches.fields & TITLE) > 0)).all(axis=1)
    quality = np.concatenate([named + EXACT * called, np.full(len(said), ELSEWHERE * BEGUN)])
    fields = np.concatenate([_everywhere(matches), np.zeros(len(said), np.uint8)])
    everything = np.concatenate([rows, said])
    popular = np.log1p(items.plays[everything]) / max(np.log1p(float(items.plays.max(initial=0))), 1.0)
    scores = quality + POPULAR * popular + _liking(stock, query, everything)
    best = np.lexsort((everything, items.word_count[everything], -scores))
    return Found(everything[best], scores[best], fields[best], matches.typo)


def liked_by(found: Found, values: NDArray[np.float32], stock: Stock, query: Query) -> Found:
    """The same with what a head says of the first of it in place of taste and own plays; the others come behind.

    values # (m,) of the first m of `found`, NaN counts as the least. Stretched, so that the least liked of them gets
    nothing and the most liked what taste and own plays give at most: heads speak of chances and of numbers.
    """
    m = len(values)
    known = values[~np.isnan(values)].astype(np.float64)
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    share = (np.nan_to_num(values.astype(np.float64), nan=low) - low) / max(high - low, 1e-12)
    scores = found.scores.copy()
    scores[:m] += (TASTE + OWN) * share - _liking(stock, query, found.rows[:m])
    order = np.concatenate([np.argsort(-scores[:m], kind="stable"), np.arange(m, len(scores))])
    return Found(found.rows[order], scores[order], found.fields[order], found.typo)


def names_found(names: WordIndex, choices: Choices, stock: Stock, query: Query | None, text: str) -> Found:
    """Artists and shows by words of their names; rows are places of `choices`."""
    words = words_of(text)
    played = None if query is None else _places_of(choices, stock, query)
    matches = names.find(words, played)
    sizes = np.array([len(words_of(choices.names[place])) for place in matches.rows.tolist()], np.float64)
    called = sizes == len(words)
    if len(words):
        called &= matches.whole.all(axis=1)
    plays = choices.plays[matches.rows]
    popular = np.log1p(plays) / max(np.log1p(float(choices.plays.max(initial=0.0))), 1.0)
    leading = np.array([int(choices.items(place)[0]) for place in matches.rows.tolist()], np.int32)
    scores = matching(matches, sizes) + EXACT * called + POPULAR * popular + _liking(stock, query, leading)
    best = np.lexsort((matches.rows, -scores))
    return Found(matches.rows[best], scores[best], _everywhere(matches)[best], matches.typo)


def matching(matches: Matches, word_count: NDArray[np.number]) -> NDArray[np.float64]:
    """(m,) how well the words match, from 0 to 1.6, the mean of each word plus what the front and the whole add."""
    if not matches.rows.size:
        return np.zeros(0)
    main = (matches.fields & (TITLE | NAME)) > 0
    each = np.where(matches.whole, 1.0, BEGUN) * np.where(main, 1.0, ELSEWHERE)
    front = ((matches.fields & FIRST) > 0).any(axis=1)
    covered = np.minimum(matches.fields.shape[1] / np.maximum(word_count, 1), 1.0)
    return np.asarray(each.mean(axis=1) + AT_FRONT * front + COVERING * covered, np.float64)


def _everywhere(matches: Matches) -> NDArray[np.uint8]:
    """(m,) the fields that hold every word; all that hold any where no single one does."""
    if not matches.rows.size:
        return np.zeros(0, np.uint8)
    fields = matches.fields & (TITLE | NAME | WHERE)
    every: NDArray[np.uint8] = np.bitwise_and.reduce(fields, axis=1)
    some: NDArray[np.uint8] = np.bitwise_or.reduce(fields, axis=1)
    return np.asarray(np.where(every > 0, every, some), np.uint8)


def _held(rows: NDArray[np.int32], n: int) -> NDArray[np.int32]:
    return rows[rows < n]


def _places_of(choices: Choices, stock: Stock, query: Query) -> NDArray[np.int32]:
    """Places of the artists whom the listener played."""
    played = query.record.items[(query.record.plays > 0) & (query.record.items < stock.n_items)]
    codes = np.unique(stock.columns.artist[played])
    found = (choices.find("artist", stock.columns.artists[code]) for code in codes.tolist() if code >= 0)
    return np.array([place for place in found if place is not None], np.int32)


def _liking(stock: Stock, query: Query | None, rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """(m,) how much it is this listener's: the cosine with their taste, and how much of their plays its artist has."""
    liking = np.zeros(len(rows))
    known = np.flatnonzero(rows < stock.n_items)  # later ones came after the space was trained
    if query is None or not stock.knows(query) or not len(known):
        return liking
    inside = rows[known]
    liking[known] += TASTE * (stock.directions[inside] @ stock.direction_of(query.taste))
    record, artist = query.record, stock.columns.artist
    own = record.items < stock.n_items
    total = max(float(record.weights[own].sum()), 1e-9)
    codes, place = np.unique(artist[record.items[own]], return_inverse=True)
    if len(codes):
        share = np.bincount(place, record.weights[own]) / total
        at = np.minimum(np.searchsorted(codes, artist[inside]), len(codes) - 1)
        same = (codes[at] == artist[inside]) & (artist[inside] >= 0)
        liking[known] += OWN * np.sqrt(np.where(same, np.maximum(share[at], 0.0), 0.0))
    return liking
