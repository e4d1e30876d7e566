"""Intervals that hold at every look: asymptotic confidence sequences.

A 95% interval is right 19 times in 20 if one looks once. Who looks every day and stops at the first good one is wrong
far more often (measured in docs/rooms/online.md). A confidence sequence is a 95% statement about all looks together.
For n values with mean m and variance s^2 it is

    m +- s * sqrt( 2 (n r^2 + 1) / (n^2 r^2) * log( sqrt(n r^2 + 1) / alpha ) )

(Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence
sequences", Annals of Statistics 2024: their sequence from Robbins' Gaussian mixture). r decides at which n it
is tightest; there it is 1.55 times as wide as a fixed interval, which is the price for looking.

Worked example: n = plan = 10,000, s = 1, alpha = 0.05: r = 0.0287, half width 0.0303; looking once it is 0.0196.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palate.core.errors import BadInput
from palate.evaluation.intervals import Interval

ALPHA = 0.05
MIN_LISTENERS = 100  # in each variant: the theory is a limit, and with fewer there is no interval yet


@dataclass(frozen=True)
class Moments:
    """What an interval needs of one variant: how many listeners, the mean of their values, and the variance."""

    n: int
    mean: float
    variance: float

    @classmethod
    def of(cls, values: ArrayLike) -> "Moments":
        """Of (n,) values, one for each listener; NaN where there are too few for a number."""
        array = np.asarray(values, np.float64)
        n = len(array)
        return cls(n, float(array.mean()) if n else math.nan, float(array.var(ddof=1)) if n > 1 else math.nan)


def tightest_at(plan: int, alpha: float = ALPHA) -> float:
    """r^2 of the formula: the boundary is tightest after `plan` listeners.

    n r^2 = w - 1 where w - log w = 1 - 2 log alpha (a branch of Lambert's function; here by fixed point).
    """
    if plan < 1 or not 0.0 < alpha < 1.0:
        raise BadInput(f"plan = {plan} and alpha = {alpha} cannot be; use a plan of at least 1 and alpha inside 0..1")
    target = 1.0 - 2.0 * math.log(alpha)
    w = target
    for _ in range(60):
        w = target + math.log(w)
    return (w - 1.0) / plan


def half_widths(n: ArrayLike, variance: ArrayLike, plan: int, alpha: float = ALPHA) -> NDArray[np.float64]:
    """Half the width of the sequence at n values of that variance; n and variance of any shapes that broadcast."""
    count = np.asarray(n, np.float64)
    x = count * tightest_at(plan, alpha)
    factor = 2.0 * (x + 1.0) / (count * x) * np.log(np.sqrt(x + 1.0) / alpha)
    return np.asarray(np.sqrt(np.asarray(variance, np.float64) * factor), np.float64)


def mean(one: Moments, plan: int, alpha: float = ALPHA) -> Interval:
    """The mean of one variant; without bounds below MIN_LISTENERS."""
    return _interval(one.mean, one.variance / max(one.n, 1), [one.n], plan, alpha)


def difference(treatment: Moments, control: Moments, plan: int, alpha: float = ALPHA) -> Interval:
    """Treatment minus control, in the metric's unit; without bounds below MIN_LISTENERS in either.

    Each listener of the n = n1 + n0 contributes the inverse-probability pseudo-outcome of the randomised experiment,
    whose variance is n (s1^2 / n1 + s0^2 / n0). `plan` counts both.
    """
    variance = treatment.variance / max(treatment.n, 1) + control.variance / max(control.n, 1)
    return _interval(treatment.mean - control.mean, variance, [treatment.n, control.n], plan, alpha)


def lift(treatment: Moments, control: Moments, plan: int, alpha: float = ALPHA) -> Interval:
    """Treatment over control, minus one, by the delta method: 0.03 is 3% more. NaN unless the control's mean is > 0."""
    if not control.mean > 0.0:
        return Interval(math.nan, -math.inf, math.inf)
    ratio = treatment.mean / control.mean
    variance = treatment.variance / max(treatment.n, 1) + ratio**2 * control.variance / max(control.n, 1)
    return _interval(ratio - 1.0, variance / control.mean**2, [treatment.n, control.n], plan, alpha)


def sample_size(lift: float, variation: float, power: float = 0.8, alpha: float = ALPHA) -> int:
    """Listeners in both halves together that a single look needs to find a relative lift with that power.

    `variation` is the standard deviation of the metric over its mean. The textbook's
    4 (z_(1 - alpha/2) + z_power)^2 (variation / lift)^2. A sequence needs more: see docs/rooms/online.md.
    """
    if not (lift != 0.0 and variation > 0.0 and 0.0 < power < 1.0):
        raise BadInput(f"lift = {lift}, variation = {variation}, power = {power} cannot be planned for; use lift != 0")
    from scipy.special import ndtri

    z = float(ndtri(1.0 - alpha / 2.0) + ndtri(power))
    return math.ceil(4.0 * (z * variation / lift) ** 2)


def _interval(value: float, variance: float, counts: list[int], plan: int, alpha: float) -> Interval:
    """`variance` is that of the value itself."""
    if min(counts) < MIN_LISTENERS or math.isnan(variance):
        return Interval(value, -math.inf, math.inf)
    n = sum(counts)
    half = float(half_widths(n, variance * n, plan, alpha))
    return Interval(value, value - half, value + half)
