"""Numbers and intervals as JSON has them, and rows of text in columns: what every report of the room is made with."""

import math
from typing import Any

from palate.evaluation.intervals import Interval


def number(value: float) -> float | None:
    """A number as JSON; None for NaN and for what is infinite: a bound that is not there yet."""
    return float(value) if math.isfinite(value) else None


def plain(one: Interval) -> dict[str, float] | None:
    """An interval as JSON, {"value", "low", "high"}; None for NaN."""
    return None if math.isnan(one.value) else {"value": one.value, "low": one.low, "high": one.high}


def by_bound(one: Interval) -> dict[str, float | None]:
    """An interval whose bounds may be missing by themselves: {"value", "low", "high"}, each as `number`."""
    return {"value": number(one.value), "low": number(one.low), "high": number(one.high)}


def bounds(one: dict[str, Any] | None, style: str) -> str:
    """`.1209 [.1096, .1317]` in the given style, from what `plain` gave; a dash for nothing."""
    return "-" if one is None else f"{one['value']:{style}} [{one['low']:{style}}, {one['high']:{style}}]"


def aligned(cells: list[list[str]]) -> list[str]:
    """Rows of text with columns of even width."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
