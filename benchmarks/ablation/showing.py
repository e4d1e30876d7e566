"""What the variants are worth, as tables and as a picture: each one's paired difference to the default."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from ablation.variants import Variant
from foundation import Outcome
from palate.evaluation.comparison import holm, p_values
from palate.evaluation.intervals import Interval, intervals
from palate.evaluation.splits import EvalSettings

MAIN, SHORT, WIDE = "ndcg@100", "ndcg@10", "recall@500"
RETRIEVING = ("encoder", "interests")  # groups of which it is asked what a ranker would be given
SURE = 0.05  # a p below this, after Holm's correction over all variants, gets a star


@dataclass(frozen=True)
class Found:
    """What is known of a variant: its outcome by number of the week, and what its trainings told."""

    variant: Variant
    weeks: dict[int, Outcome]
    told: list[dict[str, list[float]]]

    @property
    def name(self) -> str:
        return self.variant.method.name


@dataclass(frozen=True)
class Apart:
    """A variant in one task: its marks, and how far it is from the default in the same weeks.

    p of NDCG@100, by permutation, not corrected
    """

    main: float
    short: float
    wide: float
    difference: Interval
    wide_difference: Interval
    p: float


def apart(one: Found, default: Found, task: str, settings: EvalSettings) -> Apart | None:
    """None when the two share no week in which the task was asked."""
    shared = [
        number for number, outcome in one.weeks.items()
        if number in default.weeks and task in outcome.marks and task in default.weeks[number].marks
    ]  # fmt: skip
    if not shared:
        return None

    def column(found: Found, metric: str) -> NDArray[np.float64]:
        return np.concatenate([np.array(found.weeks[number].marks[task][metric]) for number in shared])

    asked = [np.array(one.weeks[number].marks[task]["listeners"], np.int32) for number in shared]
    rows, windows = np.concatenate(asked), np.repeat(np.arange(len(asked)), [len(part) for part in asked])
    table = np.stack([column(one, metric) - column(default, metric) for metric in (MAIN, WIDE)], axis=1)
    means = [float(column(one, metric).mean()) for metric in (MAIN, SHORT, WIDE)]
    bounds = intervals(table, rows, windows, settings.bootstrap, settings.seed)
    p = float(p_values(table[:, :1], rows, windows, settings.seed)[0]) if one is not default else 1.0
    return Apart(*means, bounds[0], bounds[1], p)


def page(everything: Sequence[Found], tasks: Sequence[str], settings: EvalSettings, weeks: int) -> str:
    """Markdown: one table a group of variants, then what was not run, and what the trainings told."""
    default = everything[0]
    marks = {
        task: {one.name: there for one in everything if (there := apart(one, default, task, settings))}
        for task in tasks
    }
    stars = {task: _stars(by_name, default.name) for task, by_name in marks.items()}
    parts = []
    for group in dict.fromkeys(one.variant.group for one in everything if one is not default):
        members = [one for one in everything if one.variant.group == group and one.weeks]
        if members:
            parts.append(_table(group, [default, *members], tasks, marks, stars, weeks))
            if group in RETRIEVING:
                parts.append(_recalls(group, [default, *members], tasks, marks))
    missing = [f"{one.name} ({len(one.weeks)} of {weeks})" for one in everything if len(one.weeks) < weeks]
    parts.append(f"Not run in all {weeks} weeks: {', '.join(missing)}." if missing else "All variants were run.")
    parts += [
        f"{one.name}, week by week: " + "; ".join(_told(told) for told in one.told) + "."
        for one in everything if one.told
    ]  # fmt: skip
    return "\n\n".join(parts)


def _stars(by_name: dict[str, Apart], default: str) -> set[str]:
    names = [name for name in by_name if name != default]
    corrected = holm([by_name[name].p for name in names]) if names else []
    return {name for name, p in zip(names, corrected, strict=True) if p < SURE}


def _table(
    group: str, members: Sequence[Found], tasks: Sequence[str], marks: dict[str, dict[str, Apart]],
    stars: dict[str, set[str]], weeks: int,
) -> str:  # fmt: skip
    head = "".join(f" {task} @100 | minus default | @10 |" for task in tasks)
    rows = [f"| {group} |{head} CPU, s |", "|---" * (3 * len(tasks) + 2) + "|"]
    for one in members:
        fewer = f" ({len(one.weeks)} of {weeks} weeks)" if len(one.weeks) < weeks else ""
        row = f"| {one.name.removeprefix(f'{group}: ')}: {one.variant.about}{fewer} |"
        for task in tasks:
            row += _cells(marks[task].get(one.name), one is members[0], one.name in stars[task])
        rows.append(f"{row} {np.mean([outcome.fit_seconds for outcome in one.weeks.values()]):.0f} |")
    return "\n".join(rows)


def _cells(there: Apart | None, first: bool, star: bool) -> str:
    if there is None:
        return " | | |"
    told = "" if first else _bounds(there.difference, 4) + (" *" if star else "")
    return f" {_plain(there.main, '.4f')} | {told} | {_plain(there.short, '.4f')} |"


def _bounds(bounds: Interval, digits: int) -> str:
    """A difference with its interval, in bold when that is all on one side of 0."""
    low, value, high = (_plain(one, f"+.{digits}f") for one in (bounds.low, bounds.value, bounds.high))
    told = f"{value} [{low}, {high}]"
    return f"**{told}**" if bounds.low > 0 or bounds.high < 0 else told


def _plain(value: float, form: str) -> str:
    """Without the 0 before the point, as all tables here have it."""
    return format(value, form).replace("0.", ".", 1) if abs(value) < 1 else format(value, form)


def _recalls(group: str, members: Sequence[Found], tasks: Sequence[str], marks: dict[str, dict[str, Apart]]) -> str:
    """What a ranker would be given: recall among the candidates."""
    head = "".join(f" {task} {WIDE} | minus default |" for task in tasks)
    rows = [f"| {group} |{head}", "|---" * (2 * len(tasks) + 1) + "|"]
    for place, one in enumerate(members):
        row = f"| {one.name.removeprefix(f'{group}: ')} |"
        for task in tasks:
            there = marks[task].get(one.name)
            row += (
                f" {_plain(there.wide, '.3f')} | {_bounds(there.wide_difference, 3) if place else ''} |"
                if there
                else " | |"
            )
        rows.append(row)
    return "\n".join(rows)


def _told(told: dict[str, list[float]]) -> str:
    return ", ".join(f"{name} {' / '.join(f'{value:.3g}' for value in values)}" for name, values in told.items())


LEFT, WIDTH, ROW, TOP = 200, 330, 20, 48
COLOURS = {"better": "#1a7f37", "worse": "#b3261e", "open": "#6e7781"}


def picture(everything: Sequence[Found], settings: EvalSettings, weeks: int) -> str:
    """SVG: for *next* and *discover* the difference to the default with its interval, a line for each variant
    that was judged in all weeks."""
    default, tasks = everything[0], ("next", "discover")
    groups = list(dict.fromkeys(one.variant.group for one in everything))
    complete = [one for one in everything[1:] if len(one.weeks) == weeks]
    shown = sorted(complete, key=lambda one: groups.index(one.variant.group))
    found = {task: [apart(one, default, task, settings) for one in shown] for task in tasks}
    ends = [
        abs(end) for task in tasks for one in found[task] if one for end in (one.difference.low, one.difference.high)
    ]
    reach = max(np.quantile(ends, 0.85), 1e-6) if ends else 1.0  # a few variants are far off: they are cut there
    height = TOP + ROW * len(shown) + 30
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + 2 * WIDTH + 40}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for place, one in enumerate(shown):
        y = TOP + ROW * place + ROW // 2
        lines.append(f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{escape(one.name)}</text>')
    for number, task in enumerate(tasks):
        lines += _panel(task, found[task], LEFT + number * (WIDTH + 20), reach, height)
    return "\n".join([*lines, "</svg>", ""])


def _panel(task: str, found: Sequence[Apart | None], left: int, reach: float, height: int) -> list[str]:
    """One task: a line at 0, a dot and a bar for each variant."""

    def across(value: float) -> float:
        return left + WIDTH / 2 + float(np.clip(value / reach, -1.0, 1.0)) * (WIDTH / 2 - 6)

    middle = across(0.0)
    lines = [
        f'<text x="{middle}" y="20" text-anchor="middle" font-weight="bold">{task}: NDCG@100 minus default</text>',
        f'<line x1="{middle}" x2="{middle}" y1="{TOP - 10}" y2="{height - 26}" stroke="#8c959f"/>',
    ]
    for value in (-reach / 2, reach / 2):
        x = across(value)
        lines.append(f'<line x1="{x}" x2="{x}" y1="{TOP - 10}" y2="{height - 26}" stroke="#d0d7de"/>')
        lines.append(f'<text x="{x}" y="{height - 10}" text-anchor="middle" fill="#57606a">{value:+.3f}</text>')
    for place, one in enumerate(found):
        if one is None:
            continue
        bounds, y = one.difference, TOP + ROW * place + ROW // 2
        kind = "better" if bounds.low > 0 else "worse" if bounds.high < 0 else "open"
        colour, x1, x2 = COLOURS[kind], across(bounds.low), across(bounds.high)
        lines.append(f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"/>')
        lines.append(f'<circle cx="{across(bounds.value):.1f}" cy="{y}" r="4" fill="{colour}"/>')
    return lines
