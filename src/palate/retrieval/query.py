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
    """

    record: UserRecord
    taste: NDArray[np.float32]
    now: float
    seeds: NDArray[np.int32] = field(default_factory=_nothing)
    exclude: NDArray[np.int32] = field(default_factory=_nothing)

    @property
    def stranger(self) -> bool:
        """True when nothing is known of the listener."""
        return len(self.record.items) == 0
