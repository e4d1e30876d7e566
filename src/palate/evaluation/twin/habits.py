"""What a listener's own past says about the next week, each number shrunk to everybody's.

Everything here reads listens before one moment. Weeks are horizons counted back from it, so that an hour of the week is
simply how far into its week a listen lies.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.evaluation.splits import pair_keys
from palate.evaluation.twin.model import TwinSettings
from palate.evaluation.twin.rates import Evidence, Rates, Sittings, evidence, fit_rates, sittings_of
from palate.evaluation.twin.weeks import Choices, places
from palate.listening.history import History

RETURN_POWERS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # 0 is plays alone; 0.5 is the value of psychology
RETURN_POWER = 0.5
FRESH_DAYS = 0.5  # a play of a moment ago weighs like one of half a day
# What everybody does weighs as much as so much of one's own past. Each is the likeliest of 1 to 50 (plays: to 1,000)
# for eight weeks of 30Music.
PRIOR_LENGTHS = 20.0  # sittings
PRIOR_HOURS = 10.0  # sittings, with their beginnings blurred by BLUR_SECONDS; without the blur 50
PRIOR_PLAYS = 50.0
BLUR_SECONDS = 3_000.0  # standard deviation


@dataclass(frozen=True)
class Habits:
    """Of q listeners at a moment.

    rates        fitted for everybody; shape, rate # (q,) Gamma of each listener's sittings per horizon
    lengths      plays of past sittings
    offsets      seconds into their week at which past sittings began
    repeat       # (q,) chance that a play is of an item heard before the week
    returns      own items by plays, each weighing (age in days + FRESH_DAYS) ** -return_power
    again        chance that a play of an item new in the week is not its first in it
    play_seconds from the start of one play to the next within a sitting
    """

    rates: Rates
    shape: NDArray[np.float64]
    rate: NDArray[np.float64]
    lengths: Choices
    offsets: Choices
    repeat: NDArray[np.float64]
    returns: Choices
    return_power: float
    again: float
    play_seconds: float


def qualified(heard: History, at: float, settings: TwinSettings) -> NDArray[np.int32]:
    """The listeners that a twin at `at` is about, ascending: TwinSettings says who. Only listens before `at` count."""
    past = heard.until(at)
    enough = np.bincount(past.user, minlength=len(past.users)) >= settings.min_plays
    recent = np.unique(past.between(at - settings.recent_days * DAY_SECONDS, at).user)
    users = recent[enough[recent]]
    if len(users) > settings.listeners:
        users = np.random.default_rng(settings.seed).choice(users, settings.listeners, replace=False, shuffle=False)
    return np.sort(users).astype(np.int32)


def fit_habits(
    heard: History, users: NDArray[np.int32], at: float, horizon_seconds: float, settings: TwinSettings
) -> Habits:
    """The habits of `users` from `heard`: heard plays that all lie before `at`."""
    sittings = sittings_of(heard)
    rates = _past_rates(heard, sittings, at, horizon_seconds, settings)
    shape, rate = rates.of(evidence(sittings, users, at, horizon_seconds))
    own = places(users, sittings.user)
    there = own >= 0
    even = np.ones(int(there.sum()))
    offset = (sittings.start[there] - at) % horizon_seconds
    seen = Seen.of(heard, at, horizon_seconds)
    power = _return_power(heard, seen, at, horizon_seconds, settings.fit_weeks)
    return Habits(
        rates=rates,
        shape=shape,
        rate=rate,
        lengths=Choices.of(own[there], sittings.plays[there], even, len(users)),
        offsets=Choices.of(own[there], offset, even, len(users)),
        repeat=_repeat_share(seen, users, settings.fit_weeks),
        returns=returns_at(heard, users, at, power),
        return_power=power,
        again=_again_share(seen, settings.fit_weeks),
        play_seconds=_play_seconds(heard),
    )


def returns_at(heard: History, users: NDArray[np.int32], at: float, power: float) -> Choices:
    """What each of `users` would come back to: own items, weighted by how often and how lately they were played.

    Every play weighs (age in days + FRESH_DAYS) ** -power: memory fades by a power law (Anderson and Schooler,
    "Reflections of the Environment in Memory", 1991), and so do re-listens. On eight weeks of 30Music a power of 0.5
    gives a re-listen exp(-3.11) on average, the best half-life exp(-3.13).
    """
    own = places(users, heard.user)
    mine = np.flatnonzero((own >= 0) & (heard.timestamp < at))
    weight = ((at - heard.timestamp[mine]) / DAY_SECONDS + FRESH_DAYS) ** -power
    keys = pair_keys(own[mine].astype(np.int32), heard.item[mine], heard.n_items)
    pairs, which = np.unique(keys, return_inverse=True)
    owner, items = np.divmod(pairs, max(heard.n_items, 1))
    return Choices.of(owner, items.astype(np.int32), np.bincount(which, weight, minlength=len(pairs)), len(users))


@dataclass(frozen=True)
class Seen:
    """Of each play: who, the pair's key, its week counted back from the moment (0 the last), heard before that week."""

    user: NDArray[np.int32]
    keys: NDArray[np.int64]
    week: NDArray[np.int64]
    repeat: NDArray[np.bool_]

    @classmethod
    def of(cls, heard: History, at: float, horizon_seconds: float) -> "Seen":
        keys = pair_keys(heard.user, heard.item, heard.n_items)
        week = weeks_back(heard.timestamp, at, horizon_seconds)
        _, first, which = np.unique(keys, return_index=True, return_inverse=True)
        return cls(heard.user, keys, week, week < week[first][which])


def weeks_back(timestamp: NDArray[np.float64], at: float, horizon_seconds: float) -> NDArray[np.int64]:
    """The week of each listen before `at`: 0 for [at - horizon, at), 1 for the one before, and so on."""
    return (np.ceil((at - timestamp) / horizon_seconds) - 1).astype(np.int64)


def _past_rates(heard: History, sittings: Sittings, at: float, horizon_seconds: float, settings: TwinSettings) -> Rates:
    """Rates fitted on the last `fit_weeks` horizons, each with whom a twin at its beginning would have been about."""
    parts, sat = [], []
    for back in range(1, settings.fit_weeks + 1):
        moment = at - back * horizon_seconds
        users = qualified(heard, moment, settings)
        within = (sittings.start >= moment) & (sittings.start < moment + horizon_seconds)
        parts.append(evidence(sittings, users, moment, horizon_seconds))
        sat.append(np.bincount(sittings.user[within], minlength=len(heard.users))[users])
    seen = Evidence(
        np.concatenate([part.sittings for part in parts]), np.concatenate([part.exposure for part in parts])
    )
    return fit_rates(seen, np.concatenate(sat).astype(np.int64))


def _repeat_share(seen: Seen, users: NDArray[np.int32], fit_weeks: int) -> NDArray[np.float64]:
    """(q,) own share of re-listens in the weeks after the first one, with PRIOR_PLAYS of everybody's recent share."""
    recent = seen.week < fit_weeks
    everybody = float((seen.repeat[recent].sum() + 1.0) / (recent.sum() + 2.0))
    own = places(users, seen.user)
    first = np.zeros(len(users), np.int64)
    np.maximum.at(first, own[own >= 0], seen.week[own >= 0])
    counted = (own >= 0) & (seen.week < first[own])  # in somebody's first week nothing can be a re-listen
    plays = np.bincount(own[counted], minlength=len(users))
    repeats = np.bincount(own[counted], seen.repeat[counted], minlength=len(users))
    return np.asarray((repeats + PRIOR_PLAYS * everybody) / (plays + PRIOR_PLAYS), np.float64)


def _again_share(seen: Seen, fit_weeks: int) -> float:
    """Of the plays of items that were new in their week, those that are not the first in it."""
    new = (seen.week < fit_weeks) & ~seen.repeat
    firsts = len(np.unique(seen.keys[new]))  # a pair is new in one week only
    return float(1.0 - (firsts + 1.0) / (new.sum() + 1.0))


def _return_power(heard: History, seen: Seen, at: float, horizon_seconds: float, fit_weeks: int) -> float:
    """Of RETURN_POWERS, the one that makes the re-listens of the last weeks likeliest; RETURN_POWER without any."""
    likely = np.zeros(len(RETURN_POWERS))
    for back in range(fit_weeks):
        moment = at - (back + 1) * horizon_seconds
        again = (seen.week == back) & seen.repeat
        users = np.unique(heard.user[again]).astype(np.int32)
        owner, past = places(users, heard.user[again]), heard.until(moment)
        for number, power in enumerate(RETURN_POWERS):
            likely[number] += np.log(returns_at(past, users, moment, power).chances(owner, heard.item[again])).sum()
    return RETURN_POWERS[int(np.argmax(likely))] if likely.any() else RETURN_POWER


def _play_seconds(heard: History) -> float:
    """The median time from one play to the next in a sitting; four minutes where there is no next."""
    order = np.lexsort((np.arange(len(heard)), heard.session))
    same = np.diff(heard.session[order]) == 0
    steps = np.diff(heard.timestamp[order])[same]
    return float(np.median(steps)) if len(steps) else 240.0
