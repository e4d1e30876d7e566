"""What each listener of an experiment did in a stretch of time, as the numbers that metrics are made of.

A metric is a count per listener (plays), or one count over another (skips over starts). The second kind is no mean over
listeners: who started nothing has no share. It is made into one by the delta method: a listener's value is

    R + (a - R b) / mean of b,    R = sum of a / sum of b,    a and b the listener's counts, within one variant

whose mean is R exactly, and whose variance is that of R (Deng, Knoblich and Lu, "Applying the delta method in metric
analytics", KDD 2018).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput
from palate.core.listens import Event
from palate.listening.history import History

Counts = dict[str, NDArray[np.float64]]  # by name: (listeners,)


@dataclass(frozen=True)
class Metric:
    """One thing to measure: the count `of`, over the count `per` if there is one. `better` is 1, or -1 if less is."""

    about: str
    of: str
    per: str | None = None
    better: int = 1


METRICS: dict[str, Metric] = {
    "plays": Metric("plays that were no skips, for each listener", "plays"),
    "seconds_played": Metric("seconds played, skips included, for each listener", "seconds_played"),
    "days": Metric("days with a play that was no skip, for each listener", "days"),
    "saves": Metric("saves, for each listener", "saves"),
    "skip_share": Metric("skips among everything started", "skips", "starts", better=-1),
}


def metric(name: str) -> Metric:
    """The metric of that name; BadInput with the choices when there is none."""
    if name not in METRICS:
        raise BadInput(f"{name!r} is no metric of an experiment; choose from {', '.join(METRICS)}")
    return METRICS[name]


def counts(history: History, users: NDArray[np.int32], start: NDArray[np.float64], end: NDArray[np.float64]) -> Counts:
    """What each of n listeners did in start <= time < end, home seconds of their own; zeros for nothing.

    users # (n,) rows of history.users, distinct; -1 for who was never heard of
    """
    place = np.full(len(history.users), -1, np.int64)
    known = users >= 0
    place[users[known]] = np.flatnonzero(known)
    row = place[history.user]
    inside = np.flatnonzero(row >= 0)
    inside = inside[(history.timestamp[inside] >= start[row[inside]]) & (history.timestamp[inside] < end[row[inside]])]
    theirs, row, n = history.take(inside), row[inside], len(users)
    skipped = theirs.skipped()
    heard = (theirs.event == Event.PLAY) & ~skipped
    day = np.floor(theirs.timestamp / DAY_SECONDS).astype(np.int64)
    days = np.unique(np.stack([row[heard], day[heard]]), axis=1)[0]

    def total(which: NDArray[np.bool_], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        return np.bincount(row[which], None if weights is None else weights[which], n).astype(np.float64)

    return {
        "plays": total(heard),
        "skips": total(skipped),
        "starts": total(heard | skipped),
        "seconds_played": total(heard | skipped, np.nan_to_num(theirs.seconds_played.astype(np.float64))),
        "days": np.bincount(days, minlength=n).astype(np.float64),
        "saves": total(theirs.event == Event.SAVE),
    }


def values(one: Metric, found: Counts, group: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) a value for each listener, whose mean within a group (n,) is that group's metric.

    NaN in a group where nothing was started, of which no share can be told.
    """
    if one.per is None:
        return found[one.of]
    size = np.maximum(np.bincount(group), 1)
    per = np.bincount(group, found[one.per]) / size
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.bincount(group, found[one.of]) / size / per
        told = ratio[group] + (found[one.of] - ratio[group] * found[one.per]) / per[group]
    return np.asarray(told, np.float64)
