"""What another policy would have got, from slates that were logged: inverse-propensity estimates.

The log was made by a policy that rolled dice and wrote down its chances. A reward that the other policy would have
reached twice as often counts twice, and so on: with w = p_other / p_logged for the item at each place of each slate,

    IPS               mean over slates of the sum over places of w r
    capped            the same with min(w, cap): a little too low where the cap bites, and far less noisy
    self-normalised   each place's sum of w r divided by its sum of w instead of the number of slates

(Horvitz and Thompson 1952; cap: Ionides, "Truncated importance sampling", 2008; Swaminathan and Joachims, "The
self-normalized estimator for counterfactual learning", 2015.)

What is assumed, the item-position model (Li et al., "Offline evaluation of ranking policies with click models", KDD
2018): the reward at a place depends on the listener, the item and the place, and not on the rest of the slate. Then the
chance of the item at its place is all that is needed. And each item that the other policy may show at a place was
possible there in the log; else its share is silently lost, which `mean_weight` shows: it must be 1.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.evaluation.intervals import CONFIDENCE, Interval
from palate.evaluation.plain import by_bound

Floats = NDArray[np.float64]
BLOCK_CELLS = 4_000_000  # drawn counts held at once: 32 MB


@dataclass(frozen=True)
class Logged:
    """n slates of k places; a slate that was shorter has propensity 1 and reward 0 in the rest, for both policies.

    listener   # (n,) int64, rows of one's own; the slates of one listener are redrawn together
    propensity # (n, k) the chance of the shown item at its place under the policy that logged it
    reward     # (n, k) what came of it, e.g. 1 for heard
    """

    listener: NDArray[np.int64]
    propensity: Floats
    reward: Floats


@dataclass(frozen=True)
class Replay:
    """The value of the other policy in reward per slate, three ways, and whether they can be trusted.

    logged           what the log's own policy got
    lift             capped over logged, minus one; both from the same slates, so it is far surer than either
    effective_slates (sum of w)^2 / sum of w^2 at the worst place: so many slates of one's own the log is worth
    mean_weight      1 but for chance if the propensities are true and nothing was impossible in the log
    capped_share     share of all weight that the cap took away
    largest_weight   before the cap
    """

    slates: int
    listeners: int
    cap: float
    logged: Interval
    ips: Interval
    capped: Interval
    self_normalised: Interval
    lift: Interval
    mean_weight: Interval
    effective_slates: float
    capped_share: float
    largest_weight: float

    @property
    def supported(self) -> bool:
        """Whether the weights are on average what they have to be."""
        return self.mean_weight.low <= 1.0 <= self.mean_weight.high


def replay(logged: Logged, target: Floats, cap: float | None = None, draws: int = 1000, seed: int = 0) -> Replay:
    """Replays the log for a policy that would have shown the same items with the chances `target` (n, k), 0 allowed.

    cap: the most that one reward may count; by default the root of the number of slates, where what is lost goes to
    zero as the log grows while no single slate decides (Ionides 2008). Intervals are percentiles of `draws` redraws of
    the listeners with all their slates. BadInput for shapes that differ, no slates, or a propensity outside 0..1.
    """
    weights = _weights(logged, target)
    n = len(weights)
    limit = math.sqrt(n) if cap is None else cap
    cut = np.minimum(weights, limit)
    parts = [
        logged.reward.sum(axis=1),
        (weights * logged.reward).sum(axis=1),
        (cut * logged.reward).sum(axis=1),
        weights.mean(axis=1),
    ]
    k = weights.shape[1]
    sums, rows = _by_listener(np.column_stack([*parts, weights * logged.reward, weights]), logged.listener)
    whole = _estimates(np.ones((1, len(rows))), sums, rows, k)[0]
    redrawn = _redrawn(sums, rows, k, draws, seed)
    low, high = np.quantile(redrawn, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2), axis=0)
    found = [Interval(*(float(x) for x in column)) for column in zip(whole, low, high, strict=True)]
    squares = np.maximum((weights**2).sum(axis=0), np.finfo(np.float64).tiny)
    return Replay(
        slates=n,
        listeners=len(rows),
        cap=limit,
        logged=found[0],
        ips=found[1],
        capped=found[2],
        self_normalised=found[4],
        lift=found[5],
        mean_weight=found[3],
        effective_slates=float((weights.sum(axis=0) ** 2 / squares).min()),
        capped_share=float((weights - cut).sum() / max(weights.sum(), np.finfo(np.float64).tiny)),
        largest_weight=float(weights.max()),
    )


def _weights(logged: Logged, target: Floats) -> Floats:
    shapes = {logged.propensity.shape, logged.reward.shape, target.shape}
    if len(shapes) > 1 or target.ndim != 2 or not target.size or len(logged.listener) != len(target):
        raise BadInput(f"propensities, rewards and target have shapes {sorted(shapes)}; give (slates, places) alike")
    if not ((logged.propensity > 0.0) & (logged.propensity <= 1.0)).all():
        raise BadInput("a logged propensity is unknown or outside 0..1; replay only slates whose chances were logged")
    if not ((target >= 0.0) & (target <= 1.0)).all():
        raise BadInput("a chance of the other policy is outside 0..1; give its probability of each item at its place")
    return np.asarray(target / logged.propensity, np.float64)


def _by_listener(columns: Floats, listener: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Sums (listeners, m) of the columns and the number of slates of each listener."""
    _, row = np.unique(listener, return_inverse=True)
    sums = np.stack([np.bincount(row, column) for column in columns.T], axis=1)
    return np.asarray(sums, np.float64), np.bincount(row).astype(np.float64)


def _redrawn(sums: Floats, rows: Floats, k: int, draws: int, seed: int) -> Floats:
    rng, n = np.random.default_rng(seed), len(rows)
    even, block = np.full(n, 1.0 / n), max(1, BLOCK_CELLS // n)
    return np.concatenate(
        [
            _estimates(rng.multinomial(n, even, size=min(block, draws - done)).astype(np.float64), sums, rows, k)
            for done in range(0, draws, block)
        ]
    )


def _estimates(times: Floats, sums: Floats, rows: Floats, k: int) -> Floats:
    """(draws, listeners) how often each was drawn -> (draws, 6): logged, IPS, capped, mean weight, self-normalised,
    the lift of capped over logged (NaN over nothing)."""
    totals, slates = times @ sums, times @ rows
    means = totals[:, :4] / slates[:, None]
    gains, weights = totals[:, 4 : 4 + k], totals[:, 4 + k :]
    normalised = (gains / np.maximum(weights, np.finfo(np.float64).tiny)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        lift = np.where(means[:, 0] != 0.0, means[:, 2] / means[:, 0] - 1.0, np.nan)
    return np.column_stack([means, normalised, lift])


def to_json(found: Replay) -> dict[str, Any]:
    """Everything as plain values."""
    intervals = {"logged", "ips", "capped", "self_normalised", "lift", "mean_weight"}
    told = {name: value for name, value in vars(found).items() if name not in intervals}
    for name in sorted(intervals):
        told[name] = by_bound(getattr(found, name))
    return told | {"supported": found.supported}
