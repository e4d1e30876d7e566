"""The open tasks: what a downstream team might ask of a listener's vector, as labels for one week.

A task about taste asks only about listeners who came at all that week. Without that, "will hear jazz" would mostly mean
"will come", which four other tasks measure already. Every threshold and every list of the most heard comes from before
the moment that the spaces are fitted at, so both weeks are labelled by one rule that knows neither.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs
from palate.evaluation.probes.weeks import (
    NIGHT_HOURS,
    codes,
    counts,
    heard_before,
    night_share,
    plays_in,
    relisten_share,
    values_in,
)
from palate.listening.listeners import ACCOUNT_CREATED

Kind = Literal["binary", "regression"]
Floats = NDArray[np.float64]
Users = NDArray[np.int32]

RECENT_SECONDS = 28 * DAY_SECONDS  # who was not here for longer cannot be lost in the week to come
MIN_SKIP_EVENTS = 3  # a share of one or two plays is no habit


class ProbeTask(Protocol):
    """One question with an answer for each listener.

    name   what the tables call it
    about  one sentence: who takes part, and what is 1
    kind   "binary": labels 0 and 1, measured by ROC-AUC; "regression": any number, measured by Spearman's correlation
    group  tasks with the same group are one in the tables and in Borda, their mean; None for a task of its own
    static True when the answer does not change from week to week, so that one row a listener is all there is
    """

    @property
    def name(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def group(self) -> str | None: ...
    @property
    def static(self) -> bool: ...

    def labels(self, inputs: Inputs, users: Users, start: float, end: float) -> Floats:
        """(q,) the answer of each listener row in `users` for start <= time < end (home seconds); NaN: takes no part.

        inputs # end at `end`; what came before `start` may decide who takes part and what counts as new
        """
        ...


@dataclass(frozen=True)
class Absent:
    """An open task that this home cannot ask, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Active:
    """Whether somebody comes back at all."""

    name: ClassVar[str] = "active"
    about: ClassVar[str] = "hears anything in the next week; all listeners"
    kind: ClassVar[Kind] = "binary"
    group: ClassVar[str | None] = None
    static: ClassVar[bool] = False

    def labels(self, inputs: Inputs, users: Users, start: float, end: float) -> Floats:
        return (plays_in(inputs, start, end)[users] > 0).astype(np.float64)


@dataclass(frozen=True)
class Churn:
    """Whether somebody who was here lately stays away."""

    name: ClassVar[str] = "churn"
    about: ClassVar[str] = "hears nothing in the next week; those who heard something in the 28 days before"
    kind: ClassVar[Kind] = "binary"
    group: ClassVar[str | None] = None
    static: ClassVar[bool] = False

    def labels(self, inputs: Inputs, users: Users, start: float, end: float) -> Floats:
        gone = plays_in(inputs, start, end)[users] == 0
        return _only(gone, plays_in(inputs, start - RECENT_SECONDS, start)[users] > 0)


@dataclass(frozen=True)
class Heavy:
    """Whether somebody listens much. above # plays a week, the median of those who came the week before"""

    above: float
    name: ClassVar[str] = "heavy"
    kind: ClassVar[Kind] = "binary"
    group: ClassVar[str | None] = None
    static: ClassVar[bool] = False

    @property
    def about(self) -> str:
        return f"more than {self.above:g} plays in the next week; those who come"

    def labels(self, inputs: Inputs, users: Users, start: float, end: float) -> Floats:
        plays = plays_in(inputs, start, end)[users]
        return _only(plays > self.above, plays > 0)


@dataclass(frozen=True)
class Plays:
    """How much somebody listens."""

    name: ClassVar[str] = "plays"
    about: ClassVar[str] = "how many plays in the next week; all listeners"
    kind: ClassVar[Kind] = "regression"
    group: ClassVar[str | None] = None
    static: ClassVar[bool] = False

    def labels(self, inputs: Inputs, users: Users, start: float, end: float) -> Floats:
        return np.log1p(plays_in(inputs, start, end)[users])


@dataclass(frozen=True)
class Hears:
    """Whether somebody hears one genre, artist, item or kind. code # its number in the column; label # its name"""

    column: str
    code: int
    label: str
    kind: ClassVar[Kind] = "binary"
    static: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return f"{self.column}: {self.label}"

    @property
    def group(self) -> str | None:
        return self.column

    @property
    def about(self) -> str:
        return f"hears {self.column} {self.label} in the next week; those who come"

    def labels(self, inputs: Inputs, users: Users, start: float, end: float) -> Floats:
        week = inputs.history.between(start, end).heard()
        hit = codes(inputs, self.column)[week.item] == self.code
        return _only(counts(week, hit)[users] > 0, counts(week)[users] > 0)


@dataclass(frozen=True)
class Discovers:
    """Whether somebody meets something new. column # "artist" or "item": new in what respect"""

    column: str
    name: ClassVar[str] = "discovers"
    kind: ClassVar[Kind] = "binary"
    group: ClassVar[str | None] = None
    static: ClassVar[bool] = False

    @property
    def about(self) -> str:
        return f"hears an {self.column} never heard before in the next week; those who come"

    def labels(self, inputs: Inputs, users: Users, start: float, end: float) -> Floats:
        code, heard = codes(inputs, self.column), inputs.history.heard()
        week = heard.between(start, end)
        new = (code[week.item] >= 0) & ~heard_before(week, heard.until(start), code)
        return _only(counts(week, new)[users] > 0, counts(week)[users] > 0)


@dataclass(frozen=True)
class Relistens:
    """Whether somebody returns to what is known. above # a share of plays, the median of the week before"""

    above: float
    name: ClassVar[str] = "repeats"
    kind: ClassVar[Kind] = "binary"
    group: ClassVar[str | None] = None
    static: ClassVar[bool] = False

    @property
    def about(self) -> str:
        return f"more than {self.above:.0%} of the plays of the next week are of items heard before it; those who come"

    def labels(self, inputs: Inputs, users: Users, start: float, end: float) -> Floats:
        share = relisten_share(inputs, start, end)[users]
        return _only(share > self.above, np.isfinite(share))


@dataclass(frozen=True)
class Skips:
    """How much of what is begun is left early."""

    name: ClassVar[str] = "skips"
    about: ClassVar[str] = f"share of skips in the next week; those with {MIN_SKIP_EVENTS} or more plays and skips"
    kind: ClassVar[Kind] = "regression"
    group: ClassVar[str | None] = None
    static: ClassVar[bool] = False

    def labels(self, inputs: Inputs, users: Users, start: float, end: float) -> Floats:
        week = inputs.history.between(start, end)
        week = week.take((week.event == Event.PLAY) | (week.event == Event.SKIP))
        begun, left = counts(week)[users], counts(week, week.skipped())[users]
        return np.where(begun >= MIN_SKIP_EVENTS, left / np.maximum(begun, 1.0), np.nan)


@dataclass(frozen=True)
class AtNight:
    """Whether somebody listens by night. above # a share of plays, the median of the week before"""

    above: float
    name: ClassVar[str] = "night"
    kind: ClassVar[Kind] = "binary"
    group: ClassVar[str | None] = None
    static: ClassVar[bool] = False

    @property
    def about(self) -> str:
        late, early = NIGHT_HOURS
        return f"more than {self.above:.0%} of the plays of the next week fall in {late}-{early} h UTC; those who come"

    def labels(self, inputs: Inputs, users: Users, start: float, end: float) -> Floats:
        share = night_share(inputs, start, end)[users]
        return _only(share > self.above, np.isfinite(share))


@dataclass(frozen=True)
class AccountAge:
    """How long somebody has been here: since the account was made, else since the first listen in the log."""

    name: ClassVar[str] = "account age"
    about: ClassVar[str] = "days since the account was made, else since the first listen; all listeners"
    kind: ClassVar[Kind] = "regression"
    group: ClassVar[str | None] = None
    static: ClassVar[bool] = True

    def labels(self, inputs: Inputs, users: Users, start: float, end: float) -> Floats:
        history = inputs.history.until(start)
        since = np.full(len(history.users), np.nan)
        since[history.user[::-1]] = history.timestamp[::-1]  # the first one is written last
        if ACCOUNT_CREATED in inputs.listeners.values:
            created = inputs.listeners.number(ACCOUNT_CREATED)
            since = np.where(np.isnan(created), since, np.minimum(created, start))
        return np.log1p((start - since[users]) / DAY_SECONDS)


@dataclass(frozen=True)
class Attribute:
    """Whether somebody has one value of a listener column; of several, as in the languages "en|sv", any may be it."""

    column: str
    value: str
    kind: ClassVar[Kind] = "binary"
    static: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return f"{self.column}: {self.value}"

    @property
    def group(self) -> str | None:
        return self.column

    @property
    def about(self) -> str:
        return f"has {self.column} {self.value}; those whose {self.column} is known"

    def labels(self, inputs: Inputs, users: Users, start: float, end: float) -> Floats:
        texts = inputs.listeners.values[self.column]
        told = [texts[user] for user in users.tolist()]
        return np.array([np.nan if text is None else float(self.value in values_in(text)) for text in told], np.float64)


@dataclass(frozen=True)
class Searches:
    """Whether the next search of somebody leads to one artist."""

    code: int
    label: str
    group: ClassVar[str | None] = "search"
    kind: ClassVar[Kind] = "binary"
    static: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return f"search: {self.label}"

    @property
    def about(self) -> str:
        return f"the next search within the week is for {self.label}; those who search"

    def labels(self, inputs: Inputs, users: Users, start: float, end: float) -> Floats:
        week = inputs.history.between(start, end)
        week = week.take(week.event == Event.SEARCH)
        found = np.full(len(week.users), np.nan)
        found[week.user[::-1]] = inputs.columns.artist[week.item[::-1]] == self.code
        return found[users]


def _only(answer: NDArray[np.bool_], takes_part: NDArray[np.bool_]) -> Floats:
    return np.where(takes_part, answer.astype(np.float64), np.nan)
