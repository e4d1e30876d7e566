"""How often somebody sits down to listen: a gamma-Poisson rate from their own past, shrunk to everybody's.

A listener's sittings in one horizon are Poisson with a rate of their own, and rates are Gamma(shape + a . sittings,
rate + a . exposure): the sittings of the past, faded with two half-lives, and how long the listener has been there,
faded alike. Shape, rate and the two trusts a are those under which the weeks before the moment were likeliest
(negative binomial, maximum likelihood). A week and eight: the one says who is there now, the other who they are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import fmin
from scipy.special import gammaln

from palate.core.clock import DAY_SECONDS
from palate.listening.history import History

HALF_LIVES_SECONDS = np.array([7.0, 56.0]) * DAY_SECONDS
START: NDArray[np.float64] = np.log(
    [0.5, 0.5, 0.3, 0.3]
)  # shape, rate, trusts: where the search begins, and what stands without data


@dataclass(frozen=True)
class Sittings:
    """Sittings with at least one heard play, in the order of their first: listener row, home seconds, heard plays."""

    user: NDArray[np.int32]
    start: NDArray[np.float64]
    plays: NDArray[np.int64]


def sittings_of(heard: History) -> Sittings:
    """Every sitting of `heard`, which holds heard plays only."""
    _, first, plays = np.unique(heard.session, return_index=True, return_counts=True)
    order = np.argsort(first, kind="stable")
    return Sittings(heard.user[first[order]], heard.timestamp[first[order]], plays[order].astype(np.int64))


@dataclass(frozen=True)
class Evidence:
    """Of q listeners at a moment. sittings, exposure # (q, half-lives), faded; exposure in horizons."""

    sittings: NDArray[np.float64]
    exposure: NDArray[np.float64]


def evidence(sittings: Sittings, users: NDArray[np.int32], at: float, horizon_seconds: float) -> Evidence:
    """What is known of `users` just before `at`."""
    past = sittings.start < at
    user, age = sittings.user[past], at - sittings.start[past]
    n = int(max(sittings.user.max(initial=-1), users.max(initial=-1))) + 1
    longest = np.zeros(n)
    np.maximum.at(longest, user, age)
    counts, exposure = [], []
    for half_life in HALF_LIVES_SECONDS:
        counts.append(np.bincount(user, 0.5 ** (age / half_life), minlength=n)[users])
        faded = (1.0 - 0.5 ** (longest[users] / half_life)) * half_life / np.log(2.0)
        exposure.append(faded / horizon_seconds)
    return Evidence(np.stack(counts, axis=1), np.stack(exposure, axis=1))


@dataclass(frozen=True)
class Rates:
    """The fitted numbers: Gamma(shape, rate) of everybody, and how much one's own past counts, (half-lives,)."""

    shape: float
    rate: float
    trust: NDArray[np.float64]

    def of(self, seen: Evidence) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(q,) shape and (q,) rate of each listener's Gamma, in sittings per horizon."""
        return self.shape + seen.sittings @ self.trust, self.rate + seen.exposure @ self.trust


def fit_rates(seen: Evidence, sat: NDArray[np.int64]) -> Rates:
    """The numbers that make `sat` (q,) likeliest: the sittings of one horizon, of listeners seen at its beginning."""
    found = START
    if len(sat):
        found = fmin(_surprise, START, (seen, sat), xtol=1e-3, ftol=1e-6, maxiter=600, disp=False)
    shape, rate, *trust = np.exp(found).tolist()
    return Rates(shape, rate, np.array(trust))


def _surprise(logs: NDArray[np.float64], seen: Evidence, sat: NDArray[np.int64]) -> float:
    """Mean negative log-likelihood; a weak pull to START keeps the search in bounds where the data says nothing."""
    shape, rate, *trust = np.exp(np.clip(logs, -12.0, 12.0)).tolist()
    a, b = Rates(shape, rate, np.array(trust)).of(seen)
    likely = gammaln(sat + a) - gammaln(a) - gammaln(sat + 1.0) - a * np.log1p(1.0 / b) - sat * np.log1p(b)
    return float(-likely.mean() + 1e-3 * np.square(logs - START).mean())
