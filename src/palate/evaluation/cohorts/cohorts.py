"""Named groups of listeners: every metric is reported for each of them, and the worst one is shown.

A cohort is a rule over what was known at a moment (features.py), so who belongs to it never depends on what
came later. A mean hides whom a change hurts; a new feature is first a cohort.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import NormalDist
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palate.core.clock import Calendar
from palate.core.errors import BadInput, BadSettings
from palate.core.settings import Settings
from palate.embeddings.inputs import Inputs
from palate.evaluation.cohorts.features import Features, listener_features
from palate.evaluation.cohorts.rules import Column, Members, Rule, columns_of, parse, written
from palate.evaluation.intervals import CONFIDENCE, Interval, intervals

MIN_LISTENERS = 30  # fewer say more about themselves than about their kind
MAX_VALUES = 8  # cohorts that one column is split into
MAX_NUMBERS = 20  # distinct numbers up to which a column of numbers may be split by value

# Later rules of a name are for homes that lack a column of the earlier ones.
DEFAULTS: dict[str, tuple[str, ...]] = {
    "cold": ("plays < 4",),
    "new_accounts": ("account_age_days < 28", "days_since_first < 28"),
    "heavy": ("plays_28d > 0 and plays_28d >= p90",),
    "light": ("plays_28d > 0 and plays_28d <= p25",),
    "dormant": ("plays > 0 and plays_28d == 0",),
    "night": ("plays >= 4 and night_share > 0.5",),
    "weekend": ("plays >= 4 and weekend_share > 0.5",),
    "podcast_listeners": ("episode_share > 0.2",),
    "audiobook_listeners": ("audiobook_share > 0.1",),
    "explorers": ("plays >= 20 and repeat_share <= p10",),
    "repeaters": ("plays >= 20 and repeat_share >= p90",),
    "skippers": ("plays >= 4 and skip_share > 0.5",),
    "country": ("country",),
}


@dataclass(frozen=True)
class CohortSettings:
    """Cohorts of a home's own, added to those that every home has or taking their place.

    Every key of the table is a name and every value a rule, e.g. `night_owls = "plays >= 20 and night_share > 0.6"`, or
    only a column, e.g. `device = "device"`: one cohort for each of its most frequent values. An empty rule takes a
    cohort away. The rules and the columns: docs/rooms/cohorts.md.
    """

    SECTION: ClassVar[str] = "cohorts"
    rules: dict[str, str] = field(default_factory=dict)  # the table itself, not a key: name = "rule"

    @classmethod
    def read(cls, settings: Settings) -> "CohortSettings":
        """The table [cohorts] of palate.toml; BadSettings for a rule that is no text or cannot be read."""
        rules = settings.texts(cls.SECTION)
        for name, rule in rules.items():
            try:
                if rule.strip():
                    parse(rule)
            except BadInput as error:
                raise BadSettings(f"{settings.source}: [{cls.SECTION}] {name}: {error}") from error
        return cls(rules)


@dataclass(frozen=True)
class Cohort:
    """A named rule; BadInput at once for a rule that cannot be read."""

    name: str
    rule: str

    def __post_init__(self) -> None:
        _ = self.parsed

    @cached_property
    def parsed(self) -> Rule:
        """The rule, read."""
        return parse(self.rule)

    def members(self, features: Features) -> Members:
        """(users,) True for who belongs to it; an unknown value never makes a member.

        BadInput for a column that there is not (all there are are named) or that cannot be compared in this way.
        """
        try:
            return self.parsed.members(features)
        except BadInput as error:
            raise BadInput(f"the cohort {self.name} ({self.rule}): {error}") from error


@dataclass(frozen=True)
class Cohorts:
    """The cohorts of one evaluation: the same names in every window.

    cohorts  # in the order in which they are shown
    left_out # by name: why a default cohort does not apply to this home
    calendar # the log's, so that hours of the day are right after a pause
    """

    cohorts: tuple[Cohort, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    calendar: Calendar | None = None

    @classmethod
    def planned(
        cls, inputs: Inputs, settings: CohortSettings | None = None, calendar: Calendar | None = None
    ) -> "Cohorts":
        """The defaults and the home's own, a rule that is only a column split by the values frequent in `inputs`.

        Which values have a cohort is so decided once, by all that is in `inputs`; who belongs to one is decided by
        `membership` alone. BadInput for a rule of `settings` over a column that there is not.
        """
        own = settings.rules if settings else {}
        features = listener_features(inputs, inputs.end, calendar)
        planned: dict[str, Cohort] = {}
        left_out: dict[str, str] = {}
        for name, rules in {**DEFAULTS, **{name: (rule,) for name, rule in own.items()}}.items():
            fitting = [cohort for cohort in _cohorts(name, rules) if name in own or not _lacking(cohort, features)]
            if fitting:
                chosen, reason = _split(fitting[0], features)
                planned |= {one.name: one for one in chosen}
            else:
                reason = "; ".join(_lacking(cohort, features) for cohort in _cohorts(name, rules)) or "taken away"
            if reason:
                left_out[name] = reason
        return cls(tuple(planned.values()), left_out, calendar)

    @property
    def rules(self) -> dict[str, str]:
        """By name, the rule."""
        return {cohort.name: cohort.rule for cohort in self.cohorts}

    def membership(self, known: Inputs, at: float) -> dict[str, Members]:
        """By name: (users,) True for who belongs to it by what was known before `at` (home seconds)."""
        features = listener_features(known, at, self.calendar)
        return {cohort.name: cohort.members(features) for cohort in self.cohorts}


def _cohorts(name: str, rules: Iterable[str]) -> list[Cohort]:
    return [Cohort(name, rule) for rule in rules if rule.strip()]


def _lacking(cohort: Cohort, features: Features) -> str:
    """Why the features cannot answer the rule; "" when they can."""
    columns = columns_of(cohort.parsed)
    told = [features.absent.get(name, f"listeners have no column {name}") for name in columns if name not in features]
    return "; ".join(told)


def _split(cohort: Cohort, features: Features) -> tuple[list[Cohort], str]:
    """The cohort itself, or one for each frequent value of its column; and why there is none of these."""
    if not isinstance(cohort.parsed, Column):
        cohort.members(features)  # an impossible rule is refused before anything is trained
        lacking = _lacking(cohort, features)
        return ([], lacking) if lacking else ([cohort], "")
    column = cohort.parsed.name
    if column in features.absent:
        return [], features.absent[column]
    if column not in features:
        raise BadInput(f"the cohort {cohort.name}: no column {column!r}; there are: {', '.join(features.names)}")
    values = _values(cohort, features)
    here = [text for text, one in zip(values, features.numbers["plays"] > 0.0, strict=True) if one and text is not None]
    often = [text for text, count in Counter(sorted(here)).most_common() if count >= MIN_LISTENERS]
    split = [
        Cohort(f"{cohort.name}={text}", f"{written(column, bare=True)} == {written(text)}")
        for text in often[:MAX_VALUES]
        if not ('"' in text and "'" in text)  # the language has no way to write it
    ]
    return split, "" if split else f"no value of {column} has {MIN_LISTENERS} listeners"


def _values(cohort: Cohort, features: Features) -> Sequence[str | None]:
    """The column's values as texts that a rule can name."""
    column = columns_of(cohort.parsed)[0]
    if column in features.texts:
        return list(features.texts[column])
    numbers = features.numbers[column]
    distinct = len(np.unique(numbers[~np.isnan(numbers)]))
    if distinct > MAX_NUMBERS:
        raise BadInput(
            f"the cohort {cohort.name}: {column} has {distinct} different numbers; compare it, e.g. {column} >= p90"
        )
    return [None if np.isnan(number) else f"{number!r}".removesuffix(".0") for number in numbers.tolist()]


@dataclass(frozen=True)
class CohortValue:
    """What one cohort got: `intervals` has one for each column of the values, mostly methods.

    rows, users # how many (listener, window) rows and distinct listeners it had; with none the intervals are NaN
    """

    cohort: str
    rule: str
    rows: int
    users: int
    intervals: tuple[Interval, ...]

    @property
    def interval(self) -> Interval:
        """That of the first column."""
        return self.intervals[0]


def by_cohort(
    values: ArrayLike,
    users: ArrayLike,
    windows: ArrayLike,
    members: Mapping[str, NDArray[np.bool_]],
    rules: Mapping[str, str],
    draws: int,
    seed: int,
) -> list[CohortValue]:
    """The interval of each cohort, in the order of `members`: intervals.intervals over its rows.

    values  # (r,) or (r, m) float: m methods at once cost little more than one
    users   # (r,) who
    windows # (r,) which window
    members # by cohort: (r,) bool, which rows are of members; see `row_members`
    rules   # by cohort
    """
    columns = np.asarray(values, np.float64)
    columns = columns[:, None] if columns.ndim == 1 else columns
    who, when = np.asarray(users), np.asarray(windows)
    return [
        CohortValue(
            cohort=name,
            rule=rules.get(name, ""),
            rows=int(mask.sum()),
            users=len(np.unique(who[mask])),
            intervals=tuple(intervals(columns[mask], who[mask], when[mask], draws, seed)),
        )
        for name, mask in members.items()
    ]


def row_members(
    membership: Sequence[Mapping[str, Members]], users: NDArray[np.integer], windows: NDArray[np.integer]
) -> dict[str, Members]:
    """By cohort: (r,) bool, whether the row's listener was a member in the row's window.

    membership # by window, then by cohort: (users,) bool; a cohort that a window lacks has no members there
    """
    found = {name: np.zeros(len(users), np.bool_) for masks in membership for name in masks}
    for window, masks in enumerate(membership):
        rows = np.flatnonzero(windows == window)
        for name, mask in masks.items():
            found[name][rows] = mask[users[rows]]
    return found


def worst(values: Sequence[CohortValue], column: int = 0) -> CohortValue | None:
    """The cohort with the lowest value of one column (method) among those with MIN_LISTENERS listeners; None if none.

    Of equals, the one with more listeners, then the first by name. The lowest of k is partly luck: a small cohort may
    be it by chance, and its value is then too low. So its interval is widened for k looks (Bonferroni: the half-widths
    grow as those of a normal with 1 - CONFIDENCE shared out among k), and then holds for whichever of them is picked.
    Even so it is a place to look at, to be confirmed on other listens.
    """
    able = [one for one in values if one.users >= MIN_LISTENERS and not np.isnan(one.intervals[column].value)]
    if not able:
        return None
    lowest = min(able, key=lambda one: (one.intervals[column].value, -one.users, one.cohort))
    floor = min(0.0, *(one.intervals[column].low for one in able))
    widened = _widened(lowest.intervals[column], len(able), floor)
    return replace(lowest, intervals=(*lowest.intervals[:column], widened, *lowest.intervals[column + 1 :]))


def _widened(interval: Interval, looks: int, floor: float) -> Interval:
    tail = (1.0 - CONFIDENCE) / 2.0
    factor = NormalDist().inv_cdf(1.0 - tail / looks) / NormalDist().inv_cdf(1.0 - tail)
    low = interval.value - factor * (interval.value - interval.low)
    return Interval(interval.value, max(low, floor), interval.value + factor * (interval.high - interval.value))
