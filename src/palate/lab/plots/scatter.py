"""One value against another: one dot for each thing, with the names that fit."""

from collections.abc import Sequence

from palate.core.markup import Html, tag
from palate.lab.plots.frame import (
    LETTER_PIXELS,
    NARROW_PIXELS,
    across,
    along,
    hue,
    nothing,
    percent,
    plot,
    safe,
    short,
    upward,
)
from palate.lab.plots.scale import Axis, axis, fits, in_figures

HEIGHT, TOP = 270.0, 30.0
LETTERS, LINE_PIXELS = 18, 15.0
Box = tuple[float, float, float, float]
Dot = tuple[str, float, float, float, float]  # name, x and y as values, x in percent, y in pixels
# Where a name may stand: anchor, then pixels to the right and down from its dot; the first that is free is taken.
SPOTS = (
    ("start", 9.0, 0.0), ("end", -9.0, 0.0), ("middle", 0.0, -14.0), ("middle", 0.0, 14.0),
    ("start", 7.0, -12.0), ("end", -7.0, -12.0), ("start", 7.0, 12.0), ("end", -7.0, 12.0),
)  # fmt: skip


def scatter_plot(
    points: Sequence[tuple[float, float, str]], *, x: str, y: str, is_log_x: bool = False, is_log_y: bool = False
) -> Html:
    """Dots of (x, y, name); `x` and `y` name the axes. Names that would cover something stand only in the tooltip.

    Points that are not finite, or not positive where an axis is logarithmic, are left out. Without a point: words that
    say so.
    """
    known = [(float(a), float(b), safe(name)) for a, b, name in points if fits(a, is_log_x) and fits(b, is_log_y)]
    if not known:
        return nothing(f"{y} by {x}")
    horizontal = axis((one[0] for one in known), is_log=is_log_x)
    vertical = axis((one[1] for one in known), is_log=is_log_y)
    bottom = TOP + HEIGHT
    dots = [(name, a, b, across(horizontal, a), _height(vertical, b)) for a, b, name in known]
    drawn = [_dot(one, x, y) for one in dots]
    about = f"{y} by {x} of {len(known)}"
    axes = (upward(vertical, TOP, bottom, y), along(horizontal, bottom, x))
    return plot(bottom + 42, about, *axes, *drawn, *_names(dots))


def _height(vertical: Axis, value: float) -> float:
    return TOP + HEIGHT * (1.0 - vertical.part(value))


def _dot(one: Dot, x: str, y: str) -> Html:
    words = tag("title", f"{one[0]}: {safe(x)} {in_figures(one[1])}, {safe(y)} {in_figures(one[2])}")
    return tag("g", tag("circle", words, class_="dot", cx=percent(one[3]), cy=one[4], r=5), class_=hue(0))


def _names(dots: Sequence[Dot]) -> list[Html]:
    """Names beside their dots, placed as if the drawing were as narrow as a phone: wider, they only get more room."""
    places = [(x * NARROW_PIXELS / 100, y) for *_, x, y in dots]
    covered: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y in places]
    names = []
    for (name, _, _, percent_x, _), (x, y) in zip(dots, places, strict=True):
        words = short(name, LETTERS)
        boxes = [(spot, _box(spot, x, y, LETTER_PIXELS * len(words))) for spot in SPOTS]
        inside = [(spot, box) for spot, box in boxes if box[0] >= 0 and box[2] <= NARROW_PIXELS and box[1] >= 0]
        free = [(spot, box) for spot, box in inside if not any(_overlap(box, other) for other in covered)]
        for (anchor, right, down), box in free[:1]:
            covered.append(box)
            names.append(
                tag("text", words, x=percent(percent_x), y=y + down + 4, dx=right, text_anchor=anchor, class_="value")
            )
    return names


def _box(spot: tuple[str, float, float], x: float, y: float, wide: float) -> Box:
    """What a name covers: left, top, right, bottom."""
    anchor, right, down = spot
    left = x + right - {"start": 0.0, "middle": wide / 2, "end": wide}[anchor]
    return left, y + down - LINE_PIXELS / 2, left + wide, y + down + LINE_PIXELS / 2


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
