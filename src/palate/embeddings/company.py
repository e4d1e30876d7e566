"""Who is heard together: for each item, the items most often heard in the same sitting or put on the same playlist.

The score is the cosine of the two items' sets of sittings and playlists; `together` counts them, so that a reason such
as "heard together in 14 sittings" can be checked against the log.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from palate.catalog.columns import Playlists
from palate.core.artefacts import read_arrays, write_arrays
from palate.listening.history import History

NEIGHBOURS = 50
LARGEST_GROUP = 500  # a radio left on for a week says little about pairs, and costs the square of its length
BLOCK_ITEMS = 2_048
BLOCK_PAIRS = 8_000_000  # of members, counted at once: at most 500 MB


@dataclass(frozen=True)
class Company:
    """Per item up to NEIGHBOURS others, best first, padded with -1.

    items    # (items, NEIGHBOURS) int32
    scores   # (items, NEIGHBOURS) float32 in 0..1, 0 where padded
    together # (items, NEIGHBOURS) int32, sittings and playlists that hold both
    """

    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    together: NDArray[np.int32]

    def save(self, path: Path) -> None:
        write_arrays(path, items=self.items, scores=self.scores, together=self.together)

    @classmethod
    def none(cls, n_items: int) -> "Company":
        """Of items that nobody ever heard or listed together."""
        nobody = np.full((n_items, 1), -1, np.int32)
        return cls(nobody, np.zeros((n_items, 1), np.float32), np.zeros((n_items, 1), np.int32))

    @classmethod
    def load(cls, path: Path) -> "Company":
        return cls(**read_arrays(path))


def fit_company(history: History, playlists: Playlists) -> Company:
    """Counts pairs within sittings (what was heard, skips left out) and within playlists."""
    return _nearest(_members(history, playlists))


def _members(history: History, playlists: Playlists) -> sp.csr_matrix:
    """(groups, items) of ones: who stands in which sitting or playlist; larger groups than LARGEST_GROUP are empty."""
    heard, n_items = history.heard(), history.n_items
    _, sitting = np.unique(heard.session, return_inverse=True)
    there = playlists.item >= 0
    group = np.concatenate([sitting, playlists.playlist[there] + (sitting.max() + 1 if len(sitting) else 0)])
    item = np.concatenate([heard.item, playlists.item[there]])
    pair = np.sort(group.astype(np.int64) * max(n_items, 1) + item)  # np.unique hashes first: four times as slow
    pair = pair[np.diff(pair, prepend=-1) > 0]
    group, item = pair // max(n_items, 1), pair % max(n_items, 1)
    size = np.bincount(group)
    fits = size[group] <= LARGEST_GROUP
    shape = (len(size), n_items)
    return sp.csr_matrix((np.ones(fits.sum(), np.float32), (group[fits], item[fits])), shape)


def _nearest(members: sp.csr_matrix) -> Company:
    """members (groups, items) of ones -> each item's best company; ties go to the smaller row."""
    n_items = members.shape[1]
    items = np.full((n_items, NEIGHBOURS), -1, np.int32)
    scores, together = np.zeros((n_items, NEIGHBOURS), np.float32), np.zeros((n_items, NEIGHBOURS), np.int32)
    size = np.asarray(members.sum(axis=0), np.float64).ravel()
    transposed = members.T.tocsr()
    for start, stop in _blocks(np.asarray(transposed @ members.sum(axis=1), np.float64).ravel()):
        counts = (transposed[start:stop] @ members).tocsr()
        owner = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
        cosine = counts.data / np.sqrt(size[start + owner] * size[counts.indices])  # one root: 1.0 is exactly 1.0
        cosine[counts.indices == start + owner] = -1.0  # never its own company
        order = np.lexsort((counts.indices, -cosine, owner))
        rank = np.arange(len(order)) - np.repeat(counts.indptr[:-1], np.diff(counts.indptr))
        best = (rank < NEIGHBOURS) & (cosine[order] > 0)
        row, column, chosen = start + owner[order][best], rank[best], order[best]
        items[row, column] = counts.indices[chosen]
        scores[row, column] = cosine[chosen]
        together[row, column] = counts.data[chosen]
    return Company(items, scores, together)


def _blocks(pairs: NDArray[np.float64]) -> Iterator[tuple[int, int]]:
    """Runs of items, of at most BLOCK_ITEMS and BLOCK_PAIRS together, or of one; `pairs` # (items,) those of each."""
    before, start = np.concatenate([np.zeros(1), np.cumsum(pairs)]), 0
    while start < len(pairs):
        fits = int(np.searchsorted(before, before[start] + BLOCK_PAIRS, side="right")) - 1
        stop = min(max(fits, start + 1), start + BLOCK_ITEMS, len(pairs))
        yield start, stop
        start = stop
