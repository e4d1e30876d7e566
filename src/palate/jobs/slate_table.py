"""The answer log as a table: one row for each item that was shown."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from palate.listening.slates import Answered

SLATES_AT_ONCE = 2_000  # in memory while a table is written, with 20 items and features each about 10 MB


def write_table(slates: Iterable[Answered], path: Path) -> tuple[int, int]:
    """Features are columns `feature_NAME`, null for a slate of which they were not kept."""
    left, count, table = iter(slates), 0, pl.DataFrame([], _SCHEMA)
    while taken := list(islice(left, SLATES_AT_ONCE)):
        count += len(taken)
        names = dict.fromkeys(f"feature_{name}" for one in taken for name in one.names)
        rows = [row for one in taken for row in _rows(one)]
        table = pl.concat([table, pl.DataFrame(rows, _SCHEMA | dict.fromkeys(names, pl.Float32))], how="diagonal")
    table.write_parquet(path)
    return count, len(table)


_SCHEMA: dict[str, Any] = {
    "slate_id": pl.String, "user_id": pl.String, "surface": pl.String, "space": pl.String, "timestamp": pl.Float64,
    "home_time": pl.Float64, "answers": pl.Int64, "taste_offset": pl.Int64, "adventure": pl.Float64,
    "energy": pl.Float64, "position": pl.Int64, "item_id": pl.String, "score": pl.Float64, "source": pl.String,
}  # fmt: skip


def _rows(one: Answered) -> Iterator[dict[str, Any]]:
    """A row for each item that the slate showed."""
    slate, steer = one.slate, one.ask.get("steer", {})
    whole = {
        "slate_id": slate.slate_id, "user_id": slate.user_id, "surface": slate.surface, "space": slate.space,
        "timestamp": one.timestamp, "home_time": one.home_time, "answers": one.answers,
        "taste_offset": slate.taste_offset, "adventure": steer.get("adventure", 0.0), "energy": steer.get("energy"),
    }  # fmt: skip
    names = [f"feature_{name}" for name in one.names]
    seen = [[]] * len(slate.items) if one.features is None else one.features.tolist()
    for position, (item, facts) in enumerate(zip(slate.items, seen, strict=True), 1):
        told = {"position": position, "item_id": item.item_id, "score": item.score, "source": item.source}
        yield whole | told | dict(zip(names, facts, strict=True))
