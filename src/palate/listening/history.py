"""The log as arrays in time order: what every model, feature and test reads."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.listens import Event


@dataclass(frozen=True)
class History:
    """Every listen up to a moment, one row each, ascending by (timestamp, offset).

    user             # (n,) int32, rows of `users`
    item             # (n,) int32, rows of the catalogue
    timestamp        # (n,) float64, home seconds (core/clock.py)
    event            # (n,) uint8, core.listens.Event
    seconds_played   # (n,) float32, NaN where unknown
    duration_seconds # (n,) float32, NaN where unknown
    session          # (n,) int64, equal within one listener's sitting, distinct between listeners
    users            # ids by user row
    n_items          # rows of the catalogue, heard or not
    """

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    timestamp: NDArray[np.float64]
    event: NDArray[np.uint8]
    seconds_played: NDArray[np.float32]
    duration_seconds: NDArray[np.float32]
    session: NDArray[np.int64]
    users: list[str]
    n_items: int

    def __len__(self) -> int:
        return len(self.user)

    @property
    def end(self) -> float:
        """Just after the last listen, in home seconds; 0.0 when there is none."""
        return float(self.timestamp[-1]) + 1.0 if len(self) else 0.0

    def take(self, rows: slice | NDArray[Any]) -> "History":
        """The listens at `rows` (a slice, a mask or ascending positions); users and items keep their numbers."""
        names = ("user", "item", "timestamp", "event", "seconds_played", "duration_seconds", "session")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def until(self, moment: float) -> "History":
        """The listens strictly before `moment`: what was known then."""
        return self.take(slice(0, int(np.searchsorted(self.timestamp, moment, side="left"))))

    def between(self, start: float, end: float) -> "History":
        """The listens with start <= timestamp < end."""
        first, last = np.searchsorted(self.timestamp, (start, end), side="left")
        return self.take(slice(int(first), int(last)))

    def heard(self) -> "History":
        """Only what was listened to (plays that were no skips): the positives of every model and metric."""
        return self.take(np.flatnonzero(~self.skipped() & (self.event == Event.PLAY)))

    def skipped(self) -> NDArray[np.bool_]:
        """(n,) True where the listener left early by choice; see `skip_rule`."""
        return skips(self.event, self.seconds_played, self.duration_seconds)


SKIP_SECONDS = 30.0  # under half a minute is what the industry does not count as a stream
SKIP_SHARE = 0.5  # unless that was at least half of something short


def skips(
    event: NDArray[np.uint8], seconds_played: NDArray[np.float32], duration_seconds: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """(n,) True for events called a skip and for plays that `skip_rule` finds too short."""
    skipped: NDArray[np.bool_] = (event == Event.SKIP) | (
        (event == Event.PLAY) & skip_rule(seconds_played, duration_seconds)
    )
    return skipped


def skip_rule(seconds_played: NDArray[np.float32], duration_seconds: NDArray[np.float32]) -> NDArray[np.bool_]:
    """True where a play of known length ended within SKIP_SECONDS and before SKIP_SHARE of the item.

    An unknown `seconds_played` is never a skip; an unknown duration counts as long.
    """
    with np.errstate(invalid="ignore"):
        long_enough: NDArray[np.bool_] = seconds_played >= SKIP_SHARE * duration_seconds
        early: NDArray[np.bool_] = seconds_played < SKIP_SECONDS
    return early & ~long_enough
