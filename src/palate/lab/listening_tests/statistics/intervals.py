"""How sure a number is when the raters and the cases are both a sample of more.

Answers of one rater are alike, and so are answers to one case: 300 answers of 10 raters to 30 cases are not 300
observations. Three one-way bootstraps are taken, drawing raters, cases, and single answers; the variance is
V(raters) + V(cases) - V(answers) (Cameron, Gelbach and Miller, "Robust Inference with Multiway Clustering", 2011),
never less than the larger of the first two. The interval is the value plus and minus Student's t with Satterthwaite's
degrees of freedom. Measured on simulated answers of 5 to 30 raters to 2 to 30 cases it covers the truth 93 to 99 times
in 100. Drawing raters and cases together (Owen's pigeonhole bootstrap) was tried and left: of independent answers its
intervals are 1.65 times too wide.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

CONFIDENCE = 0.95
DRAWS = 400

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Interval:
    """A value and the bounds of its 95% interval; bounds are NaN where one rater and one case allow none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Spread:
    """k numbers, each (k,): value, variance, and how many standard errors to reach out; NaN where nothing is known."""

    value: NDArray[np.float64]
    variance: NDArray[np.float64]
    reach: NDArray[np.float64]


def crossed_spread(
    statistic: Statistic, raters: ArrayLike, cases: ArrayLike, draws: int = DRAWS, seed: int = 0
) -> Spread:
    """The variance of the k numbers that `statistic` gives, over raters and cases.

    statistic # (b, n) weights of the answers -> (b, k); a NaN is a draw that does not count
    raters    # (n,) who answered
    cases     # (n,) what was answered

    With one rater the variance is over cases alone, with one case over raters alone: it then says nothing of others.
    """
    groups = [np.unique(np.asarray(one), return_inverse=True)[1] for one in (raters, cases)]
    n = len(groups[0])
    value = statistic(np.ones((1, n)))[0]
    rng = np.random.default_rng(seed)
    sizes = [int(group.max(initial=-1)) + 1 for group in groups]
    parts = [
        (_variance(statistic, group, size, draws, rng), size - 1)
        for group, size in zip(groups, sizes, strict=True)
        if size > 1
    ]
    if not parts:
        return Spread(value, np.full_like(value, np.nan), np.full_like(value, np.nan))
    variance = np.max([one for one, _ in parts], axis=0)
    if len(parts) == 2:
        noise = _variance(statistic, np.arange(n), n, draws, rng)
        variance = np.maximum(variance, parts[0][0] + parts[1][0] - noise)
        parts.append((noise, n - 1))
    below = sum(np.square(one) / freedom for one, freedom in parts)
    freedom = np.where(below > 0, np.square(variance) / np.where(below > 0, below, 1.0), n - 1)
    return Spread(value, variance, np.asarray(student.ppf((1 + CONFIDENCE) / 2, np.maximum(freedom, 1.0))))


def crossed_intervals(
    statistic: Statistic, raters: ArrayLike, cases: ArrayLike, draws: int = DRAWS, seed: int = 0
) -> list[Interval]:
    """One interval for each of the numbers of `crossed_spread`."""
    found = crossed_spread(statistic, raters, cases, draws, seed)
    by = found.reach * np.sqrt(found.variance)
    bounds = zip(found.value, found.value - by, found.value + by, strict=True)
    return [Interval(*(float(one) for one in bound)) for bound in bounds]


def mean_intervals(values: NDArray[np.float64], raters: ArrayLike, cases: ArrayLike, seed: int = 0) -> list[Interval]:
    """One interval for the mean of each column of `values` (n, k)."""
    return crossed_intervals(lambda w: (w @ values) / w.sum(axis=1, keepdims=True), raters, cases, seed=seed)


def share_intervals(
    yes: NDArray[np.bool_], known: NDArray[np.bool_], raters: ArrayLike, cases: ArrayLike, seed: int = 0
) -> list[Interval]:
    """One interval for each of k shares: of the `known` answers (n, k) those that are `yes` (n, k).

    Wilson's interval, with as many answers as would be worth as much if they were independent: n divided by how much
    larger the variance is than theirs (Korn and Graubard, 1998). It stays within 0 and 1 and is no point for 10 of 10.
    """
    part, whole = (yes & known).astype(np.float64), known.astype(np.float64)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        below = weights @ whole
        return np.where(below > 0, (weights @ part) / np.where(below > 0, below, 1.0), np.nan)

    found, n = crossed_spread(statistic, raters, cases, seed=seed), whole.sum(axis=0)
    alone = found.value * (1 - found.value) / np.maximum(n, 1)
    grown = np.maximum(np.where(alone > 0, found.variance / np.where(alone > 0, alone, 1.0), 1.0), 1.0)
    worth = zip(found.value, n / np.where(np.isnan(grown), 1.0, grown), found.reach, strict=True)
    return [score_interval(float(value), float(size), float(z)) for value, size, z in worth]


def score_interval(share: float, n: float, z: float) -> Interval:
    """Wilson's interval (1927) around a share of n; NaN to 0..1 when n is 0.

    By hand for 8 of 10 with z = 1.96: centre (0.8 + z*z/20) / (1 + z*z/10) = 0.717, reach z / (1 + z*z/10) x
    sqrt(0.8 x 0.2 / 10 + z*z/400) = 0.227.
    """
    if n == 0:
        return Interval(float("nan"), 0.0, 1.0)
    grown = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / grown
    reach = z / grown * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return Interval(share, max(centre - reach, 0.0), min(centre + reach, 1.0))


def _variance(
    statistic: Statistic, group: NDArray[np.int64], size: int, draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(k,) the variance over draws of whole groups with replacement; NaN where fewer than two draws count."""
    chosen = rng.integers(0, size, (draws, size)) + np.arange(draws)[:, None] * size
    counts = np.bincount(chosen.ravel(), minlength=draws * size).reshape(draws, size).astype(np.float64)
    drawn = statistic(counts[:, group])
    counted = ~np.isnan(drawn)
    n = counted.sum(axis=0)
    total = np.where(counted, drawn, 0.0).sum(axis=0)
    apart = np.where(counted, drawn - total / np.maximum(n, 1), 0.0)
    # n groups drawn from n vary by (n - 1) / n of what they estimate
    variance = np.square(apart).sum(axis=0) / np.maximum(n - 1, 1) * size / (size - 1)
    return np.where(n > 1, variance, np.nan)
