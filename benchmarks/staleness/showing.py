"""The curve as tables: what a method's lists are worth by the age of what it knows. The picture is in drawing.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS, HOUR_SECONDS
from palate.evaluation.intervals import Interval, intervals
from palate.evaluation.splits import EvalSettings
from staleness.moments import DOOR, EVERYTHING, INSIDE, QUESTIONS, UNHEARD

Week = dict[str, NDArray[Any]]
ALL, NEWCOMERS = "all", "1 to 10 plays"
# Heard plays before the moment: from, up to.
COHORTS = {ALL: (0, 10**9), NEWCOMERS: (0, 10), "11 to 50": (11, 50), "over 50": (51, 10**9)}
MAIN, SHORT, HIT = "ndcg@100", "ndcg@10", "hit_rate@10"
REST = "rest of the sitting"
PLACES = (INSIDE, DOOR)


@dataclass(frozen=True)
class Points:
    """One method, place, cohort, question and metric by age, over so many listeners and (listener, week) rows.

    changes  the paired difference to the first age
    """

    values: list[Interval]
    changes: list[Interval]
    listeners: int
    rows: int


@dataclass(frozen=True)
class Curve:
    """What was found, by method and week, the latest week first; points are worked out when they are asked for."""

    found: dict[str, list[Week]]
    ages_seconds: Sequence[float]
    settings: EvalSettings

    @property
    def methods(self) -> list[str]:
        return [name for name, weeks in self.found.items() if weeks]

    @property
    def common(self) -> int:
        """How many weeks, the latest, all methods have."""
        return min((len(self.found[name]) for name in self.methods), default=0)

    def points(
        self, name: str, where: str, cohort: str, question: str, of: str, metric: str, weeks: int | None = None
    ) -> Points | None:  # fmt: skip
        """A listener's moments of one week in one cohort are one row: their mean. None for nobody."""
        told = [_rows(week, where, cohort, f"{question}/{of}/{metric}") for week in self.found[name][:weeks]]
        values, users, numbers = (np.concatenate(column) for column in zip(*told, strict=True))
        if not len(values):
            return None
        both = np.concatenate([values, values - values[:, :1]], axis=1)
        found, ages = intervals(both, users, numbers, self.settings.bootstrap, self.settings.seed), values.shape[1]
        return Points(found[:ages], found[ages:], len(np.unique(users)), len(users))

    def against(self, other: str, where: str, of: str) -> list[Interval]:
        """The first method minus another by age, paired: all listeners, the rest of the sitting, in the same weeks."""
        key, weeks = f"{REST}/{of}/{MAIN}", min(len(self.found[self.methods[0]]), len(self.found[other]))
        ours, theirs = (
            [_rows(week, where, ALL, key) for week in self.found[name][:weeks]] for name in (self.methods[0], other)
        )
        apart = np.concatenate([one[0] - two[0] for one, two in zip(ours, theirs, strict=True)])
        users, numbers = (np.concatenate([one[place] for one in ours]) for place in (1, 2))
        return intervals(apart, users, numbers, self.settings.bootstrap, self.settings.seed)

    def lacks(self, where: str, cohort: str) -> list[float]:
        """How many plays a taste of each age lacks, the mean over moments; NaN without any."""
        weeks = [week["lacks"][_inside(week, where, cohort)] for week in self.found[self.methods[0]]]
        missing = np.concatenate(weeks)
        return missing.mean(axis=0).tolist() if len(missing) else [np.nan] * len(self.ages_seconds)


def _inside(week: Week, where: str, cohort: str) -> NDArray[np.bool_]:
    low, high = COHORTS[cohort]
    return np.asarray((week["plays"] >= low) & (week["plays"] <= high) & (week["at_door"] == (where == DOOR)))


def _rows(week: Week, where: str, cohort: str, key: str) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Means over each listener's moments (r, ages), who (r,), the number of the week (r,)."""
    chosen = np.flatnonzero(_inside(week, where, cohort) & ~np.isnan(week[key]).any(axis=1))
    who, which = np.unique(week["listener"][chosen], return_inverse=True)
    sums = np.zeros((len(who), week[key].shape[1]))
    np.add.at(sums, which, week[key][chosen])
    means = sums / np.bincount(which, minlength=len(who))[:, None]
    return means, who, np.full(len(who), int(week["week"]))


def words(age_seconds: float) -> str:
    """An age as a person says it.

    >>> [words(one) for one in (0.0, 60.0, 14400.0, 604800.0, float("inf"))]
    ['0 s', '1 min', '4 h', '7 d', 'nothing known']
    """
    if not np.isfinite(age_seconds):
        return "nothing known"
    for unit, seconds in (("d", DAY_SECONDS), ("h", HOUR_SECONDS), ("min", 60.0)):
        if age_seconds >= seconds:
            return f"{age_seconds / seconds:g} {unit}"
    return f"{age_seconds:g} s"


def plain(value: float, form: str = ".4f") -> str:
    """Without the 0 before the point, as all tables here have it."""
    return format(value, form).replace("0.", ".", 1) if abs(value) < 1 else format(value, form)


def tables(curve: Curve) -> str:
    """Markdown: what a taste lacks; the first method by question, by cohort and by metric; all methods side by side."""
    if not curve.methods:
        return "nothing is known yet"
    first, parts = curve.methods[0], []
    for where in PLACES:
        parts.append(f"## {where}")
        parts.append(
            _table(curve, "plays that the taste lacks", [(one, _lacking(curve, where, one)) for one in COHORTS])
        )
        asked = [(question, of) for question in QUESTIONS for of in (EVERYTHING, UNHEARD)]
        shown = [(first, where, ALL, question, of, MAIN) for question, of in asked]
        parts.append(_points(curve, f"{first}, {MAIN}", shown, [f"{q}, {of}" for q, of in asked]))
        shown = [(first, where, cohort, REST, of, MAIN) for of in (EVERYTHING, UNHEARD) for cohort in COHORTS]
        parts.append(
            _points(curve, f"{first}, {REST}, {MAIN}", shown, [f"{of}, {cohort}" for _, _, cohort, _, of, _ in shown])
        )
        shown = [(first, where, ALL, question, EVERYTHING, metric) for question in QUESTIONS for metric in (SHORT, HIT)]
        parts.append(
            _points(curve, f"{first}, everything", shown, [f"{q}, {metric}" for _, _, _, q, _, metric in shown])
        )
        shown = [(first, where, cohort, REST, of, MAIN) for of in (EVERYTHING, UNHEARD) for cohort in (ALL, NEWCOMERS)]
        parts.append(_differences(curve, shown))
        for of in (EVERYTHING, UNHEARD):
            shown = [(name, where, ALL, REST, of, MAIN) for name in curve.methods]
            title = f"{REST}, {of}, {MAIN}, {curve.common} weeks"
            parts.append(_points(curve, title, shown, curve.methods, curve.common))
        parts.append(_against(curve, where))
    return "\n\n".join(parts)


def _lacking(curve: Curve, where: str, cohort: str) -> list[str]:
    return [f"{one:.1f}" for one in curve.lacks(where, cohort)]


def _table(curve: Curve, title: str, rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    ages = [words(age) for age in curve.ages_seconds]
    head = f"| {title} | {' | '.join(ages)} |\n|{'---|' * (len(ages) + 1)}"
    return "\n".join([head, *(f"| {label} | {' | '.join(cells)} |" for label, cells in rows)])


def _points(
    curve: Curve, title: str, shown: Sequence[tuple[str, str, str, str, str, str]], labels: Sequence[str],
    weeks: int | None = None,
) -> str:  # fmt: skip
    """The first value with its interval; then the value and its change, bold when that is sure."""
    rows = []
    for label, key in zip(labels, shown, strict=True):
        there = curve.points(*key, weeks=weeks)
        if there is None:
            continue
        first = there.values[0]
        cells = [f"{plain(first.value)} [{plain(first.low)}, {plain(first.high)}]"]
        for value, change in zip(there.values[1:], there.changes[1:], strict=True):
            share = f"{change.value / first.value:+.0%}" if first.value else "-"
            cells.append(
                f"{plain(value.value)} (**{share}**)" if change.excludes_zero else f"{plain(value.value)} ({share})"
            )
        rows.append((f"{label} ({there.rows:,})", cells))
    return _table(curve, title, rows)


def _differences(curve: Curve, shown: Sequence[tuple[str, str, str, str, str, str]]) -> str:
    """Minus the first age, paired, with intervals."""
    rows: list[tuple[str, list[str]]] = []
    for key in shown:
        there = curve.points(*key)
        if there is not None:
            cells = [_bounds(one) for one in there.changes]
            rows.append((f"{key[4]}, {key[2]}", cells))
    return _table(curve, f"{shown[0][0]}, {REST}, {MAIN} minus that of 0 s", rows)


def _against(curve: Curve, where: str) -> str:
    """The first method minus each other one."""
    rows = []
    for other in curve.methods[1:]:
        for of in (EVERYTHING, UNHEARD):
            found = curve.against(other, where, of)
            if found and not np.isnan(found[0].value):
                rows.append((f"{other}, {of}, {len(curve.found[other])} weeks", [_bounds(one) for one in found]))
    return _table(curve, f"{curve.methods[0]} minus another, {REST}, {MAIN}", rows)


def _bounds(one: Interval) -> str:
    told = f"{plain(one.value, '+.4f')} [{plain(one.low, '+.4f')}, {plain(one.high, '+.4f')}]"
    return f"**{told}**" if one.excludes_zero else told
