"""What lists are like besides being right: how broad, how well known, how varied, how steady, how true to tastes.

    ranked   # (q, n) int, item rows, best first, padded with -1; only the first k places are looked at
    heard_by # (n_items,) int, how many listeners heard each item before the lists were made, of `listeners` in all

Gives (q,) float64, one value a listener, unless said; NaN for a list without items. A list shorter than k is judged by
what it holds. None of these says whether anybody liked the list: read them beside `ranking`, never alone. BadInput
when a list holds an item row that the values by item do not reach.

The worked examples: 8 listeners; item 0 was heard by all, item 1 by four, item 2 by one, item 3 by nobody.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

from palate.core.errors import BadInput
from palate.evaluation.metrics.ranking import Values, blocks, hits

Lists = NDArray[np.integer]


def coverage(ranked: Lists, catalogue: NDArray[np.integer], k: int) -> float:
    """Coverage@k: the share of the catalogue that appears in somebody's first k places; NaN without a catalogue.

    Distinct catalogue items in all lists / items in the catalogue (distinct); an item from outside it does not count.
    Lists 3, 1 and 3, 2 over the catalogue {1, 2, 3, 4} show three of four.

    >>> coverage(np.array([[3, 1], [3, 2]]), np.array([1, 2, 3, 4]), 2) == 3 / 4
    True
    """
    if not len(catalogue):
        return float("nan")
    return float(np.count_nonzero(_shown(ranked, catalogue, k)) / len(catalogue))


def exposure_gini(ranked: Lists, catalogue: NDArray[np.integer], k: int) -> float:
    """How unequally the first k places of all lists are shared out: 0 when each catalogue item has as many, 1 when one
    item has all.

    With x_1 <= ... <= x_c the places of the c catalogue items: sum of (2 j - c - 1) x_j / ((c - 1) sum of x_j)
    (the Gini index, as in Castells, Hurley and Vargas, "Novelty and Diversity in Recommender Systems", 2022). NaN when
    the catalogue has fewer than two items or none of it is shown.

    Lists 3, 1 and 3, 2 over {1, 2, 3, 4} give 0, 1, 1, 2 places: (-3 * 0 - 1 * 1 + 1 * 1 + 3 * 2) / (3 * 4).

    >>> exposure_gini(np.array([[3, 1], [3, 2]]), np.array([1, 2, 3, 4]), 2) == 6 / 12
    True
    """
    shown, count = np.sort(_shown(ranked, catalogue, k)), len(catalogue)
    if count < 2 or not shown[-1]:
        return float("nan")
    rank = 2.0 * np.arange(1, count + 1) - count - 1
    return float(rank @ shown / ((count - 1) * shown.sum()))


def popularity(ranked: Lists, heard_by: NDArray[np.integer], listeners: int, k: int) -> Values:
    """Popularity@k: the mean over a list of the share of listeners who had heard the item; 0 to 1.

    The average recommendation popularity (ARP) of Abdollahpouri et al., "Managing Popularity Bias in Recommender
    Systems with Personalized Re-ranking" (2019), with shares in place of counts so that homes can be compared.

    (8 / 8 + 1 / 8) / 2:

    >>> popularity(np.array([[0, 2, -1]]), np.array([8, 4, 1, 0]), listeners=8, k=3).tolist()
    [0.5625]
    """
    return _mean_of(ranked, _share(heard_by, listeners), k)


def novelty(ranked: Lists, heard_by: NDArray[np.integer], listeners: int, k: int) -> Values:
    """Novelty@k: the mean over a list of -log2 p, p the share of listeners who had heard the item; in bits.

    The self-information of Zhou et al., "Solving the apparent diversity-accuracy dilemma of recommender systems"
    (2010): 0 when everybody knows everything on the list, at most log2(listeners). An item that nobody had heard would
    be infinitely novel, and one of them would decide the mean; it counts as if one listener had heard it, which is the
    smallest share that so many listeners can show.

    Half the listeners heard item 1, an eighth heard item 2, nobody item 3: (1 + 3 + 3) / 3.

    >>> novelty(np.array([[1, 2, 3]]), np.array([8, 4, 1, 0]), listeners=8, k=3).tolist() == [(1 + 3 + 3) / 3]
    True
    """
    # Adding 0 turns the -0.0 of an item that everybody heard into 0.0.
    return _mean_of(ranked, 0.0 - np.log2(_share(np.maximum(heard_by, 1), listeners)), k)


def diversity(ranked: Lists, vectors: NDArray[np.floating], k: int) -> Values:
    """Intra-list diversity@k: 1 - the mean cosine between the items of a list, over all pairs.

    vectors # (n_items, d) float, any length; a zero vector is an unknown item, and such items are left out

    0 when all items point the same way, 1 when they have nothing in common, more (at most 2) when they point away from
    each other. NaN with fewer than two known items. The distance is that of the vectors given: a model's own vectors
    flatter or punish it, so use the same ones for every method (Ziegler et al., "Improving Recommendation Lists
    Through Topic Diversification", 2005; the mean distance of Zhang and Hurley, 2008).

    Cosines 0, 1 and 0 between three items: 1 - (0 + 1 + 0) / 3.

    >>> vectors = np.array([[1.0, 0.0], [0.0, 1.0], [3.0, 0.0], [0.0, 0.0]])
    >>> diversity(np.array([[0, 1, 2, 3, -1]]), vectors, k=5).round(4).tolist()
    [0.6667]
    """
    top = _checked(ranked[:, :k], len(vectors))
    length = np.append(np.sqrt(np.einsum("id,id->i", vectors, vectors, dtype=np.float64)), 0.0)
    weight = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    spread = np.full(len(top), np.nan)
    for part in blocks((len(top), top.shape[1] * max(vectors.shape[1], 1))):
        known = weight[top[part]]
        count = np.count_nonzero(known, axis=1)
        # The squared length of the sum of m unit vectors is m plus twice the cosines of all pairs.
        total = np.einsum("qk,qkd->qd", known, vectors[top[part]], dtype=np.float64)
        cosines = np.einsum("qd,qd->q", total, total) - count
        pairs = np.where(count > 1, count * (count - 1.0), np.nan)
        spread[part] = np.maximum(1.0 - cosines / pairs, 0.0)
    return spread


def overlap(ranked: Lists, later: Lists, k: int) -> Values:
    """Overlap@k: the share of a list's first k items that are among the first k of the same listener's later list.

    ranked, later # (q, n) and (q, m): row by row the same listener, for example today and tomorrow

    0 when everything is new, 1 when nothing is; the order within the lists does not count. BadInput when the two have
    different numbers of lists.

    >>> overlap(np.array([[5, 6, 7, 8], [1, -1, -1, -1]]), np.array([[8, 1, 5, 2], [-1, -1, -1, -1]]), k=4).tolist()
    [0.5, 0.0]
    """
    if len(ranked) != len(later):
        raise BadInput(f"{len(ranked)} lists came with {len(later)} later ones; give one for each, in the same order")
    filled = later[:, :k] >= 0
    indptr = np.concatenate(([0], np.cumsum(np.count_nonzero(filled, axis=1))))
    again = hits(ranked[:, :k], indptr, later[:, :k][filled])
    return np.asarray(again.sum(axis=1) / _places(ranked[:, :k]), np.float64)


def label_counts(
    rows: NDArray[np.integer], items: NDArray[np.integer], labels: NDArray[np.integer], shape: tuple[int, int]
) -> sparse.csr_array:
    """How often each row met each label: what `calibration` reads of the listeners' histories.

    rows, items # (m,) int, one pair for each listen that counts: who, and the item's row
    labels      # (n_items,) int, one code for each item (a kind, a genre), -1 where unknown: such listens are left out
    shape       # (rows, labels)
    gives       # sparse (rows, labels) float64

    BadInput when a code does not fit the shape.

    >>> label_counts(np.array([0, 0, 1]), np.array([2, 2, 0]), np.array([0, -1, 1]), (2, 2)).toarray().tolist()
    [[0.0, 2.0], [1.0, 0.0]]
    """
    if labels.max(initial=-1) >= shape[1]:
        raise BadInput(f"an item has label {labels.max()} but there are {shape[1]} labels; codes count from 0")
    label = labels[items]
    known = label >= 0
    met = (np.ones(np.count_nonzero(known)), (rows[known], label[known]))
    return sparse.csr_array(sparse.coo_array(met, shape=shape))


def calibration(
    ranked: Lists, labels: NDArray[np.integer], history: sparse.csr_array | NDArray[np.floating], k: int
) -> Values:
    """Calibration@k: how far the labels of a list are from those of what the listener heard; 0 to 1, lower is better.

    labels  # (n_items,) int, one code for each item (a kind, a genre), -1 where unknown: such items are left out
    history # (q, labels) counts or shares, sparse or dense, not negative; `label_counts` makes them

    With p and q the shares of the labels in history and list, and m = (p + q) / 2, the Jensen-Shannon divergence with
    base 2: H(m) - (H(p) + H(q)) / 2, where H = -sum of p log2 p. 0 when the shares agree, 1 when no label is in both.
    Steck ("Calibrated Recommendations", 2018) takes the Kullback-Leibler divergence, which is infinite as soon as the
    list lacks one label of the history and therefore has to be smoothed by a constant of one's choice; this one is
    bounded and needs none. NaN when the history or the list has no known label. A short list cannot match many labels:
    compare methods at the same k, not a value with 0.

    A history of half and half and a list of one label only: H(3/4, 1/4) - (1 + 0) / 2.

    >>> calibration(np.array([[0, 1]]), np.array([0, 0, 1]), np.array([[5.0, 5.0]]), k=2).round(4).tolist()
    [0.3113]
    """
    if len(ranked) != history.shape[0]:
        raise BadInput(f"{len(ranked)} lists came with {history.shape[0]} histories; give one for each, in their order")
    top = _checked(ranked[:, :k], len(labels))
    far = np.zeros(len(top))
    for part in blocks(top.shape):
        at, place = np.nonzero(top[part] >= 0)
        listed = label_counts(at, top[part][at, place], labels, (part.stop - part.start, history.shape[1]))
        far[part] = _divergence(_shares(sparse.csr_array(history[part])), _shares(listed))
    return far


def _shares(counts: sparse.csr_array) -> sparse.csr_array:
    """Each row over its sum; a row without counts stays empty."""
    total = counts.sum(axis=1)
    each = np.repeat(np.where(total > 0, total, 1.0), np.diff(counts.indptr))
    return sparse.csr_array((counts.data / each, counts.indices, counts.indptr), shape=counts.shape)


def _divergence(first: sparse.csr_array, second: sparse.csr_array) -> Values:
    bits = _entropy((first + second) / 2.0) - (_entropy(first) + _entropy(second)) / 2.0
    empty = (first.sum(axis=1) == 0) | (second.sum(axis=1) == 0)
    return np.where(empty, np.nan, np.clip(bits, 0.0, 1.0))


def _entropy(shares: sparse.csr_array) -> Values:
    bits = sparse.csr_array((special.entr(shares.data) / np.log(2.0), shares.indices, shares.indptr), shares.shape)
    return np.asarray(bits.sum(axis=1), np.float64)


def _shown(ranked: Lists, catalogue: NDArray[np.integer], k: int) -> NDArray[np.int64]:
    """(c,) in how many places each catalogue item stands."""
    top = ranked[:, :k]
    span = int(max(top.max(initial=0), catalogue.max(initial=0))) + 1
    shown = np.zeros(span, np.int64)
    step = max(span, 1 << 20) // max(top.shape[1], 1) + 1  # adding up costs a look at every item of the catalogue
    for first in range(0, len(top), step):
        block = top[first : first + step]
        shown += np.bincount(block[block >= 0], minlength=span)
    of_catalogue: NDArray[np.int64] = shown[catalogue]
    return of_catalogue


def _mean_of(ranked: Lists, value: Values, k: int) -> Values:
    """The mean of a value by item over the filled places of each list."""
    top = _checked(ranked[:, :k], len(value))
    padded = np.append(value, 0.0)  # where a pad of -1 points
    total = np.zeros(len(top))
    for part in blocks(top.shape):
        total[part] = padded[top[part]].sum(axis=1)
    return total / _places(top)


def _places(top: Lists) -> Values:
    """(q,) how many places are filled; NaN where none is."""
    filled = np.count_nonzero(top >= 0, axis=1)
    return np.where(filled > 0, filled, np.nan)


def _share(heard_by: NDArray[np.integer], listeners: int) -> Values:
    if heard_by.max(initial=1) > listeners:
        raise BadInput(f"an item was heard by {heard_by.max(initial=1)} of {listeners} listeners; count each once")
    return np.asarray(heard_by / listeners, np.float64)


def _checked(top: Lists, n_items: int) -> Lists:
    if top.max(initial=-1) >= n_items:
        raise BadInput(f"a list holds item row {top.max()} but values came for {n_items} items; give one for each item")
    return top
