"""Parallel coordinates: one axis for each setting and one line for each run, coloured by what came of it.

The axes lie instead of standing, one below the other: so they have room for their names and values on a phone too.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from palate.core.markup import Html, joined, tag
from palate.lab.plots.frame import nothing, percent, plot, safe, short, stretched
from palate.lab.plots.scale import Axis, axis, fits, in_figures, spans_powers

AXIS_PIXELS, TOP, LEFT, RIGHT = 66.0, 44.0, 3.0, 97.0
KINDS = 6  # so few different numbers are read better one by one
LETTERS = 12  # of a value that is text, below its axis
RUN = "name"  # the key of a row that names it in the tooltip


@dataclass(frozen=True)
class _Scale:
    """Where the values of one name stand: on an axis of numbers, or evenly apart if they are of few `kinds`."""

    name: str
    numbers: Axis | None
    kinds: tuple[object, ...] = ()

    def place(self, value: object) -> float | None:
        """Percent of the width; None for a value that is not there."""
        if not _is_known(value):
            return None
        part = self.numbers.part(float(value)) if self.numbers else self._even(self.kinds.index(value))  # type: ignore[arg-type]
        return LEFT + (RIGHT - LEFT) * part

    def _even(self, place: int) -> float:
        return place / (len(self.kinds) - 1) if len(self.kinds) > 1 else 0.5

    def ticks(self) -> list[tuple[float, str]]:
        """(percent, words) of what stands below the axis."""
        held = self.numbers
        if held:
            return [(LEFT + (RIGHT - LEFT) * held.part(one), held.label(one)) for one in held.ticks]
        words = [short(safe(in_figures(one)), LETTERS) for one in self.kinds]
        return [(LEFT + (RIGHT - LEFT) * self._even(place), one) for place, one in enumerate(words)]


def parallel_plot(
    rows: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    colour_by: str,
    *,
    best: Literal["high", "low"] = "high",
) -> Html:
    """One line for each row over the axes `names`, from top to bottom; `colour_by` is the last axis and the colour.

    rows: values under names: numbers, texts, bools; None or absent breaks the line. The key "name", if there, names the
    row in the tooltip. Rows without a number under `colour_by` (failed, still working) are grey. The `best` end of it
    has the full colour and lies on top. Texts, and numbers of up to six kinds, stand evenly apart; other numbers by
    logarithm when they are positive and span over a factor of 30. Without rows: words that say so.
    """
    order = [*(name for name in names if name != colour_by), colour_by]
    if not rows:
        return nothing(f"no runs with {colour_by}")
    scales = [_scale(name, [row.get(name) for row in rows], KINDS if name != colour_by else 1) for name in order]
    height = TOP + AXIS_PIXELS * (len(scales) - 1)
    ranked = sorted(rows, key=lambda row: _rank(row.get(colour_by), best))
    result = scales[-1].numbers
    lines = [_line(row, scales, _shade(row.get(colour_by), result, best), colour_by) for row in ranked]
    axes = [_axis(one, TOP + AXIS_PIXELS * place) for place, one in enumerate(scales)]
    about = f"{len(rows)} runs over {', '.join(order)}; the colour is {colour_by}, {best} is full"
    return plot(height + 30, about, stretched(height, *lines), *axes)


def _is_known(value: object) -> bool:
    return value is not None and not (isinstance(value, float) and not fits(value))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and fits(value)


def _scale(name: str, values: Sequence[object], kinds: int) -> _Scale:
    known = [value for value in values if _is_known(value)]
    numbers = [float(value) for value in known if _is_number(value)]  # type: ignore[arg-type]
    if len(numbers) < len(known):
        return _Scale(name, None, tuple(sorted(dict.fromkeys(known), key=lambda one: (str(type(one)), str(one)))))
    if 0 < len(set(numbers)) <= kinds:
        return _Scale(name, None, tuple(sorted(dict.fromkeys(known))))  # type: ignore[type-var]
    found = axis(numbers, is_log=spans_powers(numbers))
    if len(set(numbers)) > 1 and not found.is_log:
        low, high = min(numbers), max(numbers)
        found = Axis(low, high, tuple(tick for tick in found.ticks if low <= tick <= high))
    return _Scale(name, found)


def _rank(value: object, best: str) -> float:
    if not _is_number(value):
        return -math.inf
    return float(value) if best == "high" else -float(value)  # type: ignore[arg-type]


def _shade(value: object, result: Axis | None, best: str) -> float | None:
    """0 to 1, the best end 1; None where there is no number."""
    if result is None or not _is_number(value):
        return None
    part = result.part(float(value))  # type: ignore[arg-type]
    return part if best == "high" else 1.0 - part


def _line(row: Mapping[str, Any], scales: Sequence[_Scale], shade: float | None, colour_by: str) -> Html:
    places = [(one.place(row.get(one.name)), TOP + AXIS_PIXELS * number) for number, one in enumerate(scales)]
    pieces: list[list[str]] = [[]]
    for x, y in places:
        if x is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{x:.2f},{y:g}")
    known = [f"{safe(one.name)} {safe(in_figures(row[one.name]))}" for one in scales if _is_known(row.get(one.name))]
    called = f"{safe(row[RUN])}: " if row.get(RUN) else ""
    style = "fill:none;stroke-width:1.6;stroke:" + (
        "var(--line)" if shade is None else f"color-mix(in oklab,var(--deep) {100 * shade:.0f}%,var(--line))"
    )
    lines = [
        tag("polyline", points=" ".join(piece), vector_effect="non-scaling-stroke")
        for piece in pieces
        if len(piece) > 1
    ]
    return tag("g", tag("title", called + ", ".join(known)), *lines, style=style)


def _axis(scale: _Scale, y: float) -> Html:
    parts = [
        tag("line", class_="zero", x1=percent(LEFT), x2=percent(RIGHT), y1=y, y2=y),
        tag("text", safe(scale.name), x=0, y=y - 12, class_="axis-name value"),
    ]
    ticks = scale.ticks()
    step = max(1, -(-len(ticks) // 7)) if scale.numbers is None else 1
    for place, (x, words) in enumerate(ticks):
        parts.append(tag("line", class_="zero", x1=percent(x), x2=percent(x), y1=y - 3, y2=y + 3))
        anchor = "start" if x < 6 else "end" if x > 94 else "middle"
        if place % step == 0:
            parts.append(tag("text", words, x=percent(x), y=y + 16, text_anchor=anchor, class_="value"))
    return joined(*parts)
