"""A forest plot that is a table: name, dot with interval, numbers. It can be read aloud, copied and printed.

Every row has an svg of its own, so that names and numbers are ordinary text of the page. On a phone the drawing moves
below its row's name.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from palate.core.markup import Html, joined, tag
from palate.evaluation.report.plots.marks import Mark, Reference, percent, upright, whisker
from palate.evaluation.report.plots.scale import Scale

MARK_PIXELS = 17  # the height that one mark takes
ROW_PIXELS = 13  # and what is free around the marks of a row
TICK_PIXELS = 22


@dataclass(frozen=True)
class Row:
    """One line of the plot.

    note   a few words below the name
    badge  a word that marks the row
    marks  drawn one below the other
    cells  one for each column, text or markup
    scale  the row's own, where rows are not comparable
    """

    name: str
    marks: Sequence[Mark]
    cells: Sequence[object] = ()
    note: str | None = None
    badge: str | None = None
    look: str | None = None
    scale: Scale | None = None


@dataclass(frozen=True)
class Forest:
    """A plot: `head` names the rows, `columns` the cells, `scale` is None where every row brings its own."""

    head: str
    columns: Sequence[str]
    rows: Sequence[Row]
    scale: Scale | None
    axis: str = ""
    references: Sequence[Reference] = ()

    def drawn(self, caption: object) -> Html:
        """The plot as a figure with its caption."""
        head = tag(
            "tr",
            tag("th", self.head, role="columnheader", scope="col"),
            tag("th", self._names_of_references(), role="columnheader", scope="col", class_="drawing"),
            *(tag("th", one, role="columnheader", scope="col", class_="number") for one in self.columns),
            role="row",
        )
        table = tag(
            "table",
            tag("caption", caption),
            tag("thead", head, role="rowgroup"),
            tag("tbody", *map(self._row, self.rows), role="rowgroup"),
            tag("tfoot", self._axis(self.scale), role="presentation", aria_hidden="true") if self.scale else None,
            class_="forest",
            role="table",
            style=f"--lines: {self._lines(self.scale)}" if self.scale else None,
        )
        return tag("figure", table)

    def _row(self, row: Row) -> Html:
        name = tag("span", row.name, class_="name")
        badge = tag("span", row.badge, class_="badge") if row.badge else None
        note = tag("span", row.note, class_="note") if row.note else None
        cells = [
            tag("td", cell, role="cell", class_="number", data_label=column if len(self.columns) > 1 else None)
            for column, cell in zip(self.columns, row.cells, strict=True)
        ]
        return tag(
            "tr",
            tag("th", name, joined(" ", badge) if badge else None, note, role="rowheader", scope="row"),
            tag("td", self._drawing(row), role="presentation", aria_hidden="true", class_="drawing"),
            *cells,
            role="row",
            class_=row.look,
        )

    def _lines(self, scale: Scale) -> str:
        """Grid and references as a CSS background, written once and shown behind every row at its full height."""
        lines = [(one.value, one.look) for one in self.references] + [(tick, "grid") for tick in scale.ticks]
        return ", ".join(
            f"var(--{look}) {percent(scale.position(value))} 0 / 1px 100% no-repeat" for value, look in lines
        )

    def _drawing(self, row: Row) -> Html:
        scale, height = row.scale or self.scale, MARK_PIXELS * max(len(row.marks), 1) + ROW_PIXELS
        if scale is None:
            return joined()
        middle = (height - MARK_PIXELS * (len(row.marks) - 1)) / 2
        marks = [whisker(mark, scale, middle + MARK_PIXELS * place) for place, mark in enumerate(row.marks)]
        return tag("svg", *marks, width="100%", height=height)

    def _axis(self, scale: Scale) -> Html:
        ticks = [
            tag("text", scale.label(tick), x=percent(scale.position(tick)), y=15, class_="tick") for tick in scale.ticks
        ]
        drawing = tag("svg", *ticks, width="100%", height=TICK_PIXELS)
        after = tag("td", colspan=len(self.columns)) if self.columns else None
        return tag("tr", tag("td", self.axis, class_="axis"), tag("td", drawing, class_="drawing"), after)

    def _names_of_references(self) -> Html:
        """The reference lines' names, each on a line of its own: two references may lie close together."""
        scale = self.scale
        if scale is None or not self.references:
            return joined()
        height = 16 * len(self.references) + 2
        parts: list[Html] = []
        for place, one in enumerate(self.references):
            x, y = scale.position(one.value), 16 * place + 12
            anchor, shift = ("end", -5) if x > 50 else ("start", 5)
            parts.append(upright(x, one.look, y - 10, "100%"))
            parts.append(
                tag("text", one.name, x=percent(x), y=y, dx=shift, text_anchor=anchor, class_="reference-name")
            )
        return tag("svg", *parts, width="100%", height=height)
