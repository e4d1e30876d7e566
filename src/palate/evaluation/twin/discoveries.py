"""Which new items a listener meets: the model's list in part, what is popular for the rest.

A discovery comes with chance `list_share` from a softmax over the model's scores, else from everybody's plays. Both
numbers, share and temperature, are those that make the discoveries of the last horizon before the moment likeliest,
under what the model would have said at its beginning.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.evaluation.splits import pair_keys
from palate.evaluation.twin.model import Offers, TwinModel, TwinSettings
from palate.evaluation.twin.weeks import Choices, holds, places
from palate.listening.history import History

POPULAR_DAYS = 28.0
TEMPERATURES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0)  # from "only the first" to "any of the list"
LEAST_DISCOVERIES = 50  # fewer cannot tell two temperatures apart
ROUNDS = 50  # of expectation and maximisation; the share moves by under .001 after 30 on 30Music
REDRAWS = 8  # of a popular item that turns out to be known; who knows all of them keeps the last


@dataclass(frozen=True)
class Discoveries:
    """temperature, list_share as in TwinSettings; fitted False where they are the settings'."""

    temperature: float
    list_share: float
    fitted: bool


def fit_discoveries(
    heard: History,
    model: TwinModel,
    users: NDArray[np.int32],
    at: float,
    horizon_seconds: float,
    settings: TwinSettings,
) -> Discoveries:
    """From what `users` heard for the first time in the last horizon before `at`; the settings' numbers without it."""
    moment, default = at - horizon_seconds, Discoveries(settings.temperature, settings.list_share, False)
    user, item = first_heard(heard, moment, at)
    owner = places(users, user)
    owner, item = owner[owner >= 0], item[owner >= 0]
    if len(owner) < LEAST_DISCOVERIES or (offers := model.offers_before(users)) is None:
        return default
    everybody = popular(heard, moment).chances(np.zeros_like(owner), item)
    best, fitted = -np.inf, default
    for temperature in TEMPERATURES:
        listed = choices(offers, temperature).chances(owner, item)
        share, likely = _share(listed, everybody)
        if likely > best:
            best, fitted = likely, Discoveries(temperature, share, True)
    return fitted


def _share(listed: NDArray[np.float64], everybody: NDArray[np.float64]) -> tuple[float, float]:
    """The share of the list that makes a mixture of the two likeliest, and its log-likelihood.

    Items that neither would give say nothing and are left out: they are the same at every temperature.
    """
    either = listed + everybody > 0
    if not either.any():
        return 0.0, -np.inf
    listed, everybody, share = listed[either], everybody[either], 0.5
    for _ in range(ROUNDS):
        ours = share * listed
        share = float((ours / (ours + (1.0 - share) * everybody)).mean())
    return share, float(np.log(share * listed + (1.0 - share) * everybody).sum())


def first_heard(heard: History, start: float, end: float) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """User and item rows of the pairs first heard in start <= time < end."""
    past = heard.until(end)
    _, first = np.unique(pair_keys(past.user, past.item, past.n_items), return_index=True)
    new = first[past.timestamp[first] >= start]
    return past.user[new], past.item[new]


def choices(offers: Offers, temperature: float) -> Choices:
    """The lists, to draw from."""
    owner = np.repeat(np.arange(len(offers.items)), offers.items.shape[1])
    return Choices.of(owner, offers.items.ravel(), offers.probabilities(temperature).ravel(), len(offers.items))


def popular(heard: History, at: float) -> Choices:
    """One set of choices, at listener 0: items by plays in the POPULAR_DAYS before `at`, in all time if none."""
    recent = heard.between(at - POPULAR_DAYS * DAY_SECONDS, at)
    plays = np.bincount((recent if len(recent) else heard.until(at)).item, minlength=heard.n_items)
    return Choices.of(np.zeros(len(plays), np.int64), np.arange(len(plays), dtype=np.int32), plays.astype(float), 1)


def draw_popular(
    everybody: Choices, user: NDArray[np.int32], known: NDArray[np.int64], n_items: int, rng: np.random.Generator
) -> NDArray[np.int32]:
    """(p,) a popular item for each of `user`, drawn again while the pair is `known` (ascending `pair_keys`)."""
    nobody = np.zeros(len(user), np.int64)
    item = everybody.draw(nobody, rng)
    for _ in range(REDRAWS):
        again = np.flatnonzero(holds(known, pair_keys(user, item, n_items)))
        item[again] = everybody.draw(nobody[again], rng)
    return np.asarray(item, np.int32)
