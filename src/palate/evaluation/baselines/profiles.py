"""What a listener, a sitting or a playlist holds, as rows of weighted items."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from palate.catalog.columns import Playlists
from palate.core.clock import DAY_SECONDS
from palate.embeddings.inputs import Inputs
from palate.listening.history import History

LARGEST_GROUP = 500  # items of one sitting or playlist that count as heard together; pairs are the square of it
MOST_PAIRS = 60_000_000  # pairs held at once: 480 MB as a sparse float32 matrix, if no two are alike


@dataclass(frozen=True)
class Fading:
    """How plays become a profile: each is worth 2^(-age / half_life_days), None means that age does not matter.

    every_play  True sums all plays of an item; False counts only the last one
    """

    half_life_days: float | None
    every_play: bool = False

    def profiles(self, heard: History, at: NDArray[np.float64]) -> sparse.csr_array:
        """(users, n_items) float64; `heard` holds heard plays only, `at` (users,) is when each listener is seen.

        float64, because in float32 a play fades to exactly 0 after 126 half-lives.
        """
        plays = heard if self.every_play else heard.take(_last_plays(heard))
        age = at[plays.user] - plays.timestamp
        half_lives = np.zeros(len(plays)) if self.half_life_days is None else age / (self.half_life_days * DAY_SECONDS)
        return play_matrix(plays, 0.5**half_lives)


def _last_plays(heard: History) -> NDArray[np.int64]:
    """The ascending positions of each listener's last play of each item."""
    pair = heard.user.astype(np.int64) * heard.n_items + heard.item
    _, from_the_end = np.unique(pair[::-1], return_index=True)
    return np.sort(len(heard) - 1 - from_the_end).astype(np.int64)


def play_matrix(heard: History, weight: NDArray[Any]) -> sparse.csr_array:
    """(users, n_items) in the type of `weight` (n,): the weights of each listener's plays of each item, summed."""
    shape = (len(heard.users), heard.n_items)
    return sparse.csr_array(sparse.coo_array((weight, (heard.user, heard.item)), shape=shape))


def heard_matrix(heard: History) -> sparse.csr_array:
    """(users, n_items) float32: how often each listener heard each item; `heard` holds heard plays only."""
    return play_matrix(heard, np.ones(len(heard), np.float32))


def rows_of(lists: Sequence[NDArray[np.int32]], n_items: int) -> sparse.csr_array:
    """(q, n_items) float64: 1 for each item of each list, however often it is on it."""
    row = np.repeat(np.arange(len(lists)), [len(items) for items in lists])
    item = np.concatenate([np.zeros(0, np.int32), *lists])
    return _ones(row, item, (len(lists), n_items)).astype(np.float64)


def shares(profiles: sparse.csr_array) -> sparse.csr_array:
    """The rows as float32 that sum to 1: the order is the same, and an old taste is not 0. Empty rows stay empty."""
    row = np.repeat(np.arange(profiles.shape[0]), np.diff(profiles.indptr))
    total = np.bincount(row, profiles.data, minlength=profiles.shape[0])
    share = (profiles.data / np.where(total > 0, total, 1.0)[row]).astype(np.float32)
    return sparse.csr_array((share, profiles.indices, profiles.indptr), shape=profiles.shape)


def playlist_rows(playlists: Playlists, n_items: int) -> sparse.csr_array:
    """(playlists, n_items) float32: 1 for each item that was ever on each playlist."""
    there = playlists.item >= 0
    return _ones(playlists.playlist[there], playlists.item[there], (len(playlists.ids), n_items))


def sittings(known: Inputs, longest: int = LARGEST_GROUP) -> sparse.csr_array:
    """(sittings and playlists, n_items) float32: 1 for what was heard in one sitting or came to one playlist.

    One of more than `longest` items is cut into parts, in the order in which they came: an editorial playlist of years
    holds thousands, and those that came in the same weeks were on it together.
    """
    heard, n_items = known.history.heard(), known.history.n_items
    by_session = _parts(heard.session, heard.item, n_items, longest)
    places = known.playlists.take(known.playlists.item >= 0)
    order = np.lexsort((places.position, np.nan_to_num(places.added, nan=-np.inf)))
    by_playlist = _parts(places.playlist[order], places.item[order], n_items, longest)
    return sparse.csr_array(sparse.vstack([by_session, by_playlist]))


def _parts(group: NDArray[Any], item: NDArray[np.int32], n_items: int, longest: int) -> sparse.csr_array:
    """(parts, n_items) of ones: each group's distinct items in the order of `item`, `longest` to a part."""
    _, group = np.unique(group, return_inverse=True)
    first = np.sort(np.unique(group * max(n_items, 1) + item, return_index=True)[1])
    first = first[np.argsort(group[first], kind="stable")]
    group, item = group[first], item[first]
    place = np.arange(len(group)) - np.searchsorted(group, group)
    starts = place % longest == 0
    part = np.cumsum(starts) - 1
    return _ones(part, item, (int(starts.sum()), n_items))


def pairs_in(groups: sparse.csr_array) -> NDArray[np.float64]:
    """(groups,) how many pairs of items each holds: what counting them costs, and the most cells they can fill."""
    return np.square(np.diff(groups.indptr).astype(np.float64))


def tastes(known: Inputs, at: float, fading: Fading) -> sparse.csr_array:
    """(listeners and playlists, n_items) float32: the profiles at `at`, and 1 for what is on each playlist.

    Rows without an item are left out: a listener or playlist of later must not move what is learnt now.
    """
    listeners = fading.profiles(known.history.heard(), np.full(len(known.history.users), at))
    rows = sparse.vstack([listeners, playlist_rows(known.playlists, known.history.n_items)])
    matrix = sparse.csr_array(rows).astype(np.float32)
    return matrix[np.flatnonzero(np.diff(matrix.indptr))]


def _ones(row: NDArray[Any], item: NDArray[np.int32], shape: tuple[int, int]) -> sparse.csr_array:
    pair = np.unique(row.astype(np.int64) * shape[1] + item)
    row, item = np.divmod(pair, max(shape[1], 1))
    return sparse.csr_array(sparse.coo_array((np.ones(len(pair), np.float32), (row, item)), shape=shape))
