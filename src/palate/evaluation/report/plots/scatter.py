"""Points in a square: one measure against another, with the names that fit."""

from collections.abc import Sequence
from dataclasses import dataclass

from palate.core.markup import Html, joined, tag
from palate.evaluation.report.plots.marks import percent, shape
from palate.evaluation.report.plots.scale import Scale
from palate.evaluation.report.wording import sensible, short

HEIGHT, TOP, BOTTOM = 270.0, 22.0, 236.0
NARROW_PIXELS = 262.0  # names are placed as if the drawing were this wide: wider, they only get more room
ALWAYS = 1  # points of this turn and before have a name
Box = tuple[float, float, float, float]
# Where a name may stand: anchor, then pixels to the right and down from its point; the first that is free is taken.
SPOTS = (
    ("start", 9.0, 0.0), ("end", -9.0, 0.0), ("middle", 0.0, -15.0), ("middle", 0.0, 15.0),
    ("start", 7.0, -13.0), ("end", -7.0, -13.0), ("start", 7.0, 13.0), ("end", -7.0, 13.0),
)  # fmt: skip
LETTERS, LETTER_PIXELS, LINE_PIXELS = 16, 7.4, 15.0


@dataclass(frozen=True)
class Point:
    """One method; those with a lower `turn` get their name first."""

    name: str
    x: float
    y: float
    look: str
    turn: int = 1


def scatter(points: Sequence[Point], across: Scale, up: Scale, title: str) -> Html:
    """The drawing: x in percent of the width, y in pixels. Points without a name have it in their tooltip and table."""
    named = _named(points, across, up)
    ordered = sorted(points, key=lambda one: -one.turn)  # the important ones on top
    parts = [_grid(across, up), *(_point(one, across, up) for one in ordered), *named]
    return tag("svg", tag("title", title), *parts, width="100%", height=HEIGHT, role="img", aria_label=title)


def _y(value: float, scale: Scale) -> float:
    part = (value - scale.low) / (scale.high - scale.low)
    return BOTTOM - (BOTTOM - TOP) * min(max(part, 0.0), 1.0)


def _grid(across: Scale, up: Scale) -> Html:
    parts = []
    for tick in up.ticks:
        y = _y(tick, up)
        parts.append(tag("line", class_="grid", x1="0%", x2="100%", y1=y, y2=y))
        parts.append(tag("text", up.label(tick), x=0, y=y - 4, class_="tick start"))
    for tick in across.ticks:
        x = across.position(tick)
        parts.append(tag("line", class_="axis-tick", x1=percent(x), x2=percent(x), y1=BOTTOM, y2=BOTTOM + 5))
        look = "tick start" if x < 5 else "tick end" if x > 95 else "tick"
        parts.append(tag("text", across.label(tick), x=percent(x), y=BOTTOM + 20, class_=look))
    return joined(*parts)


def _point(one: Point, across: Scale, up: Scale) -> Html:
    words = tag("title", f"{one.name}: {sensible(one.x)} across, {sensible(one.y)} up")
    return tag("g", words, shape(one.look, percent(across.position(one.x)), _y(one.y, up)), class_=f"mark {one.look}")


def _named(points: Sequence[Point], across: Scale, up: Scale) -> list[Html]:
    """Names beside their points, the most important first; one that would cover another or a point is left out.

    The two most important may cover points, since a drawing that does not show which they are shows nothing.
    """
    dots = [(across.position(one.x) * NARROW_PIXELS / 100, _y(one.y, up)) for one in points]
    covered: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y in dots]
    taken: list[Box] = []
    names = []
    for one, (x, y) in sorted(zip(points, dots, strict=True), key=lambda pair: pair[0].turn):
        name = short(one.name, LETTERS)
        places = [(spot, _box(spot, x, y, LETTER_PIXELS * len(name))) for spot in SPOTS]
        inside = [(spot, box) for spot, box in places if box[0] >= 0 and box[2] <= NARROW_PIXELS and box[1] >= 0]
        free = [(spot, box) for spot, box in inside if not any(_overlap(box, other) for other in taken)]
        clear = [(spot, box) for spot, box in free if not any(_overlap(box, other) for other in covered)]
        for (anchor, right, down), box in (clear or (free if one.turn <= ALWAYS else []))[:1]:
            taken.append(box)
            place = {"x": percent(across.position(one.x)), "y": y + down + 4, "dx": right, "text_anchor": anchor}
            names.append(tag("text", name, class_=f"point-name {one.look}", **place))
    return names


def _box(spot: tuple[str, float, float], x: float, y: float, wide: float) -> Box:
    """What a name covers: left, top, right, bottom."""
    anchor, right, down = spot
    left = x + right - {"start": 0.0, "middle": wide / 2, "end": wide}[anchor]
    return left, y + down - LINE_PIXELS / 2, left + wide, y + down + LINE_PIXELS / 2


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
