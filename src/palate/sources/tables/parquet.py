"""Parquet, read by polars in stretches: the cells come typed and no row can be ragged."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import orjson
import polars as pl

from palate.core.errors import BadInput
from palate.sources.tables.rows import Rows


class Parquet:
    """A parquet file; a row's line is its number, from 1."""

    def __init__(self, path: Path) -> None:
        self._path, self.loose = path, False
        try:
            self._scan = pl.scan_parquet(path, glob=False)  # a path with * or [ in it is one file
            self.columns = self._scan.collect_schema().names()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise self._damaged(error) from error

    def rows(self, wanted: Sequence[str], chunk_rows: int) -> Iterator[Rows]:
        """Row groups are decoded as they are needed: a stretch costs its own rows plus one row group of bytes."""
        wanted, start = list(dict.fromkeys(wanted)), 0
        while True:
            try:
                frame = self._scan.select(wanted).slice(start, chunk_rows).collect()
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
                raise self._damaged(error) from error
            if frame.is_empty():
                return
            lines = np.arange(start + 1, start + len(frame) + 1, dtype=np.int64)
            yield Rows(frame.to_dict(), lines, lambda row, frame=frame: _text(frame, row), [])  # type: ignore[misc]
            start += len(frame)

    def _damaged(self, error: BaseException) -> BadInput:
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        return BadInput(f"{self._path} cannot be read as parquet ({first}); write or fetch the file again")


def _text(frame: pl.DataFrame, row: int) -> str:
    def short(value: object) -> object:
        return value[:1_000] if isinstance(value, str | bytes | list) else value

    cells = {name: short(value) for name, value in frame.row(row, named=True).items()}
    return orjson.dumps(cells, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
