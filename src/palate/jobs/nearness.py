"""How near two versions are to each other without any head: same neighbours, same direction, one mixed index.

Neighbours do not change when a space is turned, so their overlap says what training itself moved; the mean cosine
does, so it says whether the axes still mean the same. A mixed index is what serves while vectors are rewritten: a share
rho of the items has new vectors, the rest old ones, and new tastes ask.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.embeddings.rotation import cosines
from palate.evaluation.baselines.scored import block_rows, top
from palate.evaluation.intervals import Interval, intervals
from palate.evaluation.metrics.ranking import hits, ndcg

Vectors = NDArray[np.float32]
NEAREST = 50
RHOS = (0.0, 0.25, 0.5, 0.75, 1.0)
AT = 100  # places of NDCG


@dataclass(frozen=True)
class Near:
    """One side, listeners or items.

    overlap  share of the NEAREST by cosine that both versions name, mean over `n` sampled rows
    cosine   of the old and the new vector of the same row, mean over the same rows
    """

    n: int
    overlap: Interval
    cosine: Interval


@dataclass(frozen=True)
class Mixed:
    """NDCG@100 of what listeners heard next, from one index with vectors of both versions.

    old         old tastes, old vectors
    new_by_rho  new tastes; a share rho of the items has its new vector
    listeners   how many asked
    """

    old: Interval
    new_by_rho: dict[float, Interval]
    listeners: int


def near(old: Vectors, new: Vectors, rows: NDArray[np.integer], draws: int, seed: int) -> Near:
    """Compares two versions of the same rows, (n, d) each, popularity left out; `rows` are those that are asked.

    A neighbour is any row that is not zeros in both. With fewer than two such rows there is nothing to compare: NaN.
    """
    known = np.flatnonzero(old.any(axis=1) & new.any(axis=1))
    asked = np.flatnonzero(np.isin(known, rows))
    n = min(NEAREST, len(known) - 1)
    if n < 1 or not len(asked):
        nothing = Interval(np.nan, np.nan, np.nan)
        return Near(0, nothing, nothing)
    both = [_unit(one[known]) for one in (old, new)]
    shared = np.zeros(len(asked))
    step = block_rows(len(known))
    for first in range(0, len(asked), step):
        block = asked[first : first + step]
        one, two = (_nearest(vectors, block, n) for vectors in both)
        shared[first : first + step] = (one[:, :, None] == two[:, None, :]).any(axis=2).mean(axis=1)
    values = np.column_stack([shared, cosines(both[0][asked], both[1][asked])])
    overlap, cosine = intervals(values, known[asked], np.zeros(len(asked)), draws, seed)
    return Near(len(asked), overlap, cosine)


def mixed_index(
    tastes: tuple[Vectors, Vectors], items: tuple[Vectors, Vectors], indptr: NDArray[np.integer],
    targets: NDArray[np.integer], listeners: NDArray[np.integer], draws: int, seed: int,
) -> Mixed:  # fmt: skip
    """tastes, items # (old, new), (q, d) and (items, d) float32; the same rows on both sides

    indptr, targets # what each asker heard next, as in metrics/ranking.py
    listeners       # (q,) who asks; rows of one listener are redrawn together
    Items get their new vectors in an order drawn from `seed`.
    """
    order = np.random.default_rng(seed).permutation(len(items[0]))
    sizes = np.diff(indptr)
    columns = [ndcg(hits(_best(tastes[0], items[0]), indptr, targets), sizes, AT)]
    for rho in RHOS:
        mixture = items[0].copy()
        changed = order[: round(rho * len(order))]
        mixture[changed] = items[1][changed]
        columns.append(ndcg(hits(_best(tastes[1], mixture), indptr, targets), sizes, AT))
    found = intervals(np.column_stack(columns), listeners, np.zeros(len(listeners)), draws, seed)
    return Mixed(found[0], dict(zip(RHOS, found[1:], strict=True)), len(np.unique(listeners)))


def _best(tastes: Vectors, items: Vectors) -> NDArray[np.int32]:
    step = block_rows(len(items))
    blocks = [top(tastes[first : first + step] @ items.T, AT) for first in range(0, len(tastes), step)]
    return np.concatenate(blocks) if blocks else np.zeros((0, AT), np.int32)


def _nearest(unit: Vectors, rows: NDArray[np.integer], n: int) -> NDArray[np.int32]:
    scores = unit[rows] @ unit.T
    scores[np.arange(len(rows)), rows] = -np.inf
    return top(scores, n)


def _unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0.0, length, 1.0), np.float32)
