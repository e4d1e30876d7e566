"""What is kept together: playlists as arrays of catalogue rows."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from palate.catalog.catalog import Catalog
from palate.catalog.columns import Playlists
from palate.catalog.tables import codes_of, latest_of, only_writer, read_table, write_table
from palate.core.items import Membership

FORMAT = 1
_KEY = ["playlist_id", "item_id", "added"]  # the same item put in twice, at two times, is two stays
_SCHEMA: dict[str, pl.DataType] = {
    "playlist_id": pl.String(),
    "item_id": pl.String(),
    "added": pl.Float64(),
    "removed": pl.Float64(),
    "position": pl.Int32(),
    "name": pl.String(),
    "owner": pl.String(),
}


class PlaylistTable:
    """The memberships of one home. Changes live in memory until `save`; whoever changes them opens with `changing`."""

    def __init__(self, path: Path, table: pl.DataFrame) -> None:
        self._path = path
        self._table = table

    @classmethod
    def open(cls, folder: Path) -> "PlaylistTable":
        """What `folder`/playlists.parquet holds; empty when it is missing. Corrupt when it cannot be read."""
        path = folder / "playlists.parquet"
        return cls(path, read_table(path, _SCHEMA, FORMAT))

    @classmethod
    @contextmanager
    def changing(cls, folder: Path) -> Iterator["PlaylistTable"]:
        """The table for one writer at a time, saved when the block ends without an error; other writers wait."""
        with only_writer(folder):
            table = cls.open(folder)
            yield table
            table.save()

    def save(self) -> None:
        """Writes the table durably; a reader sees the old one or the new one, never half."""
        write_table(self._path, self._table, FORMAT)

    def add(self, memberships: Iterable[Membership]) -> int:
        """Adds the memberships that are not held yet; gives how many.

        One with a known (playlist, item, added) changes what it knows anew: a removal, a position, a name.
        """
        told = list(memberships)
        columns = {name: [getattr(one, name) for one in told] for name in _SCHEMA}
        before = len(self._table)
        new = pl.DataFrame(columns, _SCHEMA).with_columns(pl.col(pl.Float64).fill_nan(None))
        self._table = latest_of(pl.concat([self._table, new]), _KEY)
        return len(self._table) - before

    def of_owner(self, user_id: str) -> list[dict[str, Any]]:
        """Every membership of a listener's own playlists, as rows; times are unix seconds."""
        return self._table.filter(pl.col("owner") == user_id).select(list(_SCHEMA)).to_dicts()

    def forget_owners(self, user_ids: Sequence[str]) -> dict[str, int]:
        """Drops the playlists that these listeners own; gives how many memberships each had."""
        owned = self._table.filter(pl.col("owner").is_in(list(user_ids)))
        counted = dict(owned.group_by("owner").len().iter_rows())
        # The owner may stand in some rows of a playlist only, as far as its source told it.
        self._table = self._table.filter(~pl.col("playlist_id").is_in(owned["playlist_id"].to_list()))
        return {user: int(counted.get(user, 0)) for user in user_ids}

    def __len__(self) -> int:
        return len(self._table)

    def playlists(self, catalog: Catalog) -> Playlists:
        """The memberships as arrays, items by their row in `catalog`."""
        playlist, ids = codes_of(self._table["playlist_id"])
        about = self._table.group_by("playlist_id", maintain_order=True).agg(
            pl.col("name", "owner").drop_nulls().last()
        )
        return Playlists(
            playlist=playlist,
            item=catalog.rows_of(self._table["item_id"]),
            position=self._table["position"].to_numpy(),
            added=self._table["added"].fill_null(math.nan).to_numpy(),
            removed=self._table["removed"].fill_null(math.nan).to_numpy(),
            ids=ids,
            names=about["name"].to_list(),
            owners=about["owner"].to_list(),
        )


def load(folder: Path, catalog: Catalog) -> Playlists:
    """The playlists of a home as arrays; none when the file is missing."""
    return PlaylistTable.open(folder).playlists(catalog)
