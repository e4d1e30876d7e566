"""What folding and serving ask of a log: appending, how far it goes, the next listens that some partitions lack."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import Calendar
from palate.core.listens import Listens


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


@dataclass(frozen=True)
class Appended:
    """What one `append` did.

    first_offset, last_offset  # of the accepted listens; both the log's end for none
    offsets                    # (n,) int64, one for each listen that was sent; 0 for a duplicate, -1 for one left out
    left_out                   # listens of deleted users (listening/deleted.py), which leave no trace
    """

    first_offset: int
    last_offset: int
    accepted: int
    duplicates: int
    offsets: NDArray[np.int64]
    left_out: int = 0


class EventLog(Protocol):
    """A log as folding and serving see it: ListeningLog in one file, RedisLog in streams.

    sequences  how many sequences of offsets there are: two offsets can be compared when they are equal modulo this
    """

    sequences: int

    def append(self, listens: Listens) -> Appended:
        """Adds the listens that the log does not hold yet; when it returns they are on disk."""
        ...

    def end_offset(self) -> int:
        """How many listens were ever accepted."""
        ...

    def lacking(self, offsets: Sequence[int]) -> int:
        """How many listens lie beyond `offsets`, one for each partition."""
        ...

    def calendar(self) -> Calendar:
        """The home's pauses."""
        ...

    def listens_of(self, user_id: str) -> Iterator[LogBatch]:
        """One listener's listens."""
        ...

    def erase(self, user_ids: Sequence[str]) -> dict[str, int]:
        """Removes every listen of these listeners; gives how many each had."""
        ...

    def shred(self) -> None:
        """Takes what was erased off this machine's disk."""
        ...

    def close(self) -> None:
        """Gives everything back."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

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
