"""Lines over a logarithmic axis of time or of counts, with bands for intervals and names at their ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from palate.core.markup import Html, joined, tag
from palate.evaluation.report.plots.marks import Mark, percent
from palate.evaluation.report.plots.scale import Scale, ratio, spread
from palate.evaluation.report.reading import Estimate
from palate.evaluation.report.wording import age, short

HEIGHT, TOP, BOTTOM = 340.0, 14.0, 312.0  # pixels: of the drawing, of its highest and its lowest value
LABEL_PIXELS = 17.0
BEGIN = 8.0  # percent of the width left of the first age, for the values of the grid
LETTERS = 19  # that fit beside the curve


@dataclass(frozen=True)
class Line:
    """One method: an estimate for each age, None where nothing was measured."""

    name: str
    estimates: Sequence[Estimate | None]
    look: str
    has_band: bool = True


def places_of_ages(ages_seconds: Sequence[float]) -> list[float]:
    """Percent of the width for ascending ages. Zero has no logarithm, so "now" stands one step before the rest.

    >>> [round(one) for one in places_of_ages([0.0, 3600.0, 36000.0])]
    [8, 26, 98]
    """
    later = [one for one in ages_seconds if one > 0.0]
    if not later:
        return [50.0 for _ in ages_seconds]
    begin = 0.2 if len(later) < len(ages_seconds) else 0.0
    scale = ratio(later, include=())
    first, last = scale.position(later[0]), scale.position(later[-1])
    places = []
    for one in ages_seconds:
        part = (scale.position(one) - first) / (last - first) if last > first else 1.0
        places.append(BEGIN + (98.0 - BEGIN) * ((begin + (1.0 - begin) * part) if one > 0.0 else 0.0))
    return places


def curve(
    lines: Sequence[Line], ages_seconds: Sequence[float], scale: Scale, title: str, label: Callable[[float], str] = age
) -> Html:
    """The drawing, without caption or table. Heights are pixels, places along the axis are percent.

    label  writes what stands below a tick; with another than `age` the axis may be of counts instead of seconds
    """
    places = places_of_ages(ages_seconds)
    parts = [_grid(scale), _ages(ages_seconds, places, label)]
    # The last drawn lies on top: the method that is judged stands first in the list.
    parts += [_paths(line, places, scale) for line in reversed(lines)]
    parts += [*(_dots(line, places, scale) for line in reversed(lines)), _values(scale)]
    drawing = tag("svg", tag("title", title), *parts, width="100%", height=HEIGHT, role="img", aria_label=title)
    return tag("div", drawing, _names(lines, scale), class_="curve")


def _y(value: float, scale: Scale) -> float:
    part = (value - scale.low) / (scale.high - scale.low)
    return BOTTOM - (BOTTOM - TOP) * min(max(part, 0.0), 1.0)


def _grid(scale: Scale) -> Html:
    heights = [_y(tick, scale) for tick in scale.ticks]
    return joined(*(tag("line", class_="grid", x1="0%", x2="100%", y1=y, y2=y) for y in heights))


def _values(scale: Scale) -> Html:
    """The values of the grid at its left, above its lines and above whatever is drawn there."""
    labels = [(scale.label(tick), _y(tick, scale) - 4) for tick in scale.ticks]
    return joined(*(tag("text", label, x=0, y=y, class_="tick start") for label, y in labels))


def _ages(ages_seconds: Sequence[float], places: Sequence[float], label: Callable[[float], str]) -> Html:
    """The axis: a tick and the age in words."""
    parts = []
    for one, x in zip(ages_seconds, places, strict=True):
        parts.append(tag("line", class_="axis-tick", x1=percent(x), x2=percent(x), y1=BOTTOM, y2=BOTTOM + 5))
        parts.append(tag("text", label(one), x=percent(x), y=BOTTOM + 20, class_="tick"))
    return joined(*parts)


def _paths(line: Line, places: Sequence[float], scale: Scale) -> Html:
    """Band and line. They are stretched with the drawing, which paths can bear and text could not."""
    known = [(x, one) for x, one in zip(places, line.estimates, strict=True) if one]
    if not known:
        return joined()
    points = " ".join(f"{x:.2f},{_y(one.value, scale):.1f}" for x, one in known)
    upper = [f"{x:.2f},{_y(one.high, scale):.1f}" for x, one in known if one.high is not None]
    lower = [f"{x:.2f},{_y(one.low, scale):.1f}" for x, one in known if one.low is not None]
    band = tag("polygon", points=" ".join(upper + lower[::-1]), class_="band") if line.has_band and lower else None
    path = tag("polyline", points=points, class_="line", vector_effect="non-scaling-stroke")
    return tag(
        "svg", tag("g", band, path, class_=f"mark {line.look}"),
        width="100%", height=HEIGHT, viewBox=f"0 0 100 {HEIGHT:g}", preserveAspectRatio="none", aria_hidden="true",
    )  # fmt: skip


def _dots(line: Line, places: Sequence[float], scale: Scale) -> Html:
    dots = []
    for x, one in zip(places, line.estimates, strict=True):
        if one:
            words = tag("title", Mark(line.name, one).words)
            dots.append(tag("circle", words, class_="dot", cx=percent(x), cy=_y(one.value, scale), r=3.5))
    return tag("g", *dots, class_=f"mark {line.look}")


def _names(lines: Sequence[Line], scale: Scale) -> Html:
    """The names beside the ends of their lines, moved apart where lines end close together."""
    ending = [(line, last) for line in lines for last in [_last(line)] if last and line.look != "faint"]
    ends = [_y(one.value, scale) for _, one in ending]
    parts = []
    for (line, _), end, y in zip(ending, ends, spread(ends, LABEL_PIXELS, TOP, BOTTOM), strict=True):
        parts.append(tag("line", class_="leader", x1=0, x2=9, y1=end, y2=y))
        parts.append(
            tag(
                "text",
                tag("title", line.name),
                short(line.name, LETTERS),
                x=13,
                y=y + 4,
                class_=f"end-name {line.look}",
            )
        )
    return tag("svg", *parts, height=HEIGHT, class_="names", aria_hidden="true")


def _last(line: Line) -> Estimate | None:
    return next((one for one in reversed(line.estimates) if one), None)
