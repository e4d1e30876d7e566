"""Any file of rows, opened by what its name ends in: csv, tsv, jsonl, parquet."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from palate.core.errors import BadInput
from palate.sources.tables.delimited import Delimited
from palate.sources.tables.jsonl import JsonLines
from palate.sources.tables.parquet import Parquet
from palate.sources.tables.rows import Rows

CHOICES = ".csv, .tsv, .jsonl or .ndjson (each also with .gz), or .parquet"


class Table(Protocol):
    """A file of rows whose columns are known; `loose` where a row may bring a column that was not seen before."""

    columns: list[str]
    loose: bool

    def rows(self, wanted: Sequence[str], chunk_rows: int) -> Iterator[Rows]:
        """The whole file from its first row, in stretches of at most `chunk_rows`, with the `wanted` columns."""
        ...


def open_table(path: Path) -> Table:
    """Looks at the file's name and head; BadInput when it is missing, empty, of an unknown kind or damaged."""
    if not path.is_file():
        raise BadInput(f"{path} is not a file; give the path of a file that ends in {CHOICES}")
    if path.stat().st_size == 0:
        raise BadInput(f"{path} is empty; export it again")
    name = path.name.lower()
    if name.endswith(".parquet"):
        return Parquet(path)
    suffix = Path(name.removesuffix(".gz")).suffix
    if suffix in (".csv", ".tsv"):
        return Delimited(path)
    if suffix in (".jsonl", ".ndjson"):
        return JsonLines(path)
    raise BadInput(f"{path} is of an unknown kind; its name must end in {CHOICES}")


__all__ = ["CHOICES", "Rows", "Table", "open_table"]
