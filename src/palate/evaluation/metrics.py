"""How good one ranked list is, for many listeners at once.

Every metric reads `hit` (which places of the list hold a target) and, where the number of targets matters, `sizes`:

    hit   # (q, n) bool, from `hits`; a list shorter than k counts as followed by misses
    sizes # (q,) int, how many targets each listener has; 0 gives NaN where the metric divides by it

and gives (q,) float64 between 0 and 1, higher is better. Binary relevance throughout: a listen is a listen.

The worked example of every docstring is one listener with targets {3, 5, 8} and the list 3, 1, 8, 2: hits at places
1 and 3, three targets.
"""

import numpy as np
from numpy.typing import NDArray

Hits = NDArray[np.bool_]
Sizes = NDArray[np.integer]
Values = NDArray[np.float64]


def hits(ranked: NDArray[np.integer], indptr: NDArray[np.integer], items: NDArray[np.integer]) -> Hits:
    """Which places of each list hold a target.

    ranked # (q, n) int, item rows, best first, padded with -1 (never a hit)
    indptr # (q + 1,) int: the targets of list i are items[indptr[i]:indptr[i + 1]]

    >>> hits(np.array([[3, 1, 8, 2]]), indptr=np.array([0, 3]), items=np.array([3, 5, 8])).tolist()
    [[True, False, True, False]]
    """
    lists = np.arange(len(ranked), dtype=np.int64)
    span = int(max(ranked.max(initial=0), items.max(initial=0))) + 1
    wanted = np.repeat(lists, np.diff(indptr)) * span + items
    # A pad of -1 lands on the last key of the list before, hence the second condition.
    return np.isin(lists[:, None] * span + ranked, wanted) & (ranked >= 0)


def ndcg(hit: Hits, sizes: Sizes, k: int) -> Values:
    """NDCG@k: hits discounted by their place, over the best that any list could do.

    sum over places p = 1..k of hit_p / log2(p + 1), divided by the same sum with min(k, targets) hits in front
    (Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002).

    1 / log2(2) + 1 / log2(4) out of 1 / log2(2) + 1 / log2(3) + 1 / log2(4), so (1 + 1 / 2) / (1 + 0.631 + 1 / 2):

    >>> ndcg(np.array([[True, False, True, False]]), sizes=np.array([3]), k=4).round(4).tolist()
    [0.7039]
    """
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    gained = hit[:, :k] @ discount[: hit.shape[1]]
    ideal = np.concatenate(([np.nan], np.cumsum(discount)))
    return np.asarray(gained / ideal[np.minimum(sizes, k)], np.float64)


def recall(hit: Hits, sizes: Sizes, k: int) -> Values:
    """Recall@k: the share of the targets that the list holds, or of k where there are more targets than places.

    hits among the first k / min(k, targets), so that a perfect list always scores 1.

    2 of 3 at k = 4; 1 of 2 at k = 2, where only two places are to be had:

    >>> hit, sizes = np.array([[True, False, True, False]]), np.array([3])
    >>> recall(hit, sizes, 4).tolist() == [2 / 3], recall(hit, sizes, 2).tolist() == [1 / 2]
    (True, True)
    """
    found = hit[:, :k].sum(axis=1)
    return np.asarray(found / np.where(sizes > 0, np.minimum(sizes, k), np.nan), np.float64)


def mrr(hit: Hits, k: int) -> Values:
    """MRR@k: one over the place of the first hit; 0 when the first k places hold none.

    1 / 1; without the first place of the list 1 / 2:

    >>> hit = np.array([[True, False, True, False]])
    >>> mrr(hit, 4).tolist() == [1 / 1], mrr(hit[:, 1:], 3).tolist() == [1 / 2]
    (True, True)
    """
    first = hit[:, :k].argmax(axis=1) + 1
    return np.asarray(hit[:, :k].any(axis=1) / first, np.float64)


def hit_rate(hit: Hits, k: int) -> Values:
    """HR@k: 1 when the first k places hold at least one target, else 0.

    >>> hit_rate(np.array([[True, False, True, False], [False, False, True, True]]), k=2).tolist()
    [1.0, 0.0]
    """
    return np.asarray(hit[:, :k].any(axis=1), np.float64)


def coverage(ranked: NDArray[np.integer], catalogue: NDArray[np.integer], k: int) -> float:
    """Coverage@k: the share of the catalogue that appears in somebody's first k places; NaN without a catalogue.

    Distinct catalogue items in all lists / items in the catalogue; an item from outside it does not count.
    Lists 3, 1 and 3, 2 over the catalogue {1, 2, 3, 4} show three of four.

    >>> coverage(np.array([[3, 1], [3, 2]]), np.array([1, 2, 3, 4]), 2) == 3 / 4
    True
    """
    if not len(catalogue):
        return float("nan")
    return len(np.intersect1d(ranked[:, :k], catalogue)) / len(catalogue)
