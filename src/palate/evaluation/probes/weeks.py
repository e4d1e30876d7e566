"""What is counted in one week, for all listeners at once: the parts that the labels of the tasks are made of."""

import numpy as np
from numpy.typing import NDArray

from palate.core.items import KINDS
from palate.embeddings.inputs import Inputs
from palate.listening.history import History

Floats = NDArray[np.float64]

NIGHT_HOURS = (22, 6)


def codes(inputs: Inputs, column: str) -> NDArray[np.int32]:
    """(items,) int32: the number of each item in the column "genre", "artist", "item" or "kind"; -1 for none."""
    if column == "item":
        return np.arange(inputs.history.n_items, dtype=np.int32)
    if column == "kind":
        return inputs.columns.kind.astype(np.int32)
    return inputs.columns.genre if column == "genre" else inputs.columns.artist


def names(inputs: Inputs, column: str, code: int) -> str:
    """What a number of `codes` is called; items have no names here, so it is their row."""
    if column == "item":
        return f"row {code}"
    if column == "kind":
        return KINDS[code].value
    return (inputs.columns.genres if column == "genre" else inputs.columns.artists)[code]


def values_in(text: str) -> list[str]:
    """The values of one cell of a listener column, which stand with | between (sources/listeners.py)."""
    return text.split("|")


def relisten_share(inputs: Inputs, start: float, end: float) -> Floats:
    """(users,) of the plays in start <= time < end, those of items heard before; NaN without plays."""
    heard = inputs.history.heard()
    week = heard.between(start, end)
    return share_of(week, heard_before(week, heard.until(start), codes(inputs, "item")))


def night_share(inputs: Inputs, start: float, end: float) -> Floats:
    """(users,) of the plays in start <= time < end, those in NIGHT_HOURS; NaN without plays."""
    week = inputs.history.between(start, end).heard()
    hour = week.timestamp // 3600 % 24
    return share_of(week, (hour >= NIGHT_HOURS[0]) | (hour < NIGHT_HOURS[1]))


def plays_in(inputs: Inputs, start: float, end: float) -> Floats:
    """(users,) heard plays in start <= time < end."""
    return counts(inputs.history.between(start, end).heard())


def counts(history: History, which: NDArray[np.bool_] | None = None) -> Floats:
    """(users,) how many listens each listener has, or how many of `which`."""
    return np.bincount(history.user, which, len(history.users)).astype(np.float64)


def share_of(history: History, which: NDArray[np.bool_]) -> Floats:
    """(users,) of each listener's listens, those of `which`; NaN without listens."""
    with np.errstate(invalid="ignore"):
        return counts(history, which) / counts(history)


def heard_before(week: History, before: History, code: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(n,) for each listen of `week`: whether its listener had heard its code in `before`."""
    came = counts(week) > 0  # few of all listeners, and what the others heard would cost most of the time
    span, before = int(code.max(initial=0)) + 2, before.take(came[before.user])
    known = before.user.astype(np.int64) * span + code[before.item]
    return np.isin(week.user.astype(np.int64) * span + code[week.item], known)
