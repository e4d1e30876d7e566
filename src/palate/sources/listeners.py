"""What is known of listeners beyond their listens: one row a listener, whatever columns the file has."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from palate.sources.cells import Reader, Unreadable, read_ids, read_texts, text_of
from palate.sources.mapping import USER, Mapping, resolve_listeners
from palate.sources.rejects import Reject
from palate.sources.tables import Rows, Table, open_table

CHUNK_ROWS = 100_000
SEPARATOR = "|"  # between the values of a list: languages "en|sv"


@dataclass(frozen=True)
class Listeners:
    """Attributes of listeners, n rows in the order of their file.

    user_id # (n,) ids
    values  # by column: (n,) texts, None where the file says nothing
    """

    user_id: list[str]
    values: dict[str, list[str | None]]

    def __len__(self) -> int:
        return len(self.user_id)


def read_listeners(path: Path, mapping: Mapping) -> Iterator[tuple[Listeners, list[Reject]]]:
    """Reads a file of listeners in its own order, with the rows that were left out.

    Needs user_id, by this or a well-known other name; every other column is kept as text under its own name or as
    `mapping` says. Whole numbers lose a ".0", times are written in ISO 8601, the values of a list stand with | between.
    In jsonl only columns that occur in the first 8 MiB are read. BadInput for a file that is no table.
    """
    table = open_table(path)
    return _chunks(path, table, resolve_listeners(mapping, table.columns, str(path), table.loose))


def _chunks(path: Path, table: Table, columns: Mapping) -> Iterator[tuple[Listeners, list[Reject]]]:
    readers: dict[str, Reader] = dict.fromkeys(columns, partial(read_texts, scalar=_attribute))
    readers[USER.name] = partial(read_ids, required=True)
    for rows in table.rows(list(columns.values()), CHUNK_ROWS):
        values, problems = rows.read(columns, readers)
        yield _listeners(rows, values, problems), rows.rejected(str(path), problems)


def _listeners(rows: Rows, values: dict[str, pl.Series], problems: dict[int, str]) -> Listeners:
    good = [row for row in range(len(rows)) if row not in problems]
    texts = {name: (column.gather(good) if problems else column).to_list() for name, column in values.items()}
    return Listeners(texts.pop(USER.name), texts)


def _attribute(value: Any) -> str | None:
    """One attribute as text: a number without ".0", true or false, a time in ISO 8601, a list with | between.

    >>> _attribute(1990.0), _attribute(True), _attribute(["en", "sv"]), _attribute([])
    ('1990', 'true', 'en|sv', None)
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, pl.Series):
        value = value.to_list()
    if isinstance(value, list | tuple):
        if any(isinstance(one, list | tuple | dict) for one in value):
            raise Unreadable("is a list of lists or objects; plain values are needed")
        return SEPARATOR.join(filter(None, map(_attribute, value))) or None
    return text_of(value)
