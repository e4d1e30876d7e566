"""```plot: curves by step, one value against another over runs, or bars of one value by run."""

from collections.abc import Sequence

from palate.core.markup import Html, tag
from palate.lab.book import RunInfo, Series
from palate.lab.plots import bar_plot, line_plot, scatter_plot
from palate.lab.reports.material import Material, interval, is_number, labels
from palate.lab.reports.pieces import figure
from palate.lab.reports.recipe import Block

FORMS = ("curves", "bars", "y")


def plot(block: Block, material: Material) -> Html:
    """`curves: NAME, NAME` (one drawing each), `bars: NAME`, or `x: NAME` and `y: NAME`; `log: x, y` for its axes."""
    forms = [one for one in FORMS if one in block.entries]
    if len(forms) != 1 or ("y" in forms) != ("x" in block.entries):
        raise block.wrong("```plot wants one of `curves: NAMES`, `bars: NAME`, or both `x: NAME` and `y: NAME`")
    logs = block.names("log")
    if not set(logs) <= {"x", "y"}:
        raise block.wrong(f"log: {block.text('log')!r} must be x, y or both", "log")
    infos = material.chosen(block)
    match forms[0]:
        case "curves":
            drawings = [_curves(name, block, infos, material, logs) for name in block.names("curves")]
            return figure(block, tag("div", *drawings, class_="panels") if len(drawings) > 1 else drawings[0])
        case "bars":
            return figure(block, _bars(block, infos))
        case _:
            return figure(block, _scatter(block, infos, logs))


def _curves(name: str, block: Block, infos: Sequence[RunInfo], material: Material, logs: Sequence[str]) -> Html:
    called = labels(infos)
    logged = [(info, material.history(info).get(name)) for info in infos]
    lines = [(called[info.id], list(map(float, one.steps)), one.values) for info, one in logged if one]
    if lines:
        return line_plot(lines, x="step", y=name, is_log_x="x" in logs, is_log_y="y" in logs)
    measured = [(info, material.history(info, "system").get(name)) for info in infos]
    lines = [(called[info.id], _since(info, one), one.values) for info, one in measured if one]
    if not lines:
        known = {one: None for info in infos for one in (*material.history(info), *material.history(info, "system"))}
        there = ", ".join(known) or "nothing by step"
        raise block.wrong(f"none of these runs logged {name!r}; they logged {there}", "curves")
    return line_plot(lines, x="seconds", y=name, is_log_x="x" in logs, is_log_y="y" in logs)


def _since(info: RunInfo, series: Series) -> list[float]:
    return [time - info.created for time in series.times]


def _bars(block: Block, infos: Sequence[RunInfo]) -> Html:
    name, called = block.text("bars"), labels(infos)
    values = [(info, _number(info, name)) for info in infos]
    known = [(called[info.id], value) for info, value in values if value is not None]
    if not known:
        raise block.wrong(f"none of these runs has a number {name!r}", "bars")
    return bar_plot(
        known,
        unit=name.removeprefix("summary."),
        intervals=[interval(info, name) for info, value in values if value is not None],
    )


def _scatter(block: Block, infos: Sequence[RunInfo], logs: Sequence[str]) -> Html:
    x, y, called = block.text("x"), block.text("y"), labels(infos)
    points = []
    for info in infos:
        a, b = _number(info, x), _number(info, y)
        if a is not None and b is not None:
            points.append((a, b, called[info.id]))
    if not points:
        raise block.wrong(f"none of these runs has both {x!r} and {y!r} as numbers")
    return scatter_plot(points, x=x, y=y, is_log_x="x" in logs, is_log_y="y" in logs)


def _number(info: RunInfo, name: str) -> float | None:
    value = info.named(name)
    return float(value) if is_number(value) else None
