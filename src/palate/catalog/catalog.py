"""The catalogue: what can be heard, one stable row each."""

import math
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.catalog.columns import NUMBERS, ItemColumns
from palate.catalog.same_song import song_codes
from palate.catalog.tables import codes_of, latest_of, lists_of, only_writer, read_table, write_table
from palate.core.errors import BadInput
from palate.core.ids import ItemId
from palate.core.items import KINDS, Item, Kind

FORMAT = 1
ATTRIBUTE = "attributes."  # each attribute is a column of its own: attributes.tempo_bpm
_SLICE = 20_000  # items turned into objects at a time

_SCHEMA: dict[str, pl.DataType] = {
    "item_id": pl.String(),
    "kind": pl.Enum([kind.value for kind in KINDS]),
    "title": pl.String(),
    "artists": pl.List(pl.String()),
    "collection": pl.String(),
    "genres": pl.List(pl.String()),
    "language": pl.String(),
    "released": pl.Float64(),
    "duration_seconds": pl.Float64(),
    "explicit": pl.Boolean(),
    "available": pl.Boolean(),
}
_DEFAULTS: dict[str, str | bool] = {
    "kind": Kind.TRACK.value,
    "explicit": False,
    "available": True,
}  # what an Item says when nobody said it


@dataclass(frozen=True)
class UpsertReport:
    """How many items an upsert added, and how many known ones it gave other values."""

    new: int
    changed: int


class Catalog:
    """Items by id and by row. Rows are 0, 1, 2, ... in the order of first mention and never change.

    Changes live in memory until `save`. Whoever changes it opens it with `changing`, so that none is lost.
    """

    def __init__(self, path: Path, table: pl.DataFrame) -> None:
        self._path = path
        self._table = table
        self._ids: list[str] = table["item_id"].to_list()
        self._row_of = {item_id: row for row, item_id in enumerate(self._ids)}

    @classmethod
    def open(cls, folder: Path) -> "Catalog":
        """The catalogue kept in `folder`/items.parquet; empty when there is none. Corrupt when it cannot be read."""
        path = folder / "items.parquet"
        return cls(path, read_table(path, _SCHEMA, FORMAT))

    @classmethod
    @contextmanager
    def changing(cls, folder: Path) -> Iterator["Catalog"]:
        """The catalogue for one writer at a time, saved when the block ends without an error; other writers wait."""
        with only_writer(folder):
            catalog = cls.open(folder)
            yield catalog
            catalog.save()

    def save(self) -> None:
        """Writes the catalogue durably; a reader sees the old one or the new one, never half."""
        write_table(self._path, self._table, FORMAT)

    def upsert(self, items: list[Item], unstated: Collection[str] = ()) -> UpsertReport:
        """Adds new items at the end and gives known ones the values that `items` knows.

        None and empty erase nothing; of an item mentioned twice, the later value holds. `kind`, `explicit` and
        `available` have no unknown, so their value always holds; for those named in `unstated`, the default (track,
        False, True) counts as unknown, because the source never said it.
        """
        told = latest_of(_table_of(items, unstated), ["item_id"])
        rows = self.rows_of(told["item_id"].to_list())
        known, new = told.filter(pl.Series(rows >= 0)), told.filter(pl.Series(rows < 0))
        changed = self._change(rows[rows >= 0], known)
        self._extend(new)
        return UpsertReport(len(new), changed)

    def ensure(self, item_ids: Iterable[str]) -> int:
        """Adds an item of which only the id is known for each id that is not here yet; gives how many."""
        new = [item_id for item_id in dict.fromkeys(item_ids) if item_id not in self._row_of]
        self._extend(pl.DataFrame({"item_id": new}, schema={"item_id": pl.String}))
        return len(new)

    def rows_of(self, item_ids: Iterable[str]) -> NDArray[np.int32]:
        """(n,) int32 rows; -1 for an id that is not here."""
        rows = self._row_of
        return np.fromiter((rows.get(item_id, -1) for item_id in item_ids), np.int32)

    @property
    def ids(self) -> list[str]:
        """Every id by row; do not change the list."""
        return self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def item(self, row: int) -> Item:
        """The item at `row`; BadInput for a row outside the catalogue."""
        if not 0 <= row < len(self):
            raise BadInput(f"row {row} is not in the catalogue; its rows are 0 to {len(self) - 1}")
        return next(_items_of(self._table.slice(row, 1)))

    def items(self) -> Iterator[Item]:
        """Every item, by row."""
        for start in range(0, len(self), _SLICE):
            yield from _items_of(self._table.slice(start, _SLICE))

    def columns(self) -> ItemColumns:
        """What is known of every item, as arrays."""
        table = self._table
        language, languages = codes_of(table["language"])
        artist, artists = codes_of(table["artists"].list.first())
        genre, genres = codes_of(table["genres"].list.first())
        kind = table["kind"].to_physical().cast(pl.UInt8).to_numpy()
        numbers = {name: self.attribute(name).astype(np.float32) for name in NUMBERS}
        return ItemColumns(
            kind=kind,
            available=table["available"].to_numpy(),
            explicit=table["explicit"].to_numpy(),
            language=language,
            languages=languages,
            released=table["released"].fill_null(math.nan).to_numpy(),
            duration_seconds=table["duration_seconds"].cast(pl.Float32).fill_null(math.nan).to_numpy(),
            artist=artist,
            artists=artists,
            genre=genre,
            genres=genres,
            song=song_codes(table["title"].to_list(), artist, kind == KINDS.index(Kind.TRACK)),
            energy=numbers["energy"],
            tempo_bpm=numbers["tempo_bpm"],
            valence=numbers["valence"],
        )

    def attribute(self, name: str) -> NDArray[np.float64]:
        """(n,) float64 one attribute by row, NaN where unknown; all NaN for a name that no item has."""
        if ATTRIBUTE + name not in self._table.columns:
            return np.full(len(self), np.nan)
        return self._table[ATTRIBUTE + name].fill_null(math.nan).to_numpy()

    def attributes(self) -> list[str]:
        """The names of all attributes, in order."""
        return sorted(name.removeprefix(ATTRIBUTE) for name in self._table.columns if name.startswith(ATTRIBUTE))

    def _change(self, rows: NDArray[np.int32], told: pl.DataFrame) -> int:
        """Lays what `told` knows over the items at `rows`; gives how many items became different."""
        table = pl.concat([self._table, told.clear()], how="diagonal")
        told = pl.concat([table.clear(), told], how="diagonal")
        old = table[rows.tolist()]
        new = pl.DataFrame(
            [pl.select(pl.coalesce(told[name], old[name]).alias(name)).to_series() for name in table.columns]
        )
        different = old.select(pl.any_horizontal(old[name].ne_missing(new[name]) for name in table.columns)).to_series()
        places = np.arange(len(table))
        places[rows[different.to_numpy()]] = len(table) + np.arange(different.sum())
        self._table = table if not different.any() else pl.concat([table, new.filter(different)])[places]
        return int(different.sum())

    def _extend(self, new: pl.DataFrame) -> None:
        ids = new["item_id"].to_list()
        self._row_of.update(zip(ids, range(len(self), len(self) + len(ids)), strict=True))
        self._ids.extend(ids)
        defaults = [pl.col(name).fill_null(value) for name, value in _DEFAULTS.items()]
        added = pl.concat([self._table.clear(), new], how="diagonal").with_columns(defaults)
        self._table = pl.concat([self._table, added], how="diagonal")


def _table_of(items: list[Item], unstated: Collection[str]) -> pl.DataFrame:
    """The items as a table, where null stands for everything that is not known."""
    schema = dict(_SCHEMA)
    columns: dict[str, Any] = {name: [getattr(one, name) for one in items] for name in schema}
    for name in ("artists", "genres"):
        columns[name] = lists_of(columns[name])
    for name in dict.fromkeys(name for one in items for name in one.attributes):
        schema[ATTRIBUTE + name] = pl.Float64()
        columns[ATTRIBUTE + name] = [one.attributes.get(name) for one in items]
    text, number = pl.col(pl.String), pl.col(pl.Float64)
    return pl.DataFrame(columns, schema).with_columns(
        pl.when(text != "").then(text),
        number.fill_nan(None),
        *(pl.when(pl.col(name) != _DEFAULTS[name]).then(pl.col(name)) for name in unstated),
    )


def _items_of(table: pl.DataFrame) -> Iterator[Item]:
    attributes = [name for name in table.columns if name.startswith(ATTRIBUTE)]
    names = [name.removeprefix(ATTRIBUTE) for name in attributes]
    for row in table.select(*_SCHEMA, *attributes).iter_rows():
        item_id, kind, title, artists, collection, genres, language, released, duration, explicit, available = row[:11]
        yield Item(
            item_id=ItemId(item_id),
            kind=Kind(kind),
            title=title,
            artists=tuple(artists or ()),
            collection=collection,
            genres=tuple(genres or ()),
            language=language,
            released=released,
            duration_seconds=duration,
            explicit=explicit,
            available=available,
            attributes={name: value for name, value in zip(names, row[11:], strict=True) if value is not None},
        )
