"""From comparisons to one strength for each condition: Davidson's model, which is Bradley and Terry's with ties.

    P(i is preferred to j) = s_i / (s_i + s_j + v sqrt(s_i s_j)),   P(no difference) = v sqrt(s_i s_j) / (the same)

Davidson, "On Extending the Bradley-Terry Model to Accommodate Ties in Paired Comparison Experiments", 1970. Counting a
tie as half a win for each, as is often done, pulls strengths together when ties are frequent: with planted strengths
+1, 0 and -1 and 29% ties it finds +.66, 0 and -.66. Here ties have a parameter of their own, and strengths say what
happens when a difference is heard.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.lab.listening_tests.statistics.intervals import DRAWS, Interval, crossed_intervals

PRIOR = 1 / 3  # answers of each outcome added to each pair, so that a condition that always wins stays finite
STEPS = 60
CLOSE = 1e-9
LONGEST_STEP = 2.0


@dataclass(frozen=True)
class Preference:
    """What the comparisons say of all conditions together.

    strengths  log s by condition, with mean 0; a difference of 1 is odds of e = 2.7 to 1
    chance     by condition: how often it is preferred to an even draw of the others, when a difference is heard
    tie_share  how often equals are called the same: v / (2 + v)
    """

    strengths: dict[str, Interval]
    chance: dict[str, float]
    tie_share: float


def fit_davidson(counts: NDArray[np.float64], pairs: NDArray[np.intp], n: int) -> NDArray[np.float64]:
    """Fits many tables of counts at once, by Newton's method; the likelihood is concave, so it has one top.

    counts # (b, p, 3) answers to each pair: for the first, for the second, no difference
    pairs  # (p, 2) conditions, numbered from 0 to n - 1
    gives  # (b, n + 1): log strengths with mean 0, then log v

    PRIOR is added to every count. Conditions that no pair connects stay at the mean of their own group.
    """
    counts = counts + PRIOR
    # An outcome's weight is exp(x . theta): e_i, e_j, or half of both and 1 for log v.
    features = np.zeros((len(pairs), 3, n + 1))
    rows = np.arange(len(pairs))
    features[rows, 0, pairs[:, 0]] = features[rows, 1, pairs[:, 1]] = 1.0
    features[rows, 2, pairs[:, 0]] = features[rows, 2, pairs[:, 1]] = 0.5
    features[:, 2, n] = 1.0
    anchor = np.zeros((n + 1, n + 1))
    anchor[:n, :n] = 1.0  # the mean of the strengths is free; holding it at 0 makes the system solvable
    theta = np.zeros((len(counts), n + 1))
    answers = counts.sum(axis=2)
    for _ in range(STEPS):
        logits = np.einsum("pof,bf->bpo", features, theta)
        share = np.exp(logits - logits.max(axis=2, keepdims=True))
        share /= share.sum(axis=2, keepdims=True)
        gradient = np.einsum("bpo,pof->bf", counts - answers[:, :, None] * share, features)
        mean = np.einsum("bpo,pof->bpf", share, features)
        second = np.einsum("bp,bpo,pof,pog->bfg", answers, share, features, features, optimize=True)
        second -= np.einsum("bp,bpf,bpg->bfg", answers, mean, mean, optimize=True)
        step = np.linalg.solve(second + anchor + 1e-9 * np.eye(n + 1), gradient[..., None])[..., 0]
        theta += np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        if np.abs(step).max() < CLOSE:
            break
    theta[:, :n] -= theta[:, :n].mean(axis=1, keepdims=True)
    return theta


def preference(
    conditions: Sequence[str],
    pair: NDArray[np.intp],
    pairs: NDArray[np.intp],
    outcome: NDArray[np.intp],
    raters: NDArray[np.generic],
    cases: NDArray[np.generic],
    draws: int = DRAWS,
    seed: int = 0,
) -> Preference | None:
    """The strengths of `conditions` with intervals over raters and cases; None while answers connect not all of them.

    pair    # (n,) which row of `pairs` was compared
    pairs   # (p, 2) conditions by number
    outcome # (n,) 0 for the first of the pair, 1 for the second, 2 for no difference
    """
    asked = np.unique(pair)
    if not _connected(pairs[asked], len(conditions)):
        return None
    used, row = pairs[asked], np.searchsorted(asked, pair)
    cells = np.zeros((len(pair), len(used) * 3))
    cells[np.arange(len(pair)), row * 3 + outcome] = 1.0

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return fit_davidson((weights @ cells).reshape(len(weights), len(used), 3), used, len(conditions))

    found = crossed_intervals(statistic, raters, cases, draws, seed)
    strengths = np.array([one.value for one in found[:-1]])
    wins = 1 / (1 + np.exp(strengths[None, :] - strengths[:, None]))
    chance = (wins.sum(axis=1) - 0.5) / max(len(conditions) - 1, 1)
    v = float(np.exp(found[-1].value))
    named = dict(zip(conditions, found[:-1], strict=True))
    return Preference(named, dict(zip(conditions, chance.tolist(), strict=True)), v / (2 + v))


def _connected(pairs: NDArray[np.intp], n: int) -> bool:
    """Whether every condition can be reached from the first."""
    reached = {0}
    for _ in range(n):
        reached |= {
            int(other) for one, two in pairs for here, other in ((one, two), (two, one)) if int(here) in reached
        }
    return len(reached) == n
