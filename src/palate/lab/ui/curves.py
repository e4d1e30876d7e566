"""Curves short enough for a screen: of many points, the lowest and the highest of each stretch."""

from itertools import pairwise
from typing import Any

import numpy as np

from palate.lab.book import Series

MOST_POINTS = 600  # a plot is rarely wider in pixels


def shortened(series: Series, most: int = MOST_POINTS) -> dict[str, Any]:
    """{"steps", "seconds", "values", "count"} with at most `most` points (4 or more), first and last among them.

    Of each stretch of steps the lowest and the highest point stay, so a spike is never lost; a stretch without a finite
    value keeps its first. `seconds` are since the first point; `count` is how many points there were.
    """
    steps, values = np.asarray(series.steps), np.asarray(series.values, float)
    seconds = np.asarray(series.times, float)
    count = len(steps)
    if count > most:
        keep = _peaks(values, most)
        steps, values, seconds = steps[keep], values[keep], seconds[keep]
    since = seconds - (series.times[0] if count else 0.0)
    return {"steps": steps, "seconds": np.round(since, 3), "values": values, "count": count}


def _peaks(values: np.ndarray[Any, np.dtype[np.float64]], most: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    stretches = max((most - 2) // 2, 1)
    edges = np.linspace(0, len(values), stretches + 1).astype(int)
    keep = {0, len(values) - 1}
    for start, end in pairwise(edges):
        part = np.where(np.isfinite(values[start:end]), values[start:end], np.nan)
        if np.isnan(part).all():
            keep.add(int(start))
        else:
            keep |= {int(start + np.nanargmin(part)), int(start + np.nanargmax(part))}
    return np.array(sorted(keep), np.intp)
