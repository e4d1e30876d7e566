"""New items join a frozen space: a vector from the first few listens, without training and without changing a row.

The vector is the mean of what the item is heard with: of each sitting and playlist that it stands in, the mean of the
items there that have a vector. A few sittings say little, so its artist's mean (else its genre's) counts like
ARTIST_SITTINGS of them. The item half-step of iALS against the tastes of who heard it, which is exact when an item has
many listeners, is far behind with ten and fewer: docs/rooms/stability.md. Source: ours.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.embeddings.company import LARGEST_GROUP
from palate.embeddings.inputs import Inputs

Vectors = NDArray[np.float32]
ARTIST_SITTINGS = 4.0  # of 1, 2, 4, 8 and 16 the best in the middle; the simulated world hardly tells 2 from 16


@dataclass(frozen=True)
class Joined:
    """vectors  # (items, dim) float32: those of the frozen space, unchanged, and the new ones
    rows     # (m,) int64, ascending: the items that got a vector here
    sittings # (m,) int64: how many sittings and playlists with known items each was found in; 0 where it only borrows
    """

    vectors: Vectors
    rows: NDArray[np.int64]
    sittings: NDArray[np.int64]


def joined(vectors: Vectors, inputs: Inputs, popularity: NDArray[np.float32] | None = None) -> Joined:
    """Gives a vector to every item of `inputs` that has none yet and was heard, or shares an artist or genre.

    vectors    # (known items, dim) float32 by catalogue row, as published: item_vectors.npy, or what records add up
    inputs     all that is known by now: newer listens, more items
    popularity # (items,) for the last coordinate of those that join (items.recent_popularity); None: it is 0
    Rows that have a vector come back to the bit, also their popularity. An item with neither company nor a relative
    stays without. The order of listens does not matter beyond rounding. BadInput for a catalogue that has lost items.
    """
    n_items = inputs.history.n_items
    if len(vectors) > n_items:
        raise BadInput(f"the space knows {len(vectors)} items and the catalogue has {n_items}; restore the catalogue")
    out = np.zeros((n_items, vectors.shape[1]), np.float32)
    out[: len(vectors)] = vectors
    known = np.asarray(out[:, :-1].any(axis=1), np.bool_)
    factors = out[:, :-1].astype(np.float64)
    total, sittings = _company(inputs, factors, known)
    relatives = _relatives(inputs, factors, known)
    borrows = relatives.any(axis=1)
    weight = sittings + ARTIST_SITTINGS * borrows
    rows = np.flatnonzero(~known & (weight > 0.0))
    mean = (total[rows] + ARTIST_SITTINGS * relatives[rows]) / weight[rows, None]
    out[rows, :-1] = mean
    out[rows, -1] = 0.0 if popularity is None else popularity[rows]
    return Joined(out, rows, sittings[rows].astype(np.int64))


def _company(
    inputs: Inputs, factors: NDArray[np.float64], known: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """By item: the sum of the means of its sittings and playlists, and how many of them hold an item with a vector."""
    heard, playlists = inputs.history.heard(), inputs.playlists
    there = playlists.item >= 0
    _, sitting = np.unique(heard.session, return_inverse=True)
    group = np.concatenate([sitting, playlists.playlist[there] + int(sitting.max(initial=-1)) + 1])
    item = np.concatenate([heard.item, playlists.item[there]])
    shape = (int(group.max(initial=-1)) + 1, len(known))
    members = sp.csr_matrix((np.ones(len(group)), (group, item)), shape)
    members.data[:] = 1.0  # an item counts once in a sitting
    fits = np.diff(members.indptr) <= LARGEST_GROUP
    old, new = members[fits][:, known], sp.csr_matrix(members[fits] @ sp.diags(~known * 1.0))
    new.eliminate_zeros()
    size = np.diff(old.indptr)
    asked = np.flatnonzero((np.diff(new.indptr) > 0) & (size > 0))
    means = (old[asked] @ factors[known]) / size[asked, None]
    held = new[asked].T.tocsr()
    return np.asarray(held @ means), np.asarray(held.sum(axis=1), np.float64).ravel()


def _relatives(inputs: Inputs, factors: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(items, dim - 1) the mean vector of each item's artist, else of its genre, else zeros."""
    out = np.zeros_like(factors)
    for code in (inputs.columns.artist, inputs.columns.genre):
        lends, n_codes = known & (code >= 0), int(code.max(initial=-1)) + 1
        share = sp.csr_matrix((np.ones(lends.sum()), (code[lends], np.flatnonzero(lends))), (n_codes, len(code)))
        means = (share @ factors) / np.maximum(np.diff(share.indptr), 1)[:, None]
        needs = ~out.any(axis=1) & (code >= 0)
        out[needs] = means[code[needs]]
    return out
