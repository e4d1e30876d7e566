"""What is known of each listener at a moment, in columns: what a cohort's rule may speak of.

Only listens before the moment count. Attributes (country, ...) have no date: they are taken as always known, so a value
that a listener has changed since is the later one.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS, HOUR_SECONDS, Calendar
from palate.core.items import KINDS, Kind
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs
from palate.listening.history import History
from palate.listening.listeners import ACCOUNT_CREATED, ListenerColumns

Floats = NDArray[np.float64]
Texts = NDArray[np.object_]

UTC_OFFSET = "utc_offset_hours"  # the listener column that turns UTC hours into local ones
NIGHT_FROM, NIGHT_UNTIL = 22, 5  # hours
ATTRIBUTE = "attributes."  # in front of an attribute whose name is a feature's


@dataclass(frozen=True)
class Features:
    """Columns of (users,), aligned with `History.users`.

    numbers # by name: float64, NaN where unknown
    texts   # by name: text, None where unknown
    absent  # by name: why this home has no such column at this moment
    """

    numbers: dict[str, Floats]
    texts: dict[str, Texts]
    absent: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many listeners."""
        return len(self.numbers["plays"])

    def __contains__(self, name: str) -> bool:
        return name in self.numbers or name in self.texts

    @property
    def names(self) -> list[str]:
        """The columns there are."""
        return [*self.numbers, *self.texts]


def listener_features(known: Inputs, at: float, calendar: Calendar | None = None) -> Features:
    """Everything a rule may use, from what happened before `at` (home seconds); what `known` holds later is not read.

    plays, plays_7d, plays_28d          heard plays (no skips): ever, in the last 7 and 28 days
    items                               distinct items among them
    days_since_first, days_since_last   of plays and skips; NaN before the first
    active_days_28d                     of the last 28 stretches of 24 hours, those with a play or skip
    skip_share                          skips among plays and skips
    repeat_share                        heard plays of an item that the listener had heard before
    night_share, weekend_share          heard plays from 22:00 to 5:00, and on Saturday and Sunday
    track_share, episode_share, audiobook_share    heard plays by kind
    top_genre, top_artist               the most heard one
    onboarding                          1 with an onboarding event or a listener column onboarding_..., else 0
    account_age_days                    since the column account_created, which has to be in home seconds; NaN if later

    Shares are NaN without plays. Hours are UTC, moved by the column utc_offset_hours where it is known; `calendar` is
    the log's, since the hour of the day is lost in home time after a pause. Every listener column follows: as numbers
    when each value is a number or a date, else as text.
    """
    past = known.history.until(at)
    met = past.take(np.flatnonzero((past.event == Event.PLAY) | (past.event == Event.SKIP)))
    heard, n_users = past.heard(), len(past.users)
    plays = np.bincount(heard.user, minlength=n_users).astype(np.float64)
    numbers = {"plays": plays, **_amounts(heard, met, at), **_shares(heard, met, known.listeners, calendar)}
    numbers |= {f"{kind.value}_share": _share(known.columns.kind[heard.item] == KINDS.index(kind), heard)
                for kind in KINDS if (known.columns.kind == KINDS.index(kind)).any()}  # fmt: skip
    texts = {"top_genre": _most_heard(heard, known.columns.genre, known.columns.genres),
             "top_artist": _most_heard(heard, known.columns.artist, known.columns.artists)}  # fmt: skip
    numbers["onboarding"] = _onboarding(past, known.listeners)
    if ACCOUNT_CREATED in known.listeners.values:
        age = (at - known.listeners.number(ACCOUNT_CREATED)) / DAY_SECONDS
        numbers["account_age_days"] = np.where(age >= 0.0, age, np.nan)
    return _with_attributes(numbers, texts, known.listeners)


def _amounts(heard: History, met: History, at: float) -> dict[str, Floats]:
    n_users = len(heard.users)

    def recent(days: float) -> Floats:
        return np.bincount(heard.user[heard.timestamp >= at - days * DAY_SECONDS], minlength=n_users).astype(np.float64)

    first, last = np.full(n_users, np.nan), np.full(n_users, np.nan)
    last[met.user] = met.timestamp  # rows ascend in time, and of several writes to one place the last one stays
    first[met.user[::-1]] = met.timestamp[::-1]
    days_ago = np.floor((at - met.timestamp) / DAY_SECONDS)
    near = days_ago < 28.0
    days = np.unique(met.user[near].astype(np.int64) * 28 + days_ago[near].astype(np.int64))
    pairs = np.unique(heard.user.astype(np.int64) * max(heard.n_items, 1) + heard.item)
    return {
        "plays_7d": recent(7.0),
        "plays_28d": recent(28.0),
        "items": np.bincount(pairs // max(heard.n_items, 1), minlength=n_users).astype(np.float64),
        "days_since_first": (at - first) / DAY_SECONDS,
        "days_since_last": (at - last) / DAY_SECONDS,
        "active_days_28d": np.bincount(days // 28, minlength=n_users).astype(np.float64),
    }


def _shares(heard: History, met: History, listeners: ListenerColumns, calendar: Calendar | None) -> dict[str, Floats]:
    times = heard.timestamp if calendar is None else unix_times(heard.timestamp, calendar)
    if UTC_OFFSET in listeners.values:
        times = times + HOUR_SECONDS * np.nan_to_num(listeners.number(UTC_OFFSET))[heard.user]
    hour = np.floor(times / HOUR_SECONDS) % 24
    weekday = (np.floor(times / DAY_SECONDS) + 3) % 7  # 1970 began on a Thursday; Monday is 0
    pairs = heard.user.astype(np.int64) * max(heard.n_items, 1) + heard.item
    again = np.ones(len(pairs), np.bool_)
    again[np.unique(pairs, return_index=True)[1]] = False
    return {
        "skip_share": _share(met.skipped(), met),
        "repeat_share": _share(again, heard),
        "night_share": _share((hour >= NIGHT_FROM) | (hour < NIGHT_UNTIL), heard),
        "weekend_share": _share(weekday >= 5, heard),
    }


def _share(chosen: NDArray[np.bool_], events: History) -> Floats:
    """(users,) how much of each listener's `events` was chosen; NaN for a listener without any."""
    n_users = len(events.users)
    every = np.bincount(events.user, minlength=n_users)
    part = np.bincount(events.user, chosen, minlength=n_users)
    return np.where(every > 0, part / np.maximum(every, 1), np.nan)


def _most_heard(heard: History, codes: NDArray[np.int32], names: list[str]) -> Texts:
    """(users,) the name most heard; of equals the one that comes first in `names`."""
    top = np.full(len(heard.users), None, object)
    code = codes[heard.item].astype(np.int64)
    pairs, plays = np.unique(heard.user[code >= 0] * np.int64(max(len(names), 1)) + code[code >= 0], return_counts=True)
    user, name = np.divmod(pairs, max(len(names), 1))
    order = np.lexsort((-name, plays))  # the best is written last
    top[user[order]] = np.array([*names, None], object)[name[order]]
    return top


def _onboarding(past: History, listeners: ListenerColumns) -> Floats:
    said = np.bincount(past.user[past.event == Event.ONBOARDING], minlength=len(past.users)) > 0
    for name, texts in listeners.values.items():
        if name.startswith("onboarding"):
            said = said | np.array([text is not None for text in texts], np.bool_)
    return said.astype(np.float64)


def _with_attributes(numbers: dict[str, Floats], texts: dict[str, Texts], listeners: ListenerColumns) -> Features:
    absent = {
        f"{kind.value}_share": f"the catalogue has no {kind.value}"
        for kind in Kind
        if f"{kind.value}_share" not in numbers
    }
    absent |= {"account_age_days": f"listeners have no column {ACCOUNT_CREATED}"}
    absent |= {name: f"no item that was heard has {name.removeprefix('top_')}" for name, column in texts.items()
               if all(text is None for text in column)}  # fmt: skip
    for name, column in listeners.values.items():
        shown = ATTRIBUTE + name if name in numbers or name in texts or name in absent else name
        values = listeners.number(name)
        if any(text is not None and np.isnan(value) for text, value in zip(column, values, strict=True)):
            texts[shown] = np.array([*column, None], object)[:-1]
        else:
            numbers[shown] = values
    absent = {name: why for name, why in absent.items() if name not in numbers}
    return Features(numbers, {name: column for name, column in texts.items() if name not in absent}, absent)


def unix_times(home_times: Floats, calendar: Calendar) -> Floats:
    """Home seconds back to unix seconds, any shape; the moment of a pause counts as its end.

    >>> unix_times(np.array([90.0, 100.0, 110.0]), Calendar(((100.0, 150.0),))).tolist()
    [90.0, 150.0, 160.0]
    """
    times = home_times.copy()
    for start, end in calendar.pauses:
        times = np.where(times >= start, times + (end - start), times)
    return times
