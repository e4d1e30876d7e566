"""What a request asks, once the listener is known."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from palate.embeddings.records import UserRecord


def _nothing() -> NDArray[np.int32]:
    return np.zeros(0, np.int32)


@dataclass(frozen=True)
class Query:
    """record: what the listener did (empty for a stranger); taste # (dim,) float32; now: home seconds.

    seeds # (s,) int32 catalogue rows to start from, most important first
    exclude # (e,) int32 rows that must not come back
    offset  up to where in the log the record holds each listen of theirs; None when nobody asks
    """

    record: UserRecord
    taste: NDArray[np.float32]
    now: float
    seeds: NDArray[np.int32] = field(default_factory=_nothing)
    exclude: NDArray[np.int32] = field(default_factory=_nothing)
    offset: int | None = None

    @property
    def stranger(self) -> bool:
        """True when nothing is known of the listener."""
        return len(self.record.items) == 0

    @property
    def taste_age_seconds(self) -> float | None:
        """The time since the latest listen in the taste, in home time; None for a stranger's."""
        return None if self.stranger else max(self.now - self.record.at, 0.0)
