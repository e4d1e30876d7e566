"""Listening exports: who heard what, when, and for how long."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event, Listens
from palate.sources.cells import Cells, Column, Reader, read_events, read_ids, read_seconds
from palate.sources.mapping import LISTEN_FIELDS, Mapping, divisor, resolve
from palate.sources.rejects import Reject
from palate.sources.tables import Table, open_table
from palate.sources.times import read_times

AHEAD_SECONDS = DAY_SECONDS  # how far after now a listen may be: clocks are set wrong and zones get lost


def read_listens(
    path: Path, mapping: Mapping, now: float, chunk_rows: int = 500_000
) -> Iterator[tuple[Listens, list[Reject]]]:
    """Reads a file of listens in its own order, at most `chunk_rows` at a time, with the rows that were left out.

    Needs user_id, item_id and timestamp, by these or well-known other names or as `mapping` says (mapping.py); a
    missing event is a play. Times later than `now` (unix seconds) + AHEAD_SECONDS are rejected. Either part of a pair
    may be empty. BadInput, at once, for a file that is no table; while iterating, for one damaged further on.
    """
    table = open_table(path)
    columns = resolve(LISTEN_FIELDS, mapping, table.columns, str(path), table.loose)
    return _chunks(path, table, columns, now, chunk_rows)


def _chunks(
    path: Path, table: Table, columns: Mapping, now: float, chunk_rows: int
) -> Iterator[tuple[Listens, list[Reject]]]:
    readers = _readers(columns, now)
    for rows in table.rows(list(columns.values()), chunk_rows):
        values, problems = rows.read(columns, readers)
        yield _listens(values, len(rows), problems), rows.rejected(str(path), problems)


def _readers(columns: Mapping, now: float) -> dict[str, Reader]:
    def seconds(cells: Cells, name: str) -> Column:
        return read_seconds(cells, name, divisor(LISTEN_FIELDS, name, columns))

    special: dict[str, Reader] = {
        "user_id": lambda cells, name: read_ids(cells, name, required=True),
        "item_id": lambda cells, name: read_ids(cells, name, required=True),
        "timestamp": lambda cells, name: read_times(cells, name, latest=now + AHEAD_SECONDS, required=True),
        "event": read_events,
        "seconds_played": seconds,
        "duration_seconds": seconds,
    }
    return {one.name: special.get(one.name, read_ids) for one in LISTEN_FIELDS}


def _listens(values: dict[str, pl.Series], n: int, problems: dict[int, str]) -> Listens:
    if problems:
        good = np.ones(n, bool)
        good[list(problems)] = False
        values = {name: column.filter(pl.Series(good)) for name, column in values.items()}
        n = int(good.sum())
    events = values.get("event")
    return Listens(
        user_id=values["user_id"].to_list(),
        item_id=values["item_id"].to_list(),
        timestamp=values["timestamp"].to_numpy(),
        event=np.zeros(n, np.uint8) if events is None else events.fill_null(int(Event.PLAY)).to_numpy(),
        seconds_played=_numbers(values.get("seconds_played"), n),
        duration_seconds=_numbers(values.get("duration_seconds"), n),
        session_id=_texts(values.get("session_id")),
        surface=_texts(values.get("surface")),
        context_id=_texts(values.get("context_id")),
        event_id=_texts(values.get("event_id")),
    )


def _numbers(values: pl.Series | None, n: int) -> NDArray[np.float32]:
    if values is None:
        return np.full(n, math.nan, np.float32)
    numbers: NDArray[Any] = values.fill_null(math.nan).to_numpy()
    return numbers.astype(np.float32)


def _texts(values: pl.Series | None) -> list[str | None] | None:
    return None if values is None or values.null_count() == len(values) else values.to_list()
