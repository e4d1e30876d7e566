"""Parquet tables that carry their format and are whole or absent."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.core.artefacts import atomic_file
from palate.core.errors import Corrupt
from palate.core.locks import alone

# A column, not file metadata: constant columns compress to nothing, and polars calls its metadata experimental.
FORMAT_COLUMN = "format"
_SEPARATOR = "\x1f"


def only_writer(folder: Path) -> AbstractContextManager[None]:
    """Holds the folder for one writer; others wait. A killed holder gives it back, since the system drops its lock."""
    return alone(folder / ".lock")


def write_table(path: Path, table: pl.DataFrame, version: int) -> None:
    """Writes `table` atomically, each row marked with the format's version."""
    with atomic_file(path) as temporary:
        table.with_columns(pl.lit(version, pl.UInt8).alias(FORMAT_COLUMN)).write_parquet(temporary)


def read_table(path: Path, schema: dict[str, pl.DataType], version: int) -> pl.DataFrame:
    """Reads what `write_table` wrote; an empty table for a missing file.

    Columns beyond `schema` are kept. Corrupt for a damaged file, a missing column, or a version above `version`.
    """
    if not path.is_file():
        return pl.DataFrame(schema=schema)
    try:
        # Not memory-mapped: the file may be replaced while the table is in use.
        stored = pl.read_parquet(path, memory_map=False)
        found = stored[FORMAT_COLUMN].max()
        table = stored.drop(FORMAT_COLUMN).with_columns(pl.col(name).cast(kind) for name, kind in schema.items())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Corrupt(f"{path} cannot be read ({error}); restore it from a backup or import again") from error
    if isinstance(found, int) and found > version:
        raise Corrupt(f"{path} has format {found}, and this Palate reads up to {version}; upgrade Palate")
    return table


def codes_of(column: pl.Series) -> tuple[NDArray[np.int32], list[str]]:
    """(n,) int32 codes of a text column and the texts by code, in order of first appearance; -1 for unknown."""
    texts = column.drop_nulls().unique(maintain_order=True)
    codes = column.cast(pl.Enum(texts)).to_physical().cast(pl.Int32).fill_null(-1)
    return codes.to_numpy(), texts.to_list()


def lists_of(rows: Sequence[tuple[str, ...]]) -> pl.Series:
    """(n,) a column of lists of texts; null for no texts.

    Joined and split again, which takes a fifteenth of the time of polars' own way from Python lists. A text that has
    the separator in it is noticed by the number of parts, and then the slow way is taken.
    """
    joined = pl.Series([_SEPARATOR.join(texts) or None for texts in rows], dtype=pl.String)
    lists = joined.str.split(_SEPARATOR)
    if lists.list.len().sum() != sum(map(len, rows)):
        lists = pl.Series([texts or None for texts in rows], dtype=pl.List(pl.String))
    return lists


def latest_of(table: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """One row for each key, in order of first appearance: in each column the last value that is known."""
    if not table.select(pl.struct(key).n_unique() != pl.len()).item():
        return table
    return table.group_by(key, maintain_order=True).agg(pl.all().drop_nulls().last()).select(table.columns)
