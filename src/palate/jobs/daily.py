"""What went into a home on each day, as numbers and as distributions: what drift is looked for in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS, HOUR_SECONDS
from palate.core.items import KINDS
from palate.embeddings.inputs import Inputs
from palate.evaluation.probes.rows import hashed
from palate.jobs.readable import Readable
from palate.listening.history import History

Floats = NDArray[np.float64]
NEW_SECONDS = 28 * DAY_SECONDS  # an item or a listener is new for so long after the first listen in the log
NEWS = ("new items", "newcomers")
SAMPLED = 300  # listeners a day whose tastes are taken


@dataclass(frozen=True)
class Days:
    """days are those that begin at `starts`, home seconds, ascending; NaN where nothing was heard.

    amounts # by name: (days,) what is compared as a number, already on a scale where a day is about as far from the
            next whatever its size: logarithms of counts, arcsines of roots of shares
    shapes  # by name: (days, bins) counts
    means   # by name: (days, dim) directions
    noise   # by name of an amount or shape: (days,) how far chance alone moves a day with so few listens or listeners
    """

    starts: Floats
    amounts: dict[str, Floats]
    shapes: dict[str, Floats]
    means: dict[str, Floats]
    noise: dict[str, Floats]


def days_between(inputs: Inputs, start: float, end: float, space: Readable | None = None) -> Days:
    """Every whole day from `start` on that ends by `end`; `space` for the tastes, which are left out without one."""
    n = max(int((end - start + 1e-6) // DAY_SECONDS), 0)
    starts = np.asarray(start + np.arange(n) * DAY_SECONDS, np.float64)
    history = inputs.history
    window = history.between(start, start + n * DAY_SECONDS)
    day = ((window.timestamp - start) // DAY_SECONDS).astype(np.int64)
    heard = window.heard()
    heard_day = ((heard.timestamp - start) // DAY_SECONDS).astype(np.int64)
    amounts, noise = _amounts(history, window, day, heard, heard_day, starts)
    hour = (heard.timestamp % DAY_SECONDS // HOUR_SECONDS).astype(np.int64)
    shapes = {
        "kinds": _counts(heard_day, inputs.columns.kind[heard.item].astype(np.int64), n, len(KINDS)),
        "hours": _counts(heard_day, hour, n, 24),
    }
    noise |= {name: chance(counts)[1] for name, counts in shapes.items()}
    means: dict[str, Floats] = {}
    if space is not None:
        amounts["taste length"], means["taste direction"] = _tastes(inputs, starts, heard, heard_day, space)
    return Days(starts, amounts, shapes, means, noise)


def chance(counts: Floats) -> tuple[Floats, Floats]:
    """(days,) twice: mean and deviation of the Jensen-Shannon divergence in bits that n listens have by chance alone.

    8 n times the divergence in nats is about chi-squared, with the bins that ever held anything less one as degrees.
    """
    degrees = max(int((counts.sum(axis=0) > 0).sum()) - 1, 0)
    unit = 1.0 / (8.0 * np.maximum(counts.sum(axis=1), 1.0) * np.log(2.0))
    return degrees * unit, np.sqrt(2.0 * degrees) * unit


def _amounts(
    history: History, window: History, day: NDArray[np.int64], heard: History, heard_day: NDArray[np.int64],
    starts: Floats,
) -> tuple[dict[str, Floats], dict[str, Floats]]:  # fmt: skip
    """The amounts and their noise."""
    n, n_users = len(starts), max(len(history.users), 1)
    begun, skipped = np.bincount(day, minlength=n), np.bincount(day[window.skipped()], minlength=n)
    plays = np.bincount(heard_day, minlength=n)
    pairs = np.unique(heard_day * n_users + heard.user)
    active_day, active = np.divmod(pairs, n_users)
    listeners = np.bincount(active_day, minlength=n)
    fresh = heard.timestamp < _first(history, history.item, history.n_items)[heard.item] + NEW_SECONDS
    newcomer = starts[active_day] < _first(history, history.user, n_users)[active] + NEW_SECONDS
    amounts = {
        "listens": _log(plays),
        "listeners": _log(listeners),
        "skips": _share(skipped, begun),
        "new items": _share(np.bincount(heard_day[fresh], minlength=n), plays),
        "newcomers": _share(np.bincount(active_day[newcomer], minlength=n), listeners),
    }
    of = {"listens": plays, "listeners": listeners, "skips": begun, "new items": plays, "newcomers": listeners}
    counts = {"listens", "listeners"}
    return amounts, {name: (1.0 if name in counts else 0.5) / np.sqrt(np.maximum(of[name], 1)) for name in amounts}


def _tastes(
    inputs: Inputs, starts: Floats, heard: History, heard_day: NDArray[np.int64], space: Readable
) -> tuple[Floats, Floats]:
    """(days,) log of the mean length of the tastes at the end of each day, of those who came, and (days, factors) the
    mean of their directions. Popularity is left out, since it follows the charts, and so are habits, which move on."""
    order = np.argsort(hashed(inputs.history.users, 0, "drift"), kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    lengths, means = np.full(len(starts), np.nan), np.full((len(starts), space.encoder.factors), np.nan)
    for number, start in enumerate(starts.tolist()):
        came = np.unique(heard.user[heard_day == number])
        asked = np.sort(came[np.argsort(rank[came])[:SAMPLED]]).astype(np.int32)
        if not len(asked):
            continue
        known = inputs.history.until(start + DAY_SECONDS)
        tastes = space.tastes(known, inputs.columns.kind, asked)[:, : space.encoder.factors].astype(np.float64)
        length = np.linalg.norm(tastes, axis=1)
        told = length > 0.0
        if told.any():
            lengths[number] = np.log(length[told].mean())
            means[number] = (tastes[told] / length[told, None]).mean(axis=0)
    return lengths, means


def _first(history: History, of: NDArray[np.integer], size: int) -> Floats:
    """(size,) when each was first met in the log; infinite for those that never were."""
    found = np.full(size, np.inf)
    np.minimum.at(found, of, history.timestamp)
    return found


def _log(counts: NDArray[np.integer]) -> Floats:
    return np.log(np.where(counts > 0, counts, np.nan))


def _share(part: NDArray[np.integer], whole: NDArray[np.integer]) -> Floats:
    """The arcsine of the root, whose spread hangs on how many there are and hardly on the share (Anscombe, 1948)."""
    return np.asarray(np.where(whole > 0, np.arcsin(np.sqrt((part + 0.375) / (whole + 0.75))), np.nan), np.float64)


def _counts(day: NDArray[np.int64], code: NDArray[np.int64], days: int, bins: int) -> Floats:
    return np.bincount(day * bins + code, minlength=days * bins).reshape(days, bins).astype(np.float64)
