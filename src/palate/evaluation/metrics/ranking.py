"""How good one ranked list is, for many listeners at once.

Every metric reads `hit` (which places of the list hold a target) and, where the number of targets matters, `sizes`:

    hit   # (q, n) bool, from `hits`; a list shorter than k counts as followed by misses
    sizes # (q,) int, how many targets each listener has; 0 gives NaN where the metric divides by it

and gives (q,) float64 between 0 and 1, higher is better. Binary relevance throughout: a listen is a listen. A
listener's value is the same number alone and among a million others.

The worked example of every docstring is one listener with targets {3, 5, 8} and the list 3, 1, 8, 2: hits at places
1 and 3, three targets.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput

Hits = NDArray[np.bool_]
Sizes = NDArray[np.integer]
Values = NDArray[np.float64]

BLOCK_CELLS = 1 << 16  # places looked at together: their keys (512 KB) stay in the cache
FLAG_BITS = 20  # 1 MB of flags; 12 targets for each of 650 lists raise 0.8% of them
SCRAMBLE = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio, as in Knuth's multiplicative hashing


def hits(ranked: NDArray[np.integer], indptr: NDArray[np.integer], items: NDArray[np.integer]) -> Hits:
    """Which places of each list hold a target.

    ranked # (q, n) int, item rows, best first, padded with -1 (never a hit); no item twice in a row
    indptr # (q + 1,) int: the targets of list i are the distinct items[indptr[i]:indptr[i + 1]], in any order

    Time grows with q * n and the number of targets, not with the catalogue. BadInput when indptr has another length.

    >>> hits(np.array([[3, 1, 8, 2]]), indptr=np.array([0, 3]), items=np.array([3, 5, 8])).tolist()
    [[True, False, True, False]]
    """
    if len(indptr) != len(ranked) + 1:
        raise BadInput(f"{len(ranked)} lists came with an indptr of {len(indptr)}; give one more than there are lists")
    hit = np.zeros(ranked.shape, np.bool_)
    span = int(max(ranked.max(initial=0), items.max(initial=0))) + 1
    flags = np.zeros(1 << FLAG_BITS, np.bool_)
    for part in blocks(ranked.shape):
        _mark(hit[part], ranked[part], indptr[part.start : part.stop + 1], items, span, flags)
    return hit


def blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Which of (q, n) lists to look at together, so that a million lists need no more memory than a few hundred."""
    lists = max(1, BLOCK_CELLS // max(shape[1], 1))
    for first in range(0, shape[0], lists):
        yield slice(first, min(first + lists, shape[0]))


def _mark(
    hit: Hits,
    ranked: NDArray[np.integer],
    indptr: NDArray[np.integer],
    items: NDArray[np.integer],
    span: int,
    flags: NDArray[np.bool_],
) -> None:
    """Sets `hit` for one block of lists; `flags` comes and goes all False.

    Nearly every place is a miss, and one look at a small table of flags says so for certain. Only what the flags let
    through is compared exactly: 200,000 lists of 100 take 0.45 s, with np.isin on everything 7.8 s.
    """
    starts = np.arange(len(ranked), dtype=np.int64) * span
    wanted = np.repeat(starts, np.diff(indptr)) + items[indptr[0] : indptr[-1]]
    keys = (starts[:, None] + ranked).reshape(-1)
    raised = _flag(wanted)
    flags[raised] = True
    places = np.flatnonzero(flags[_flag(keys)])
    flags[raised] = False
    # A pad of -1 has the last key of the list before, hence the second condition.
    hit.reshape(-1)[places] = np.isin(keys[places], wanted) & (ranked.reshape(-1)[places] >= 0)


def _flag(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The flag of each key: equal keys share one."""
    return (keys.view(np.uint64) * SCRAMBLE >> np.uint64(64 - FLAG_BITS)).view(np.int64)


def dcg(hit: Hits, k: int) -> Values:
    """DCG@k: sum over places p = 1..k of hit_p / log2(p + 1); not bounded by 1.

    1 / log2(2) + 1 / log2(4):

    >>> dcg(np.array([[True, False, True, False]]), k=4).tolist()
    [1.5]
    """
    discount, top = _discount(k), hit[:, :k]
    gained = np.zeros(len(top))
    for part in blocks(top.shape):
        # Added one place after the other, in the order of `ideal_dcg`: a perfect list scores 1 to the last bit.
        at, place = np.nonzero(top[part])
        gained[part] = np.bincount(at, discount[place], minlength=part.stop - part.start)
    return gained


def ideal_dcg(sizes: Sizes, k: int) -> Values:
    """The highest DCG@k that any list could have: min(k, targets) hits in front; 0 without targets.

    1 / log2(2) + 1 / log2(3) + 1 / log2(4):

    >>> ideal_dcg(np.array([3, 0]), k=4).round(4).tolist()
    [2.1309, 0.0]
    """
    return np.concatenate(([0.0], np.cumsum(_discount(k))))[np.minimum(sizes, k)]


def _discount(k: int) -> Values:
    return np.asarray(1.0 / np.log2(np.arange(2, k + 2)), np.float64)


def ndcg(hit: Hits, sizes: Sizes, k: int) -> Values:
    """NDCG@k: hits discounted by their place, over the best that any list could do.

    sum over places p = 1..k of hit_p / log2(p + 1), divided by the same sum with min(k, targets) hits in front
    (Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002).

    1 / log2(2) + 1 / log2(4) out of 1 / log2(2) + 1 / log2(3) + 1 / log2(4), so (1 + 1 / 2) / (1 + 0.631 + 1 / 2):

    >>> ndcg(np.array([[True, False, True, False]]), sizes=np.array([3]), k=4).round(4).tolist()
    [0.7039]
    """
    return dcg(hit, k) / _or_nan(ideal_dcg(sizes, k))


def ndcg_of_means(hit: Hits, sizes: Sizes, k: int) -> float:
    """Mean DCG@k over mean ideal DCG@k: one number for all listeners; NaN when nobody has a target.

    The form of the tables of the Yambda paper (Ploshkin et al., 2025; docs/rooms/metrics.md says of which version of
    its code); for comparing with them, nothing else. A listener weighs as much as her ideal DCG: four and a half times
    as much with ten targets as with one.

    A second listener with one target, at place 3 of her list: (1.5 + 0.5) / (2.1309 + 1), where NDCG is 0.7039 and
    0.5, in the mean 0.602.

    >>> hit = np.array([[True, False, True, False], [False, False, True, False]])
    >>> round(ndcg_of_means(hit, np.array([3, 1]), k=4), 4)
    0.6388
    """
    best = float(ideal_dcg(sizes, k).sum())
    return float(dcg(hit, k).sum()) / best if best else float("nan")


def recall(hit: Hits, sizes: Sizes, k: int) -> Values:
    """Recall@k: the share of the targets that the list holds, or of k where there are more targets than places.

    hits among the first k / min(k, targets), so that a perfect list always scores 1.

    2 of 3 at k = 4; 1 of 2 at k = 2, where only two places are to be had:

    >>> hit, sizes = np.array([[True, False, True, False]]), np.array([3])
    >>> recall(hit, sizes, 4).tolist() == [2 / 3], recall(hit, sizes, 2).tolist() == [1 / 2]
    (True, True)
    """
    return _found(hit, k) / _or_nan(np.minimum(sizes, k))


def recall_uncapped(hit: Hits, sizes: Sizes, k: int) -> Values:
    """The textbook's recall@k: hits among the first k / targets; with more targets than places it cannot reach 1.

    The form of the tables of the Yambda paper and of trec_eval.

    1 of 3 at k = 2:

    >>> recall_uncapped(np.array([[True, False, True, False]]), np.array([3]), 2).tolist() == [1 / 3]
    True
    """
    return _found(hit, k) / _or_nan(sizes)


def average_precision_at(hit: Hits, sizes: Sizes, k: int) -> Values:
    """AP@k, whose mean over listeners is MAP@k: the precision at each hit, summed, over the hits that were possible.

    sum over hits at places p = 1..k of (hits up to p) / p, divided by min(k, targets), as in the Million Song Dataset
    Challenge (McFee et al., 2012). trec_eval divides by the targets.

    (1 / 1 + 2 / 3) / 3:

    >>> average_precision_at(np.array([[True, False, True, False]]), np.array([3]), 4).tolist() == [(1 / 1 + 2 / 3) / 3]
    True
    """
    top = hit[:, :k]
    summed = np.zeros(len(top))
    for part in blocks(top.shape):
        at, place = np.nonzero(top[part])
        so_far = np.cumsum(top[part], axis=1, dtype=np.int32)[at, place]
        summed[part] = np.bincount(at, so_far / (place + 1), minlength=part.stop - part.start)
    return summed / _or_nan(np.minimum(sizes, k))


def mrr(hit: Hits, k: int) -> Values:
    """MRR@k: one over the place of the first hit; 0 when the first k places hold none.

    1 / 1; without the first place of the list 1 / 2:

    >>> hit = np.array([[True, False, True, False]])
    >>> mrr(hit, 4).tolist() == [1 / 1], mrr(hit[:, 1:], 3).tolist() == [1 / 2]
    (True, True)
    """
    if not hit[:, :k].shape[1]:
        return np.zeros(len(hit))
    first = hit[:, :k].argmax(axis=1) + 1
    return np.asarray(hit[:, :k].any(axis=1) / first, np.float64)


def hit_rate(hit: Hits, k: int) -> Values:
    """HR@k: 1 when the first k places hold at least one target, else 0.

    >>> hit_rate(np.array([[True, False, True, False], [False, False, True, True]]), k=2).tolist()
    [1.0, 0.0]
    """
    return np.asarray(hit[:, :k].any(axis=1), np.float64)


def _found(hit: Hits, k: int) -> Values:
    return np.asarray(hit[:, :k].sum(axis=1), np.float64)


def _or_nan(divisor: NDArray[np.integer] | Values) -> Values:
    return np.where(divisor > 0, divisor, np.nan)
