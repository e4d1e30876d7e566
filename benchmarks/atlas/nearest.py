"""How often the nearest items of an item have its label, beside how often any item has it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

NEIGHBOURS = 10
BLOCK_ITEMS = 1_000
ASKED = 2_000  # so many items are asked about, drawn evenly; all others are among the possible answers
DECIMALS = 5  # of a cosine: items of one playlist alone have the same vector up to rounding, and are to be ties


@dataclass(frozen=True)
class Agreement:
    """One number for each item, in 0..1; NaN for an item that was not asked about, or that nobody is left for.

    share  # (items,) of its nearest items that have a label in common with it
    chance # (items,) the same of all items that could have been nearest
    """

    share: NDArray[np.float64]
    chance: NDArray[np.float64]

    @property
    def means(self) -> tuple[float, float]:
        """Share and chance over the items that have both; NaN for none."""
        there = np.isfinite(self.share)
        return (float(self.share[there].mean()), float(self.chance[there].mean())) if there.any() else (np.nan, np.nan)

    @property
    def margin(self) -> float:
        """Half of a 95% interval of the mean share, as if items were independent; NaN for fewer than two."""
        there = self.share[np.isfinite(self.share)]
        return float(1.96 * there.std(ddof=1) / np.sqrt(len(there))) if len(there) > 1 else np.nan


def agreement(
    directions: NDArray[np.float32], labels: sp.csr_matrix, apart: Sequence[sp.csr_matrix] = (), seed: int = 0,
    n: int = NEIGHBOURS, asked: int = ASKED,
) -> Agreement:  # fmt: skip
    """Looks at the `n` items of the highest cosine with each of `asked` items; fewer where fewer are left.

    directions # (items, dim) unit norm
    labels     # (items, labels) above 0 where an item has the label; every item needs one
    apart      # each (items, groups): items with a group in common (an artist, a playlist) count neither as neighbours
               # nor for chance
    Among equal cosines the `seed` draws: the order of a catalogue is often that of its genres.
    """
    order = np.random.default_rng(seed).permutation(len(directions))
    mixed, named = directions[order], _ones(labels)[order]
    groups = _ones(sp.hstack([*apart, sp.csr_matrix((len(order), 1))]))[order]
    share, chance = np.full(len(order), np.nan), np.full(len(order), np.nan)
    for start in range(0, min(asked, len(order)), BLOCK_ITEMS):
        rows = np.arange(start, min(start + BLOCK_ITEMS, asked, len(order)))
        free = (groups[rows] @ groups.T).toarray() == 0
        free[np.arange(len(rows)), rows] = False
        same = (named[rows] @ named.T).toarray() > 0
        cosine = np.where(free, np.round(mixed[rows] @ mixed.T, DECIMALS), -np.inf)
        best = np.argpartition(-cosine, min(n, len(order)) - 1, axis=1)[:, :n]
        taken, alike = (np.take_along_axis(one, best, axis=1) for one in (free, same))
        left, there = free.sum(axis=1), taken.sum(axis=1)
        np.divide((alike & taken).sum(axis=1), there, out=share[rows[0] : rows[-1] + 1], where=there > 0)
        np.divide((same & free).sum(axis=1), left, out=chance[rows[0] : rows[-1] + 1], where=left > 0)
    found = Agreement(np.empty_like(share), np.empty_like(chance))
    found.share[order], found.chance[order] = share, chance
    return found


def _ones(table: sp.spmatrix) -> sp.csr_matrix:
    """(rows, columns) float32, 1 where the table is above 0: products count what is in common."""
    counted = sp.csr_matrix(table)
    return sp.csr_matrix((counted.data > 0, counted.indices, counted.indptr), counted.shape).astype(np.float32)
