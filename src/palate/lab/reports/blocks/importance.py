"""```importance: what a model's features weigh, for one run as bars, for several side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

from palate.core.markup import Html
from palate.lab.plots import bar_plot
from palate.lab.reports.material import Material, files, is_number, labels
from palate.lab.reports.pieces import bar_cell, figure, table
from palate.lab.reports.recipe import Block, Entry

PATTERN = "*importance*"
TOP = 20
Bound = tuple[float, float] | None
Weights = dict[str, tuple[float, Bound]]


def importance(block: Block, material: Material) -> Html:
    """From tables that runs logged: the first column names the feature, each column of numbers is a kind of importance.

    `name` is the table's (any with "importance" in it otherwise), `kind` the column (its first of numbers otherwise),
    `top` how many features are shown, by their mean over the runs. Columns KIND_low and KIND_high are its interval.
    """
    infos = material.chosen(block)
    if "name" not in block.entries:
        entry = Entry(PATTERN, block.line, ((PATTERN, block.line),))
        block = Block(block.kind, block.path, block.line, block.entries | {"name": entry})
    called, found = labels(infos), files(infos, block, "table")
    one_each = len({info.id for info, _ in found}) == len(found)
    weights: dict[str, Weights] = {}
    kinds: dict[str, None] = {}
    for info, file in found:
        kind, held = _weights(*material.book.table(info, file.name), block)
        kinds[kind] = None
        weights[called[info.id] if one_each else f"{called[info.id]} {file.name}"] = held
    top = _top(weights, block.count("top", TOP))
    if len(weights) == 1:
        held = next(iter(weights.values()))
        bars = bar_plot(
            [(one, held[one][0]) for one in top], unit=next(iter(kinds)), intervals=[held[one][1] for one in top]
        )
        return figure(block, bars)
    columns = [[held[one][0] if one in held else None for one in top] for held in weights.values()]
    most = [max((abs(one) for one in column if one is not None), default=0.0) for column in columns]
    bars_of = [[bar_cell(one, size) for one in column] for column, size in zip(columns, most, strict=True)]
    rows = [[one, *cells] for one, *cells in zip(top, *bars_of, strict=True)]
    return table(["feature", *weights], rows, block.text("caption") or f"{', '.join(kinds)} by feature")


def _top(weights: Mapping[str, Weights], most: int) -> list[str]:
    """The features with the largest mean over the runs, its sign apart; one that a run does not have counts 0 there."""
    features = {feature: None for held in weights.values() for feature in held}
    sums = {one: sum(held[one][0] for held in weights.values() if one in held) for one in features}
    return sorted(features, key=lambda one: -abs(sums[one]))[:most]


def _weights(columns: Sequence[str], rows: Sequence[Sequence[Any]], block: Block) -> tuple[str, Weights]:
    held = {
        name: [row[place] for row in rows]
        for place, name in enumerate(columns)
        if place and rows and all(is_number(row[place]) for row in rows)
    }
    kinds = [name for name in held if name.rpartition("_")[0] not in held]
    kind = block.text("kind", kinds[0] if kinds else "")
    if kind not in held:
        raise block.wrong(
            f"importances have no column of numbers {kind!r}; there: {', '.join(kinds) or 'none'}",
            "kind" if "kind" in block.entries else None,
        )
    bounds: list[Bound] = [None] * len(rows)
    if f"{kind}_low" in held and f"{kind}_high" in held:
        bounds = [
            (float(low), float(high)) for low, high in zip(held[f"{kind}_low"], held[f"{kind}_high"], strict=True)
        ]
    weights = zip(held[kind], bounds, strict=True)
    return kind, {str(row[0]): (float(one), bound) for row, (one, bound) in zip(rows, weights, strict=True)}
