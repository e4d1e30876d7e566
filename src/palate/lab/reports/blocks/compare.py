"""```compare: runs side by side: the settings that differ, then what they came to."""

import math
from collections.abc import Sequence

from palate.core.markup import Html, joined, tag
from palate.lab.book import RunInfo, named_values
from palate.lab.reports.blocks.runs import differing, numbers
from palate.lab.reports.material import Material, is_number, labels
from palate.lab.reports.pieces import cells_in_row, cells_of, table, took
from palate.lab.reports.recipe import Block

MOST = 40  # results that are not folded away


def compare(block: Block, material: Material) -> Html:
    """A column for each run; numbers of later ones with their difference from the first run's.

    `columns` names the results; without it, those that at least two runs have, and the others folded away, as are the
    settings that are the same everywhere.
    """
    infos = material.chosen(block)
    called = labels(infos)
    heads = [called[info.id] for info in infos]
    named = block.names("columns")
    for name in named:
        if all(info.named(name) is None for info in infos):
            known = ", ".join(named_values(infos, "summary"))
            raise block.wrong(f"none of these runs has {name!r}; they came to {known}", "columns")
    found = named or numbers(infos)
    shared = found if named else [name for name in found if _count(infos, name) >= min(2, len(infos))][:MOST]
    rest = found[len(shared) :]  # what most runs have comes first
    settings = differing(infos) if len(infos) > 1 else []
    same = [[name, infos[0].config.get(name)] for name in infos[0].config if name not in settings]
    right = range(1, len(infos) + 1)
    rows = [[name, *cells_in_row([info.config.get(name) for info in infos])] for name in settings]
    results = [[name, *_compared(infos, name)] for name in ("seconds", *shared)]
    others = [[name, *_compared(infos, name)] for name in rest]
    return joined(
        table(["setting", *heads], rows, right=right) if rows else None,
        table(["result", *heads], results, block.text("caption"), right=right),
        _folded(f"{len(rest)} more results", table(["result", *heads], others, right=right)) if rest else None,
        _folded(f"{len(same)} settings that are the same", table(["setting", "value"], same)) if same else None,
    )


def _folded(words: str, content: Html) -> Html:
    return tag("details", tag("summary", words), content)


def _count(infos: Sequence[RunInfo], name: str) -> int:
    return sum(name in info.summary for info in infos)


def _compared(infos: Sequence[RunInfo], name: str) -> list[Html]:
    """One result of each run: its value, its interval, and how far it is from the first run's."""
    # The time of a run that works, or was written down when it was over, is compared with nothing.
    values = [None if name == "seconds" and took(info) is None else info.named(name) for info in infos]
    cells = cells_of(infos, name, values)
    first, *later = zip(cells, values, strict=True)
    return [first[0], *(joined(cell, _change(value, first[1])) for cell, value in later)]


def _change(value: object, first: object) -> Html | None:
    """By how much a number differs from the first run's: in percent of it."""
    if not (is_number(value) and is_number(first)):
        return None
    if not (math.isfinite(value) and math.isfinite(first)) or first == 0:
        return None
    percent = 100 * (value - first) / abs(first)
    sign = "+" if percent > 0 else "\N{MINUS SIGN}" if percent < 0 else "\N{PLUS-MINUS SIGN}"
    return tag("span", f"{sign}{abs(percent):,.{1 if abs(percent) < 1000 else 0}f}%", class_="note")
