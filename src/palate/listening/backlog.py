"""What folding asks of a log: how far it goes, and the next listens that some partitions of the listeners lack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LogBatch:
    """Some listens of the log, ascending by offset; every column has the same length n.

    offsets   # (n,) int64
    timestamp # (n,) float64, true unix seconds
    session   # (n,) int64, negative where the source named one, else 0
    The other columns are those of core.listens.Listens; the optional ones are None when no row has a value.
    """

    offsets: NDArray[np.int64]
    user_id: list[str]
    item_id: list[str]
    timestamp: NDArray[np.float64]
    event: NDArray[np.uint8]
    seconds_played: NDArray[np.float32]
    duration_seconds: NDArray[np.float32]
    session: NDArray[np.int64]
    surface: list[str | None] | None
    context_id: list[str | None] | None
    position_seconds: list[float | None] | None = None
    end_reason: list[str | None] | None = None

    def __len__(self) -> int:
        return len(self.offsets)

    def take(self, rows: NDArray[np.intp] | slice) -> "LogBatch":
        """The listens at `rows`, in their order."""
        positions = range(*rows.indices(len(self))) if isinstance(rows, slice) else rows.tolist()
        columns: dict[str, Any] = {}
        for one in fields(self):
            values = getattr(self, one.name)
            columns[one.name] = values[rows] if isinstance(values, np.ndarray) else _picked(values, positions)
        return LogBatch(**columns)


@dataclass(frozen=True)
class Unread:
    """The next listens that some partitions lack.

    batch those listens, of listeners of these partitions only; may be empty
    upto  by partition, the offset that its records contain once these are in them
    """

    batch: LogBatch
    upto: Mapping[int, int]


class EventLog(Protocol):
    """A log as folding sees it. ListeningLog is one, in one file; offsets of its partitions are one sequence."""

    def ends(self) -> tuple[int, ...]:
        """(PARTITIONS,) the offset of the last listen that each partition may have to read."""
        ...

    def unread(self, after: Mapping[int, int], most: int) -> Unread | None:
        """Listens beyond the offset `after` says of each partition; None when there are none and `upto` would not move.

        most  how many listens to look at, about
        """
        ...


def _picked(values: Sequence[Any] | None, positions: Sequence[int]) -> list[Any] | None:
    return None if values is None else [values[position] for position in positions]
