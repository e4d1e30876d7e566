"""Which of the open tasks a home can ask."""

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.items import KINDS, Kind
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs
from palate.evaluation.probes.settings import ProbeSettings, planned
from palate.evaluation.probes.tasks import (
    Absent,
    AccountAge,
    Active,
    AtNight,
    Attribute,
    Churn,
    Discovers,
    Hears,
    Heavy,
    Plays,
    ProbeTask,
    Relistens,
    Searches,
    Skips,
)
from palate.evaluation.probes.weeks import codes, names, night_share, relisten_share, values_in

ATTRIBUTES = ("country", "languages")  # listener columns that are asked for, by name
LATELY_SECONDS = 91 * DAY_SECONDS  # what is most heard is counted over a quarter
_TRACKS = Hears("kind", KINDS.index(Kind.TRACK), Kind.TRACK.value)  # nearly everybody hears tracks


def open_tasks(inputs: Inputs, settings: ProbeSettings | None = None) -> list[ProbeTask | Absent]:
    """Every open task: those that the home can ask, and for the others the reason.

    What is most heard and what is much is decided by what was known when the spaces are fitted. BadInput when the log
    is too short for probes.
    """
    settings = settings or ProbeSettings()
    plan = planned(inputs.history, settings)
    at = plan.fitted_at
    known = inputs.until(at)
    last_week = at - plan.horizon_seconds
    plays = np.bincount(known.history.between(last_week, at).heard().user)
    return [
        Active(),
        Churn(),
        Heavy(_median(plays[plays > 0].astype(np.float64))),
        Plays(),
        *_heard_of(known, at, "genre", settings.top),
        *_heard_of(known, at, "artist", settings.top),
        *_items(known, at, settings.top_items),
        *_spoken(known, at),
        Discovers("artist" if _any(known, "artist") else "item"),
        Relistens(_median(relisten_share(known, last_week, at))),
        *_skips(known),
        AtNight(_median(night_share(known, last_week, at))),
        AccountAge(),
        *(task for column in ATTRIBUTES for task in _values_of(known, column, settings.top)),
        *_searched(known, settings.top),
    ]


def _median(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else 0.0


def _any(known: Inputs, column: str) -> bool:
    return bool((codes(known, column) >= 0).any())


def _top(numbers: NDArray[np.integer], n: int) -> list[int]:
    """The n most common of the numbers that are not negative, equally common ones by number."""
    counts = np.bincount(numbers[numbers >= 0])
    best = np.argsort(-counts, kind="stable")[:n]
    return [int(code) for code in best if counts[code]]


def _most_heard(known: Inputs, at: float, column: str, n: int) -> list[ProbeTask]:
    """By listeners, not by plays: of the 20 items most played in 30Music's four weeks, 7 are one binge of one album."""
    lately = known.history.between(at - LATELY_SECONDS, at).heard()
    code, span = codes(known, column)[lately.item], max(len(known.history.users), 1)
    pairs = np.unique(code[code >= 0].astype(np.int64) * span + lately.user[code >= 0])
    return [Hears(column, code, names(known, column, code)) for code in _top(pairs // span, n)]


def _heard_of(known: Inputs, at: float, column: str, n: int) -> list[ProbeTask | Absent]:
    return [*_most_heard(known, at, column, n)] or [Absent(column, "no item that was heard lately has one")]


def _items(known: Inputs, at: float, n: int) -> list[ProbeTask | Absent]:
    if _any(known, "genre") or _any(known, "artist"):
        return []
    return [*_most_heard(known, at, "item", n)] or [Absent("item", "nothing was heard lately")]


def _spoken(known: Inputs, at: float) -> list[ProbeTask | Absent]:
    kinds = [task for task in _most_heard(known, at, "kind", len(KINDS)) if task != _TRACKS]
    return [*kinds] or [Absent("kind", "nothing but tracks was heard lately")]


def _skips(known: Inputs) -> list[ProbeTask | Absent]:
    if known.history.skipped().any():
        return [Skips()]
    return [Absent("skips", "no skip is known: listens have no seconds_played, or nobody left early")]


def _values_of(known: Inputs, column: str, n: int) -> list[ProbeTask | Absent]:
    texts = [text for text in known.listeners.values.get(column, []) if text is not None]
    values, counts = np.unique([value for text in texts for value in values_in(text)], return_counts=True)
    if len(values) < 2:
        return [Absent(column, f"listeners have no {column}, or all the same")]
    return [Attribute(column, str(values[row])) for row in np.argsort(-counts, kind="stable")[:n]]


def _searched(known: Inputs, n: int) -> list[ProbeTask | Absent]:
    found = known.history.take(known.history.event == Event.SEARCH)
    best = _top(known.columns.artist[found.item], n) if len(found) else []
    return [Searches(code, known.columns.artists[code]) for code in best] or [
        Absent("search", "the log has no searches that led to an artist")
    ]
