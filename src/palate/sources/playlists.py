"""Playlists: one row an item's stay in one, or one row a playlist with a list of its items."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from palate.core.errors import BadInput
from palate.core.ids import ItemId, PlaylistId, UserId
from palate.core.items import Membership
from palate.sources.cells import (
    Cells,
    Column,
    Reader,
    Unreadable,
    id_of,
    kind_of,
    read_ids,
    read_numbers,
    read_texts,
)
from palate.sources.mapping import ITEM, PLAYLIST_FIELDS, Mapping, resolve
from palate.sources.rejects import Reject
from palate.sources.tables import Rows, Table, open_table
from palate.sources.times import check_range, read_times, unix_seconds

CHUNK_ROWS = 100_000
_MAX_POSITION = 2**31 - 1


def read_playlists(path: Path, mapping: Mapping) -> Iterator[tuple[list[Membership], list[Reject]]]:
    """Reads memberships in the order of the file, with the rows that were left out.

    Needs playlist_id and item_id; or `items` (also tracks), a list of ids or of objects with an id and perhaps `added`.
    Without a position an item takes the next free place of its playlist, from 0. Of a list, the items that can be read
    are kept and the first that cannot is named in a reject. BadInput for a file that is no table.
    """
    table = open_table(path)
    columns = resolve(PLAYLIST_FIELDS, mapping, table.columns, str(path), table.loose)
    if table.columns and not {columns.get("item_id"), columns.get("items")} & set(table.columns):
        raise BadInput(
            f"{path} has no column for item_id or items; its columns are: {', '.join(table.columns[:40])}. "
            "Rename one, or say which with --map item=COLUMN"
        )
    return _chunks(path, table, columns)


def _chunks(path: Path, table: Table, columns: Mapping) -> Iterator[tuple[list[Membership], list[Reject]]]:
    lengths: Counter[str] = Counter()
    for rows in table.rows(list(columns.values()), CHUNK_ROWS):
        values, problems = rows.read(columns, _READERS)
        lists = rows.cells[columns["items"]] if "items" in columns else None
        members = list(_memberships(rows, values, lists, problems, lengths))
        yield members, rows.rejected(str(path), problems)


def _read_positions(cells: Cells, name: str) -> Column:
    return read_numbers(cells, name, 0.0, _MAX_POSITION)


_READERS: dict[str, Reader] = {
    "playlist_id": partial(read_ids, required=True),
    "item_id": read_ids,
    "position": _read_positions,
    "name": read_texts,
    "owner": read_ids,
    "added": read_times,
    "removed": read_times,
}


def _memberships(
    rows: Rows, values: dict[str, pl.Series], lists: Cells | None, problems: dict[int, str], lengths: Counter[str]
) -> Iterator[Membership]:
    """The memberships of the rows that have no problem; adds the problems that only a whole row shows."""
    fields: dict[str, list[Any]] = {name: [None] * len(rows) for name in _READERS}
    fields |= {name: column.to_list() for name, column in values.items()}
    for row in range(len(rows)):
        if row in problems:
            continue
        playlist, item, position, name, owner, added, removed = (fields[one][row] for one in _READERS)
        members = (
            [(item, added)] if item is not None else _listed(lists[row] if lists is not None else None, row, problems)
        )
        if added is not None and removed is not None and removed < added:
            problems[row] = "removed is before added"
            continue
        for item_id, when in members:
            yield Membership(
                playlist_id=PlaylistId(playlist),
                item_id=ItemId(item_id),
                position=lengths[playlist] if position is None or len(members) > 1 else int(position),
                name=name,
                owner=None if owner is None else UserId(owner),
                added=added if when is None else when,
                removed=removed,
            )
            lengths[playlist] += 1


def _listed(value: Any, row: int, problems: dict[int, str]) -> list[tuple[str, float | None]]:
    """The items of one playlist with the time each was added; problems[row] names the first that cannot be read."""
    if isinstance(value, pl.Series):
        value = value.to_list()
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            problems[row] = "items is not a JSON list"
            return []
    if not isinstance(value, list):
        problems[row] = "item_id is missing" if value in (None, "") else f"items is {kind_of(value)}, not a list"
        return []
    members: list[tuple[str, float | None]] = []
    for number, one in enumerate(value):
        try:
            members.append(_listed_item(one))
        except Unreadable as error:
            problems.setdefault(row, f"items[{number}] {error}")
    return members


def _listed_item(value: Any) -> tuple[str, float | None]:
    added = None
    if isinstance(value, dict):
        added = unix_seconds(value.get("added", value.get("added_at")))
        if added is not None:
            check_range(added, added, 0.0, float("inf"))
        names = (ITEM.name, *ITEM.aliases, "id")
        value = next((value[name] for name in names if value.get(name) is not None), None)
    item_id = id_of(value)
    if item_id is None:
        raise Unreadable("has no id")
    return item_id, added
