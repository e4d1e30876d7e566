"""How far simulated weeks are from the real one, one number a listener.

Every measure takes the weeks of a listener in one or many draws and the week that they had, and gives (listeners,)
float64. Many draws are taken together, as a forecast: their median for a count, all plays in one histogram for a mix.
NaN is a listener of whom it cannot be said: what was played can be compared only where something was played.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS, HOUR_SECONDS
from palate.core.items import KINDS
from palate.evaluation.splits import pair_keys
from palate.evaluation.twin.weeks import Rows, Weeks, holds

BAND = 0.8

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Context:
    """What measures know beside the weeks.

    genre # (items,) int32 codes, -1 unknown
    kind  # (items,) positions in core.items.KINDS
    """

    genre: Rows
    kind: Rows


@dataclass(frozen=True)
class Measure:
    """name, about and unit for the report; `content`: about what was played, not about how much.

    `value(weeks, actual, context)` # (listeners,) float64
    """

    name: str
    about: str
    unit: str
    higher_is_better: bool
    content: bool
    value: Callable[[Weeks, Weeks, Context], Values]


def active(weeks: Weeks, actual: Weeks, context: Context) -> Values:
    """Brier score: (share of draws with a play - whether there was one)^2, 0 is perfect.

    With m > 1 draws p (1 - p) / (m - 1) is taken off, which is what so few draws add to it on average, so that it
    does not depend on m (the fair score of Ferro, "Fair scores for ensemble forecasts", 2014).

    Three of four draws with a play, and one was played: (3 / 4 - 1)^2 - (3 / 4)(1 / 4) / 3 = 0.
    """
    chance = (weeks.counts() > 0).mean(axis=1)
    happened = actual.counts()[:, 0] > 0
    return np.asarray((chance - happened) ** 2 - chance * (1.0 - chance) / max(weeks.draws - 1, 1), np.float64)


def plays(weeks: Weeks, actual: Weeks, context: Context) -> Values:
    """|log(1 + median plays of the draws) - log(1 + plays)|."""
    return _log_error(weeks.counts(), actual.counts())


def distinct_items(weeks: Weeks, actual: Weeks, context: Context) -> Values:
    """The same of distinct items."""
    return _log_error(weeks.distinct(), actual.distinct())


def band(weeks: Weeks, actual: Weeks, context: Context) -> Values:
    """How much of the real count lies in the middle BAND of the draws: BAND on average when the draws are calibrated.

    Counts tie, so a plain "inside or not" has no right answer. If the real week were one more draw, its rank among m
    draws would be anywhere from `below` to `below + equal` alike; spread over [below, below + equal + 1] / (m + 1),
    it is uniform (the non-randomised PIT of Czado, Gneiting and Held, "Predictive Model Assessment for Count Data",
    2009). The value is the part of that stretch inside [0.1, 0.9].
    """
    drawn, real = weeks.counts(), actual.counts()
    low = (drawn < real).sum(axis=1) / (weeks.draws + 1)
    high = ((drawn <= real).sum(axis=1) + 1) / (weeks.draws + 1)
    edge = (1.0 - BAND) / 2
    inside = np.clip(np.minimum(high, 1.0 - edge) - np.maximum(low, edge), 0.0, None)
    return np.asarray(inside / (high - low), np.float64)


def relistens(weeks: Weeks, actual: Weeks, context: Context) -> Values:
    """|median over the draws of the share of plays of items heard before the week - the real share|."""
    return np.abs(_repeat_share(weeks) - _repeat_share(actual))


def hours(weeks: Weeks, actual: Weeks, context: Context) -> Values:
    """Jensen-Shannon divergence of the hours of the day (UTC), by plays."""

    def hour(week: Weeks) -> Rows:
        return (week.time % DAY_SECONDS // HOUR_SECONDS).astype(np.int64)

    return divergence(mix(weeks, hour(weeks), 24), mix(actual, hour(actual), 24))


def genres(weeks: Weeks, actual: Weeks, context: Context) -> Values:
    """Jensen-Shannon divergence of the genres, by plays of items with a known genre."""
    return _code_divergence(weeks, actual, context.genre)


def kinds(weeks: Weeks, actual: Weeks, context: Context) -> Values:
    """Jensen-Shannon divergence of tracks, episodes and audiobooks, by plays."""
    return _code_divergence(weeks, actual, context.kind)


def found(weeks: Weeks, actual: Weeks, context: Context) -> Values:
    """The share of the real week's distinct items that are in any of the draws."""
    n_items = len(context.kind)
    real = np.unique(_pairs(actual, n_items))
    owner, hit = real // max(n_items, 1), holds(np.unique(_pairs(weeks, n_items)), real)
    total = np.bincount(owner, minlength=weeks.listeners)
    return _over(np.bincount(owner, hit, minlength=weeks.listeners), total)


def mix(weeks: Weeks, code: Rows, n: int) -> Values:
    """(listeners, n) shares of the plays' codes, NaN without any; codes below 0 do not count."""
    there = code >= 0
    cells = np.bincount(weeks.listener[there] * n + code[there], minlength=weeks.listeners * n)
    shares = cells.reshape(weeks.listeners, n).astype(np.float64)
    return _over(shares, shares.sum(axis=1, keepdims=True))


def divergence(p: Values, q: Values) -> Values:
    """(r,) Jensen-Shannon divergence of the rows, in bits: 0 for the same, 1 for nothing in common; NaN stays.

    >>> divergence(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.5]])).tolist()
    [1.0, 0.0]
    """
    middle = (p + q) / 2

    def bits(of: Values) -> Values:
        ratio = np.where(of > 0, of / np.where(middle > 0, middle, 1.0), 1.0)
        return np.asarray((of * np.log2(ratio)).sum(axis=1), np.float64)

    return np.asarray(np.clip((bits(p) + bits(q)) / 2, 0.0, 1.0), np.float64)


def _pairs(weeks: Weeks, n_items: int) -> NDArray[np.int64]:
    return pair_keys(weeks.listener.astype(np.int32), weeks.item, n_items)


def _code_divergence(weeks: Weeks, actual: Weeks, codes: Rows) -> Values:
    """Only codes that were played get a column: a catalogue has more genres than a week."""
    used = np.unique(np.concatenate([codes[weeks.item], codes[actual.item]]))
    used = used[used >= 0]
    column = np.full(int(codes.max(initial=0)) + 1, -1, np.int64)
    column[used] = np.arange(len(used))

    def shares(week: Weeks) -> Values:
        code = codes[week.item]
        return mix(week, np.where(code >= 0, column[code], -1), max(len(used), 1))

    return divergence(shares(weeks), shares(actual))


def _repeat_share(weeks: Weeks) -> Values:
    """(listeners,) the median over draws with a play."""
    shares = _over(weeks.take(weeks.known).counts(), weeks.counts())
    played = np.isfinite(shares).any(axis=1)
    median = np.full(weeks.listeners, np.nan)
    median[played] = np.nanmedian(shares[played], axis=1)
    return median


def _log_error(drawn: NDArray[np.int64], real: NDArray[np.int64]) -> Values:
    return np.asarray(np.abs(np.median(np.log1p(drawn), axis=1) - np.log1p(real[:, 0])), np.float64)


def _over(part: NDArray[Any], whole: NDArray[Any]) -> Values:
    """part / whole, NaN where the whole is 0."""
    return np.asarray(np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan), np.float64)


def measures(context: Context) -> list[Measure]:
    """All that the data allows: a mix needs two different codes."""
    count, items = "plays in the week: error of log(1 + plays)", "different items in the week: error of log(1 + items)"
    found_all = [
        Measure("active", "whether anything is played: Brier score", "squared chance", False, False, active),
        Measure("plays", count, "log", False, False, plays),
        Measure("distinct items", items, "log", False, False, distinct_items),
        Measure("re-listens", "share of plays of items heard before: error", "share", False, True, relistens),
        Measure("hours", "hours of the day: divergence", "bits", False, True, hours),
    ]
    if len(np.unique(context.genre[context.genre >= 0])) > 1:
        found_all.append(Measure("genre mix", "genres played: divergence", "bits", False, True, genres))
    if len(np.unique(context.kind)) > 1:
        about = f"{', '.join(kind.value + 's' for kind in KINDS)}: divergence"
        found_all.append(Measure("kind mix", about, "bits", False, True, kinds))
    found_all.append(
        Measure("items found", "share of the items played that were simulated", "share", True, True, found)
    )
    return found_all
