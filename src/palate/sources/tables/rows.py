"""A stretch of a file: cells in columns, and where each row stands."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.sources.cells import Cells, Column
from palate.sources.rejects import MAX_ROW_CHARACTERS, Reject, cut


@dataclass(frozen=True)
class Rows:
    """A stretch of a file.

    cells    # the wanted columns by their name in the file, n values each
    lines    # (n,) int64, ascending, where each row begins, counted from 1
    text     # row position -> the row as it stands in the file
    rejects  # lines of this stretch that hold no row, in order
    """

    cells: Mapping[str, Cells]
    lines: NDArray[np.int64]
    text: Callable[[int], str]
    rejects: list[Reject]

    def __len__(self) -> int:
        return len(self.lines)

    def split(self, chunk_rows: int) -> Iterator["Rows"]:
        """The same rows in stretches of at most `chunk_rows`; the rejects come with the first."""
        if len(self) <= chunk_rows:
            yield self
            return
        for start in range(0, len(self), chunk_rows):
            stop = start + chunk_rows
            yield Rows(
                {name: values[start:stop] for name, values in self.cells.items()},
                self.lines[start:stop],
                lambda row, start=start: self.text(start + row),  # type: ignore[misc]  # a default argument, not a gap
                [] if start else self.rejects,
            )

    def read(
        self, columns: Mapping[str, str], readers: Mapping[str, Callable[[Cells, str], Column]]
    ) -> tuple[dict[str, pl.Series], dict[int, str]]:
        """Reads the column of every target in `readers` that `columns` (target -> column) names.

        Gives the values by target, and by row position the first problem, in the order of `readers`.
        """
        values: dict[str, pl.Series] = {}
        problems: dict[int, str] = {}
        for target, reader in readers.items():
            if target in columns:
                read = reader(self.cells[columns[target]], target)
                values[target] = read.values
                problems = read.problems | problems
        return values, problems

    def rejected(self, file: str, problems: Mapping[int, str]) -> list[Reject]:
        """The rejects of this stretch and those for `problems` (row position -> reason), in the order of the file."""
        found = [Reject(file, int(self.lines[row]), reason, cut(self.text(row))) for row, reason in problems.items()]
        return sorted(self.rejects + found, key=lambda one: one.line)


def shown_bytes(data: bytes) -> str:
    """As much of `data` as a reject shows, whatever its encoding."""
    text = data[: 4 * MAX_ROW_CHARACTERS + 4].decode("utf-8", errors="replace").rstrip("\n")
    return cut(text)
