"""Where one sitting ends and the next begins."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SessionSettings:
    """When silence ends a sitting.

    `gap_seconds`: half an hour without a new listen, the cut of the 30Music data and of web analytics at large.
    """

    SECTION: ClassVar[str] = "sessions"
    gap_seconds: float = 1_800.0

    def __post_init__(self) -> None:
        if not self.gap_seconds > 0.0:
            raise ValueError(f"gap_seconds = {self.gap_seconds} must be above 0")


DEFAULT_SESSIONS = SessionSettings()


def cut_sessions(
    user: NDArray[np.int32], timestamp: NDArray[np.float64], settings: SessionSettings = DEFAULT_SESSIONS
) -> NDArray[np.int64]:
    """(n,) a number for each listen: equal within one listener's sitting, distinct between sittings and listeners.

    `timestamp` is in unix seconds, ascending: home time would close the silence of a pause (core/clock.py). A
    sitting ends where the same listener's next listen begins more than `gap_seconds` later; exactly that long
    still belongs to it. The numbers are 0, 1, 2, ... without holes; none for no listens.
    """
    order = np.argsort(user, kind="stable")
    by_user, by_time = user[order], timestamp[order]
    starts = np.zeros(len(user), np.int64)
    starts[1:] = (by_user[1:] != by_user[:-1]) | (np.diff(by_time) > settings.gap_seconds)
    sessions = np.empty(len(user), np.int64)
    sessions[order] = np.cumsum(starts)
    return sessions


def sessions_of(
    user: NDArray[np.int32],
    timestamp: NDArray[np.float64],
    given: NDArray[np.int64],
    settings: SessionSettings = DEFAULT_SESSIONS,
) -> NDArray[np.int64]:
    """(n,) the session of each listen: `given` where it is not 0, else cut at pauses among the listens without one.

    Given sessions are negative (listening/log.py), so they never meet a cut one.
    """
    open_rows = np.flatnonzero(given == 0)
    sessions = given.copy()
    sessions[open_rows] = cut_sessions(user[open_rows], timestamp[open_rows], settings)
    return sessions
