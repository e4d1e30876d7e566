"""Tables and figures of a report's page."""

import datetime
import math
from collections.abc import Collection, Sequence
from typing import Any

from palate.core.markup import Html, joined, tag
from palate.lab.book import RunInfo
from palate.lab.plots import in_figures
from palate.lab.plots.frame import safe
from palate.lab.plots.scale import fixed
from palate.lab.reports.material import interval, is_number
from palate.lab.reports.recipe import Block

SHORT = 20  # rows of a table that paper keeps on one page


def table(
    columns: Sequence[object], rows: Sequence[Sequence[object]], caption: str = "", *, right: Collection[int] = ()
) -> Html:
    """A table that scrolls sideways where it is too wide; the first cell of a row is its heading.

    Cells are Html, numbers, texts, None. A column of numbers has one count of decimals and stands at the right, as
    do the columns whose places are in `right`.
    """
    held = [[row[place] for row in rows] for place in range(len(columns))]
    looks = ["number" if _is_numeric(cells) or place in right else None for place, cells in enumerate(held)]
    words = [aligned(cells) if _is_numeric(cells) else [_words(cell) for cell in cells] for cells in held]
    heads = [tag("th", _words(one), scope="col", class_=look) for one, look in zip(columns, looks, strict=True)]
    lines = []
    for number in range(len(rows)):
        cells = [
            tag("td" if place else "th", cells[number], scope=None if place else "row", class_=looks[place])
            for place, cells in enumerate(words)
        ]
        lines.append(tag("tr", *cells))
    parts = (tag("thead", tag("tr", *heads)), tag("tbody", *lines))
    drawn = tag("table", tag("caption", safe(caption)) if caption else None, *parts)
    # A browser lets a reader scroll by keys only what can have the focus.
    look = "wide short" if len(rows) <= SHORT else "wide"
    return tag("div", drawn, class_=look, tabindex=0, role="region", aria_label=safe(caption) or "Table")


def aligned(values: Sequence[Any]) -> list[Html]:
    """Numbers with one count of decimals, so that their points stand in line: four figures of the largest, or fewer.

    Where the least would keep less than two figures, each is written by itself.

    >>> aligned([0.09, 0.1, None, 0.1234567]), aligned([64, 128]), aligned([0.5, 0.00012])
    (['.0900', '.1000', '–', '.1235'], ['64', '128'], ['.5', '.00012'])
    """
    plain = [in_figures(one) for one in values]
    sizes = [abs(one) for one in values if isinstance(one, float) and math.isfinite(one) and one]
    if not sizes or max(sizes) >= 1e9 or min(sizes) < 1e-9:
        return [joined(one) for one in plain]
    needed = max(len(one.partition(".")[2]) for one in plain if "e" not in one)
    decimals = min(needed, max(3 - math.floor(math.log10(max(sizes))), 0))
    if min(sizes) < 10.0 ** (1 - decimals) and decimals < needed:
        return [joined(one) for one in plain]
    return [
        joined(one if value is None else fixed(float(value), decimals))
        for one, value in zip(plain, values, strict=True)
    ]


def figure(block: Block, *content: object) -> Html:
    """Content with the caption that the block gives it."""
    caption = block.text("caption")
    return tag("figure", *content, tag("figcaption", safe(caption)) if caption else None)


def moment(seconds: float) -> str:
    """Unix seconds as day and time of UTC.

    >>> moment(1772366400.0)
    '2026-03-01 12:00'
    """
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M")


def duration(seconds: float) -> str:
    """A length of time in its two largest units.

    >>> [duration(one) for one in (0.0123, 5.31, 75, 3_700, 90_000)]
    ['12 ms', '5.3 s', '1 min 15 s', '1 h 1 min', '1 d 1 h']
    """
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, small, name in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {unit}" + (f" {rest} {name}" if rest else "")
    return f"{whole} s"


def cells_of(infos: Sequence[RunInfo], name: str, values: Sequence[Any]) -> list[Html]:
    """What runs have under one name, as cells: moments and lengths of time in words, texts cut at 200 letters.

    Numbers have their interval below them where NAME.low and NAME.high are known.
    """
    if name in ("created", "ended"):
        return [_words(None if value is None else _whole(moment(value))) for value in values]
    if name == "seconds":
        return [_words(took(info)) for info in infos]
    if not _is_numeric(values):
        return [_words(value[:200] if isinstance(value, str) else value) for value in values]
    bounds = [interval(info, name) or (None, None) for info in infos]
    lows, highs = zip(*bounds, strict=True)
    written = aligned([*values, *lows, *highs])
    cells = []
    for place, (value, low, high) in enumerate(zip(*_thirds(written), strict=True)):
        note = tag("span", "[", low, ", ", high, "]", class_="note") if lows[place] is not None else None
        cells.append(joined(value, note))
    return cells


def _thirds(cells: Sequence[Html]) -> tuple[Sequence[Html], Sequence[Html], Sequence[Html]]:
    count = len(cells) // 3
    return cells[:count], cells[count : 2 * count], cells[2 * count :]


def took(info: RunInfo) -> Html | None:
    """How long a run took; None of one that works (another number each time) or was written down when it was over."""
    written_down = info.steps == 0 and info.seconds < 1.0
    return None if info.state == "running" or written_down else _whole(duration(info.seconds))


def _whole(words: str) -> Html:
    """Words that stay on one line."""
    return tag("span", words, class_="figure")


def bar_cell(value: float | None, most: float) -> Html:
    """A number over a bar as long as its part of `most`."""
    if value is None:
        return joined("\N{EN DASH}")
    part = max(min(value / most, 1.0), 0.0) if most > 0 else 0.0
    return tag("span", in_figures(value), class_="part", style=f"--part: {100 * part:.1f}%")


def cells_in_row(values: Sequence[Any]) -> list[Html]:
    """Values that stand beside each other: numbers aligned as in a column, anything else in words."""
    return aligned(values) if _is_numeric(values) else [_words(one) for one in values]


def _is_numeric(cells: Sequence[object]) -> bool:
    return any(map(is_number, cells)) and all(is_number(one) or one is None for one in cells)


def _words(cell: object) -> Html:
    return cell if isinstance(cell, Html) else joined(safe(in_figures(cell)))
