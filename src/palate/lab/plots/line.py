"""Values by step: one line for each series."""

from collections.abc import Sequence

from palate.core.markup import Html, joined, tag
from palate.lab.plots.frame import across, along, dash, hue, key, nothing, percent, plot, safe, stretched, upward
from palate.lab.plots.scale import Axis, axis, fits, in_figures

HEIGHT = 240.0  # pixels from the highest to the lowest value
POINTS = 400  # that a line is drawn with; a longer one keeps the least and the most of each stretch
DOTS, TOUCHES = 30, 60  # up to so many points are marked; of more, so many can be pointed at

Series = tuple[str, Sequence[float], Sequence[float]]
Points = list[tuple[float, float]]


def line_plot(series: Sequence[Series], *, x: str, y: str, is_log_x: bool = False, is_log_y: bool = False) -> Html:
    """Lines of (name, xs, ys), each ascending in x; `x` and `y` name the axes.

    A value that is not finite breaks its line, and so does one that is not positive where its axis is logarithmic. A
    line of more than 400 points is drawn by the least and the most of each stretch, so that no spike is lost. Without a
    point: words that say so. ValueError where xs and ys differ in length.
    """
    known = [(name, _pieces(xs, ys, is_log_x, is_log_y)) for name, xs, ys in series]
    points = [point for _, pieces in known for piece in pieces for point in piece]
    if not points:
        return nothing(f"{y} by {x}")
    horizontal = axis((one for one, _ in points), is_log=is_log_x)
    horizontal = Axis(*_tight(horizontal, points), horizontal.is_log)
    vertical = axis((one for _, one in points), is_log=is_log_y)
    names, top = key([name for name, _ in known]) if len(known) > 1 else (None, 0.0)
    top += 30
    bottom = top + HEIGHT
    drawn = [_paths(pieces, place, horizontal, vertical, top) for place, (_, pieces) in enumerate(known)]
    marked = [_dots(one, place, horizontal, vertical, top) for place, one in enumerate(known)]
    lines = stretched(bottom, *reversed(drawn))
    about = f"{y} by {x}: {', '.join(name for name, _ in known[:12])}"
    axes = (upward(vertical, top, bottom, y), along(horizontal, bottom, x))
    return plot(bottom + 42, about, names, *axes, lines, *reversed(marked))


def _tight(found: Axis, points: Points) -> tuple[float, float, tuple[float, ...]]:
    """Steps fill the width: the axis ends where they end."""
    low, high = min(one for one, _ in points), max(one for one, _ in points)
    if low == high:
        return found.low, found.high, (low,)
    return low, high, tuple(tick for tick in found.ticks if low <= tick <= high)


def _pieces(xs: Sequence[float], ys: Sequence[float], is_log_x: bool, is_log_y: bool) -> list[Points]:
    """The stretches without a gap, thinned."""
    pieces: list[Points] = [[]]
    for x, y in zip(xs, ys, strict=True):
        if fits(x, is_log_x) and fits(y, is_log_y):
            pieces[-1].append((float(x), float(y)))
        elif pieces[-1]:
            pieces.append([])
    return [_thinned(piece) for piece in pieces if piece]


def _thinned(points: Points) -> Points:
    if len(points) <= POINTS:
        return points
    stretch, kept = -(-2 * len(points) // POINTS), []
    for begin in range(0, len(points), stretch):
        part = points[begin : begin + stretch]
        kept += sorted({min(part, key=lambda one: one[1]), max(part, key=lambda one: one[1])})
    return [points[0], *(one for one in kept if points[0] < one < points[-1]), points[-1]]


def _place(point: tuple[float, float], horizontal: Axis, vertical: Axis, top: float) -> tuple[float, float]:
    return across(horizontal, point[0]), top + HEIGHT * (1.0 - vertical.part(point[1]))


def _paths(pieces: list[Points], place: int, horizontal: Axis, vertical: Axis, top: float) -> Html:
    paths = []
    for piece in pieces:
        places = (_place(one, horizontal, vertical, top) for one in piece)
        points = " ".join(f"{x:.2f},{y:.1f}" for x, y in places)
        paths.append(
            tag(
                "polyline", class_="line", points=points, vector_effect="non-scaling-stroke",
                stroke_dasharray=dash(place),
            )
        )  # fmt: skip
    return tag("g", *paths, class_=hue(place))


def _dots(known: tuple[str, list[Points]], place: int, horizontal: Axis, vertical: Axis, top: float) -> Html:
    """Marks where points are few, else places that show their numbers when pointed at; the last point always."""
    name, points = known[0], [point for piece in known[1] for point in piece]
    if not points:
        return joined()
    look = "dot" if len(points) <= DOTS else "touch"
    every = -(-len(points) // TOUCHES)
    dots = []
    for one in [*points[:-1:every], points[-1]]:
        x, y = _place(one, horizontal, vertical, top)
        words = tag("title", f"{safe(name)}: {in_figures(one[1])} at {in_figures(one[0])}")
        dots.append(tag("circle", words, class_=look, cx=percent(x), cy=y, r=3.5))
    return tag("g", *dots, class_=hue(place))
