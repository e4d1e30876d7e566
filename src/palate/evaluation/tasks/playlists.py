"""How a playlist goes on: what its owner added in the window, by the dates of its places."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.evaluation.method import Continues, Fitted
from palate.evaluation.splits import EvalSettings, Split, pair_keys
from palate.evaluation.tasks.questions import PLAYLISTS, Questions, from_pairs

MIN_LENGTH = 3  # fewer places do not say what a playlist is about


@dataclass(frozen=True)
class PlaylistContinuation:
    """Items put on a playlist in the window, given the MIN_LENGTH or more that were on it before.

    An item counts that somebody had heard, or that was on any playlist, before. What ever was on this one is masked.
    """

    name: str = "playlists"
    about: str = f"items added to a playlist in the following week, given {MIN_LENGTH} or more that were on it before"
    of: str = PLAYLISTS
    missing: str = f"no playlist of {MIN_LENGTH} or more items got another known item in a window; playlists need dates"

    def questions(self, part: Split, settings: EvalSettings) -> Questions:
        places, added = part.known.playlists, part.added
        lengths = np.bincount(places.playlist[places.item >= 0], minlength=len(places.ids))
        before = np.unique(pair_keys(places.playlist, places.item, part.n_items)[places.item >= 0])
        fits = (added.item >= 0) & (lengths[added.playlist] >= MIN_LENGTH)
        fits &= known_items(part)[np.maximum(added.item, 0)]
        keys = np.unique(pair_keys(added.playlist[fits], added.item[fits], part.n_items))
        return from_pairs(np.setdiff1d(keys, before, assume_unique=True), part.n_items)

    def able(self, fitted: Fitted) -> bool:
        return isinstance(fitted, Continues)

    def answers(self, fitted: Fitted, part: Split, asked: Questions, n: int) -> NDArray[np.int32]:
        assert isinstance(fitted, Continues)  # `able` said so
        return fitted.continued(held(part, asked.rows), n)

    def forbidden(self, part: Split, asked: Questions, lists: NDArray[np.int32]) -> NDArray[np.bool_]:
        places = part.known.playlists
        on_it = np.unique(pair_keys(places.playlist, places.item, part.n_items)[places.item >= 0])
        return np.isin(pair_keys(asked.rows[:, None], lists, part.n_items), on_it) & (lists >= 0)


def held(part: Split, playlists: NDArray[np.int32]) -> list[NDArray[np.int32]]:
    """What was ever on each of `playlists` before the window: distinct item rows, in the order they came."""
    places = part.known.playlists
    there = np.flatnonzero((places.item >= 0) & np.isin(places.playlist, playlists))
    there = there[np.lexsort((places.position[there], places.added[there], places.playlist[there]))]
    bounds = np.searchsorted(places.playlist[there], np.stack([playlists, playlists + 1]))
    rows = [places.item[there[first:last]] for first, last in bounds.T.tolist()]
    return [items[np.sort(np.unique(items, return_index=True)[1])].astype(np.int32) for items in rows]


def known_items(part: Split) -> NDArray[np.bool_]:
    """(n_items,) True for what was heard by somebody, or stood on a playlist, before the window."""
    known = np.zeros(part.n_items, np.bool_)
    known[part.catalogue] = True
    known[part.known.playlists.item[part.known.playlists.item >= 0]] = True
    return known
