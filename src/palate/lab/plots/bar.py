"""One value for each name, as bars from zero: importances, latencies, a mark by run."""

import math
from collections.abc import Callable, Sequence

from palate.core.markup import Html, joined, tag
from palate.lab.plots.frame import LETTER_PIXELS, NARROW_PIXELS, across, hue, nothing, percent, plot, safe, short
from palate.lab.plots.scale import Axis, axis, fits, fixed, in_figures

HEAD, ROW, BAR = 22.0, 38.0, 11.0  # pixels
Interval = tuple[float, float]


def bar_plot(rows: Sequence[tuple[str, float]], *, unit: str = "", intervals: Sequence[Interval | None] = ()) -> Html:
    """(name, value) from top to bottom, in the order given; `unit` says once, above, what the values are.

    intervals: (low, high) for each row, None where it is not known; drawn over the bar and written behind the value.
    Numbers have one count of decimals, three figures of the largest; the tooltips have four of each. A value that is
    not finite has its name and no bar. Without rows: words that say so. ValueError where there are intervals but not
    one for each row.
    """
    bounds = list(intervals) or [None] * len(rows)
    if len(bounds) != len(rows):
        raise ValueError(f"{len(bounds)} intervals for {len(rows)} bars; give one for each, None where it is not known")
    if not rows:
        return nothing(f"no values {unit}".strip())
    reach = [float(value) for _, value in rows] + [float(one) for bound in bounds if bound for one in bound]
    scale, write = axis(reach, include=[0.0]), _writer(reach)
    head = tag("text", safe(unit), x="100%", y=13, text_anchor="end", class_="axis-name") if unit else None
    top = HEAD if unit else 0.0
    parts = [
        _row(one, bound, unit, scale, write, top + ROW * place)
        for place, (one, bound) in enumerate(zip(rows, bounds, strict=True))
    ]
    about = ", ".join(f"{name}: {in_figures(value)}" for name, value in rows[:20])
    return plot(top + ROW * len(rows) + 4, f"{unit} by name: {about}", head, *parts)


def _writer(reach: Sequence[float]) -> Callable[[float], str]:
    """How numbers are written: whole ones as they are, others with the decimals of three figures of the largest."""
    sizes = [abs(one) for one in reach if fits(one)]
    most = max(sizes, default=0.0)
    if all(one.is_integer() for one in sizes) and most < 1e9:
        return lambda value: in_figures(int(value)) if fits(value) else in_figures(value)
    if not 1e-4 < most < 1e9:
        return in_figures
    decimals = max(2 - math.floor(math.log10(most)), 0)
    return lambda value: fixed(value, decimals)


def _row(
    row: tuple[str, float], bound: Interval | None, unit: str, scale: Axis, write: Callable[[float], str], y: float
) -> Html:
    name, value = safe(row[0]), float(row[1])
    known = write(value) + (f" [{write(bound[0])}, {write(bound[1])}]" if bound else "")
    exact = in_figures(value) + (f" [{in_figures(bound[0])}, {in_figures(bound[1])}]" if bound else "")
    letters = max(int(NARROW_PIXELS / LETTER_PIXELS) - len(known) - 2, 10)
    parts = [
        tag("title", f"{name}: {exact} {safe(unit)}".strip()),
        tag("text", short(name, letters), x=0, y=y + 14, class_="name"),
        tag("text", known, x="100%", y=y + 14, text_anchor="end"),
    ]
    if fits(value):
        begin, end = sorted((across(scale, 0.0, 0.0, 100.0), across(scale, value, 0.0, 100.0)))
        parts.append(
            tag("rect", class_="bar", x=percent(begin), width=percent(max(end - begin, 0.15)), y=y + 20, height=BAR)
        )
    zero = percent(across(scale, 0.0, 0.0, 100.0))
    parts.append(tag("line", class_="zero", x1=zero, x2=zero, y1=y + 18, y2=y + 22 + BAR))
    whisker = _whisker(bound, scale, y + 20 + BAR / 2) if bound and all(map(fits, bound)) else None
    return tag("g", *parts, whisker, class_=hue(0))


def _whisker(bound: Interval, scale: Axis, middle: float) -> Html:
    """An interval across its bar, with a light edge, since half of it lies on the bar's dark ground."""
    low, high = (percent(across(scale, one, 0.0, 100.0)) for one in bound)
    lines = [
        {"x1": low, "x2": high, "y1": middle, "y2": middle},
        *({"x1": one, "x2": one, "y1": middle - 4, "y2": middle + 4} for one in (low, high)),
    ]
    return joined(*(tag("line", class_=look, **line) for look in ("halo", "whisker") for line in lines))
