"""Dots, intervals and lines: the few shapes that every drawing is made of."""

from dataclasses import dataclass

from palate.core.markup import Html, joined, tag
from palate.evaluation.report.plots.scale import Scale
from palate.evaluation.report.reading import Estimate, in_words

DOT_PIXELS = 4.5


@dataclass(frozen=True)
class Mark:
    """One estimate to draw; `look` names a class of the style: first, other, rival, ceiling, unsure."""

    name: str
    estimate: Estimate
    look: str = "other"
    signed: bool = False

    @property
    def words(self) -> str:
        """The tooltip: name, value, interval."""
        return f"{self.name}: {' '.join(in_words(self.estimate, self.signed)).strip()}"


@dataclass(frozen=True)
class Reference:
    """A value that rows are read against, drawn as a line through all of them."""

    value: float
    name: str
    look: str = "reference"


def percent(value: float) -> str:
    """A share of the width, as SVG wants it."""
    return f"{round(value, 2):g}%"


def upright(x: float, look: str, top: float | str = 0, bottom: float | str = "100%") -> Html:
    """A vertical line at x percent."""
    return tag("line", class_=look, x1=percent(x), x2=percent(x), y1=top, y2=bottom)


def whisker(mark: Mark, scale: Scale, y: float) -> Html:
    """An estimate as a dot with its interval, at a height of y pixels. What leaves the scale ends at its edge."""
    one, middle = mark.estimate, percent(scale.position(mark.estimate.value))
    parts = [tag("title", mark.words)]
    if one.low is not None and one.high is not None:
        ends = {"x1": percent(scale.position(one.low)), "x2": percent(scale.position(one.high))}
        parts.append(tag("line", class_="whisker", y1=y, y2=y, **ends))
    parts.append(shape(mark.look, middle, y))
    return tag("g", *parts, class_=f"mark {mark.look}")


def shape(look: str, x: str, y: float) -> Html:
    """The dot itself: a diamond for a ceiling, a circle for everything else. A circle is filled by the style."""
    if look != "ceiling":
        return tag("circle", class_="dot", cx=x, cy=y, r=DOT_PIXELS)
    # A nested svg has its origin where it stands, so that the diamond can be drawn in pixels at a place in percent.
    diamond = tag("path", class_="dot", d="M0 -5.5 5.5 0 0 5.5 -5.5 0Z")
    return tag("svg", diamond, x=x, y=y, overflow="visible", width=1, height=1)


def legend(*entries: tuple[str, str]) -> Html:
    """What the looks mean: (look, words) for each."""
    keys = [tag("li", swatch(look), words) for look, words in entries]
    return tag("ul", *keys, class_="legend") if keys else joined()


def swatch(look: str) -> Html:
    """A dot on a short line, as in the drawings."""
    line = tag("line", class_="whisker", x1=1, x2=25, y1=7, y2=7)
    return tag(
        "svg", tag("g", line, shape(look, "13", 7), class_=f"mark {look}"), width=26, height=14, aria_hidden="true"
    )
