"""Lists of what can be heard: one row an item, or several that are put together."""

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import polars as pl

from palate.core.ids import ItemId
from palate.core.items import Item, Kind
from palate.sources.cells import (
    WHITE_SPACE,
    Cells,
    Column,
    Reader,
    Unreadable,
    kind_of,
    read_column,
    read_flags,
    read_ids,
    read_numbers,
    read_seconds,
    read_texts,
    read_words,
    undecided,
)
from palate.sources.mapping import ATTRIBUTE_FIELDS, ATTRIBUTE_PREFIX, ITEM_FIELDS, Mapping, divisor, resolve
from palate.sources.rejects import Reject
from palate.sources.tables import Rows, Table, open_table
from palate.sources.times import read_releases

KIND_WORDS = {
    **{kind.value: kind.value for kind in Kind},
    "song": Kind.TRACK.value,
    "music": Kind.TRACK.value,
    "podcast": Kind.EPISODE.value,
    "podcast_episode": Kind.EPISODE.value,
    "book": Kind.AUDIOBOOK.value,
}
_UNKNOWN = {"key": -1.0, "tempo_bpm": 0.0}  # how Spotify's analysis writes that it found none
CHUNK_ROWS = 100_000
_LONGEST_LITERAL = 10_000  # characters of a list written as text; beyond it is prose that begins with a bracket


def read_items(path: Path, mapping: Mapping) -> Iterator[tuple[list[Item], list[Reject]]]:
    """Reads a file of items; rows of the same item are put together, in the order of their first row.

    The first value that is known stands; genres add up; an item is explicit, or unavailable, when any row says so.
    Needs item_id; every other field of Item may be there (mapping.py has the names). Rejects come as they are met, the
    items after the last row: memory grows with the number of items. BadInput for a file that is no table.
    """
    table = open_table(path)
    columns = resolve(ITEM_FIELDS, mapping, table.columns, str(path), table.loose)
    return _chunks(path, table, columns)


def _chunks(path: Path, table: Table, columns: Mapping) -> Iterator[tuple[list[Item], list[Reject]]]:
    readers = _readers(columns)
    found: dict[str, Item] = {}
    for rows in table.rows(list(columns.values()), CHUNK_ROWS):
        values, problems = rows.read(columns, readers)
        for item in _items(rows, values, problems):
            first = found.get(item.item_id)
            found[item.item_id] = item if first is None else _together(first, item)
        if rejects := rows.rejected(str(path), problems):
            yield [], rejects
    items = list(found.values())
    for start in range(0, len(items), CHUNK_ROWS):
        yield items[start : start + CHUNK_ROWS], []


def _readers(columns: Mapping) -> dict[str, Reader]:
    attributes = [one.name for one in ATTRIBUTE_FIELDS] + [one for one in columns if one.startswith(ATTRIBUTE_PREFIX)]
    return {
        "item_id": partial(read_ids, required=True),
        "kind": lambda cells, name: read_words(cells, name, KIND_WORDS, pl.String),
        "title": read_texts,
        "artists": lambda cells, name: _read_names(cells, name, artists_of),
        "collection": read_texts,
        "genres": lambda cells, name: _read_names(cells, name, genres_of),
        "subgenres": lambda cells, name: _read_names(cells, name, genres_of),
        "language": read_texts,
        "released": read_releases,
        "duration_seconds": lambda cells, name: read_seconds(cells, name, divisor(ITEM_FIELDS, name, columns)),
        "explicit": read_flags,
        "available": read_flags,
        **dict.fromkeys(attributes, read_numbers),
    }


def _items(rows: Rows, values: dict[str, pl.Series], problems: dict[int, str]) -> Iterator[Item]:
    fields = {name: column.to_list() for name, column in values.items()}
    named = {one.name for one in ITEM_FIELDS if one not in ATTRIBUTE_FIELDS}
    attributes = {name.removeprefix(ATTRIBUTE_PREFIX): fields[name] for name in fields if name not in named}
    gaps = [None] * len(rows)

    def column(name: str) -> list[Any]:
        return fields.get(name, gaps)

    for row in range(len(rows)):
        if row in problems:
            continue
        yield Item(
            item_id=ItemId(fields["item_id"][row]),
            kind=Kind(column("kind")[row] or Kind.TRACK),
            title=column("title")[row],
            artists=tuple(column("artists")[row] or ()),
            collection=column("collection")[row],
            genres=_distinct((column("genres")[row] or []) + (column("subgenres")[row] or [])),
            language=column("language")[row],
            released=column("released")[row],
            duration_seconds=column("duration_seconds")[row],
            explicit=column("explicit")[row] is True,
            available=column("available")[row] is not False,
            attributes={
                name: cells[row] for name, cells in attributes.items() if cells[row] not in (None, _UNKNOWN.get(name))
            },
        )


def _together(first: Item, again: Item) -> Item:
    return replace(
        first,
        title=first.title if first.title is not None else again.title,
        artists=first.artists or again.artists,
        collection=first.collection if first.collection is not None else again.collection,
        genres=_distinct((*first.genres, *again.genres)),
        language=first.language if first.language is not None else again.language,
        released=first.released if first.released is not None else again.released,
        duration_seconds=first.duration_seconds if first.duration_seconds is not None else again.duration_seconds,
        explicit=first.explicit or again.explicit,
        available=first.available and again.available,
        attributes=again.attributes | first.attributes,
    )


def _distinct(names: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _read_names(cells: Cells, name: str, split: Any) -> Column:
    def scalar(value: Any) -> list[str] | None:
        return (split(value) if isinstance(value, str) else _listed(value)) or None

    values: list[Any] = cells if isinstance(cells, list) else cells.to_list()
    dtype = pl.List(pl.String)
    return read_column(values, name, lambda series: undecided(series, dtype), scalar, dtype)


@lru_cache(maxsize=65_536)
def artists_of(text: str) -> list[str]:
    """The artists in one text: a JSON or Python list, or names with ; between, or with | and no space around it.

    A comma never separates: "Tyler, The Creator" is one artist. A | beside a space or a single letter does not
    either: "Division | North" and "M|O|O|N" are.

    >>> artists_of("Snakehips;Tinashe"), artists_of("['AC/DC', 'Sia']"), artists_of("Earth, Wind & Fire")
    (['Snakehips', 'Tinashe'], ['AC/DC', 'Sia'], ['Earth, Wind & Fire'])
    """
    if (literal := _literal(text)) is not None:
        return literal
    bars = text.split("|")
    if all(len(part) > 1 and part == part.strip() for part in bars):
        text = text.replace("|", ";")
    return _stripped(text.split(";"))


@lru_cache(maxsize=65_536)
def genres_of(text: str) -> list[str]:
    """The genres in one text: a JSON or Python list, or names with ; or | or , between."""
    literal = _literal(text)
    return literal if literal is not None else _stripped(text.replace("|", ";").replace(",", ";").split(";"))


def _literal(text: str) -> list[str] | None:
    """The names of a list that was written as text, by json or by Python's str(); None when it is no such list."""
    text = text.strip(WHITE_SPACE)
    if not (text.startswith("[") and text.endswith("]")) or len(text) > _LONGEST_LITERAL:
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            return _listed(parse(text))
        except (ValueError, SyntaxError, RecursionError, MemoryError, Unreadable):
            continue
    return None


def _listed(value: Any) -> list[str]:
    """Names from a list of text, or of objects that have a name."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable(f"is {kind_of(value)}, not text or a list of text")
    names: list[str] = []
    for one in value:
        name = one.get("name") if isinstance(one, dict) else one
        if not isinstance(name, str):
            raise Unreadable(f"lists {kind_of(name)}, not text")
        names.append(name)
    return _stripped(names)


def _stripped(names: list[str]) -> list[str]:
    return [name for name in (one.replace("\0", "").strip(WHITE_SPACE) for one in names) if name]
