"""Who is heard together: for each item, the items most often heard in the same sitting or put on the same playlist.

The score is the cosine of the two items' sets of sittings and playlists; `together` counts them, so that a reason such
as "heard together in 14 sittings" can be checked against the log.
"""

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
    def load(cls, path: Path) -> "Company":
        return cls(**read_arrays(path))


def fit_company(history: History, playlists: Playlists) -> Company:
    """Counts pairs within sittings (what was heard, skips left out) and within playlists."""
    heard, n_items = history.heard(), history.n_items
    _, sitting = np.unique(heard.session, return_inverse=True)
    there = playlists.item >= 0
    group = np.concatenate([sitting, playlists.playlist[there] + (sitting.max() + 1 if len(sitting) else 0)])
    item = np.concatenate([heard.item, playlists.item[there]])
    pair = np.unique(group.astype(np.int64) * max(n_items, 1) + item)
    group, item = pair // max(n_items, 1), pair % max(n_items, 1)
    size = np.bincount(group)
    fits = size[group] <= LARGEST_GROUP
    shape = (len(size), n_items)
    members = sp.csr_matrix((np.ones(fits.sum(), np.float32), (group[fits], item[fits])), shape)
    return _nearest(members)


def _nearest(members: sp.csr_matrix) -> Company:
    """members (groups, items) of ones -> each item's best company; ties go to the smaller row."""
    n_items = members.shape[1]
    items = np.full((n_items, NEIGHBOURS), -1, np.int32)
    scores, together = np.zeros((n_items, NEIGHBOURS), np.float32), np.zeros((n_items, NEIGHBOURS), np.int32)
    size = np.asarray(members.sum(axis=0), np.float64).ravel()
    transposed = members.T.tocsr()
    for start in range(0, n_items, BLOCK_ITEMS):
        counts = (transposed[start : start + BLOCK_ITEMS] @ members).tocsr()
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
