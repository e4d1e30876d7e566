"""What a request asks, once the listener is known."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.embeddings.records import UserRecord


def _nothing() -> NDArray[np.int32]:
    return np.zeros(0, np.int32)


@dataclass(frozen=True)
class Steer:
    """How a listener wants one answer to lean.

    adventure  from -1, play it safe, to 1, surprise me; 0 is as it comes
    energy     from 0, calm, to 1, lively; None is as it comes
    """

    adventure: float = 0.0
    energy: float | None = None

    def __post_init__(self) -> None:
        if not -1.0 <= self.adventure <= 1.0:
            raise BadInput(f"adventure = {self.adventure} must be from -1 (play it safe) to 1 (surprise me)")
        if self.energy is not None and not 0.0 <= self.energy <= 1.0:
            raise BadInput(f"energy = {self.energy} must be from 0 (calm) to 1 (lively)")


@dataclass(frozen=True)
class Aired:
    """What the listener was shown lately, before this sitting.

    items # (a,) int32 catalogue rows, ascending
    times # (a,) int32, on how many home days each was shown
    last  # (a,) float64 home seconds, when each was shown last
    """

    items: NDArray[np.int32]
    times: NDArray[np.int32]
    last: NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """What may be offered to a listener at all, by the home's settings and what the listener told.

    explicit   whether explicit items may
    languages  # (l,) int32 codes of the languages that may; items of unknown language may too. None for all
    """

    explicit: bool = True
    languages: NDArray[np.int32] | None = None


@dataclass(frozen=True)
class Query:
    """record: what the listener did (empty for a stranger); taste # (dim,) float32; now: home seconds.

    seeds # (s,) int32 catalogue rows to start from, most important first
    exclude # (e,) int32 rows that must not come back
    only    # (items,) bool, what may be offered at all; None for everything
    steer   how this answer shall lean
    country of the listener, where it is told
    aired   what they were shown before; None where nothing is kept of it
    limits  what may be offered to them at all
    listener  their id, so that what is drawn by chance is their own; None where nobody in particular asks
    offset  up to where in the log the record holds each listen of theirs; None when nobody asks
    """

    record: UserRecord
    taste: NDArray[np.float32]
    now: float
    seeds: NDArray[np.int32] = field(default_factory=_nothing)
    exclude: NDArray[np.int32] = field(default_factory=_nothing)
    only: NDArray[np.bool_] | None = None
    steer: Steer = field(default_factory=Steer)
    country: str | None = None
    aired: Aired | None = None
    limits: Limits = field(default_factory=Limits)
    listener: str | None = None
    offset: int | None = None

    @property
    def stranger(self) -> bool:
        """True when nothing is known of the listener."""
        return len(self.record.items) == 0

    @property
    def taste_age_seconds(self) -> float | None:
        """The time since the latest listen in the taste, in home time; None for a stranger's."""
        return None if self.stranger else max(self.now - self.record.at, 0.0)
