"""What all sections are made of: a heading with a body, a sentence for what is absent, a table of numbers."""

from collections.abc import Sequence

from palate.core.markup import Html, joined, tag
from palate.evaluation.report.reading import Difference, Estimate, Task, in_words
from palate.evaluation.report.wording import NARROW, NOTHING, probability


def section(key: str, title: str, *body: object) -> Html:
    """A part of the page that the list of contents can point to."""
    heading = tag("h2", title, id=f"{key}-title")
    return tag(
        "section", tag("header", heading), tag("div", *body, class_="body"), id=key, aria_labelledby=f"{key}-title"
    )


def absent(reason: object) -> Html:
    """The sentence that stands where a drawing would have stood."""
    return tag("p", reason, class_="absent")


def table(head: Sequence[object], rows: Sequence[Sequence[object]], caption: object, look: str | None = None) -> Html:
    """A table of numbers; the first cell of a row is its name. A wide one scrolls in a frame of its own."""
    top = tag(
        "tr", tag("th", head[0], scope="col"), *(tag("th", one, scope="col", class_="number") for one in head[1:])
    )
    lines = [
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            *(cell if _is_cell(cell) else tag("td", cell, class_="number") for cell in row[1:]),
        )
        for row in rows
    ]
    whole = tag("table", tag("caption", caption), tag("thead", top), tag("tbody", *lines), class_=look)
    return tag(
        "div",
        whole,
        class_="wide",
        tabindex=0,
        role="region",
        aria_label=caption if isinstance(caption, str) else "table",
    )


def _is_cell(cell: object) -> bool:
    return isinstance(cell, Html) and cell.startswith("<td")


def numbers(one: Estimate | None, signed: bool = False) -> Html:
    """An estimate in a cell: value, then its interval in small figures."""
    if one is None:
        return tag("span", NOTHING, class_="nothing")
    value, inside = in_words(one, signed)
    interval = tag("span", inside, class_="bounds") if inside else None
    return joined(tag("span", value, class_="value"), " " if interval else None, interval)


def chance(one: Difference) -> str:
    """The p-value in a cell, with its sign where it is not an equality."""
    return probability(one.p).removeprefix(f"={NARROW}")


def look(task: Task, method: str) -> str:
    """How a method is drawn: first, own, rival, ceiling or other."""
    if task.kind(method) == "ceiling":
        return "ceiling"
    if method == task.ours:
        return "first"
    if method == task.rival:
        return "rival"
    return "own" if task.kind(method) in ("palate", "yours") else "other"


def corrected(one: Difference) -> str:
    """The p-value in a sentence, with what was done to it; "" without one.

    >>> corrected(Difference(Estimate(0.01), 0.001, True, 9)).replace(NARROW, " ")
    'p = .001 after correction over 9 comparisons'
    """
    if one.p is None:
        return ""
    over = f"{one.comparisons} comparison{'' if one.comparisons == 1 else 's'}"
    return f"p{NARROW}{probability(one.p)} " + (
        f"after correction over {over}" if one.is_corrected else "without correction"
    )
