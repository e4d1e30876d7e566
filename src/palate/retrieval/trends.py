"""What everybody hears: plays of each item in the last days, as of one moment."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import read_arrays, write_arrays
from palate.core.clock import DAY_SECONDS
from palate.listening.history import History


@dataclass(frozen=True)
class Trends:
    """By catalogue row; what was heard (skips left out) strictly before `moment`.

    moment      # () float64 home seconds
    week        # (items,) int32 plays in the last 7 days
    month       # (items,) int32 plays in the last 28 days
    ever        # (items,) int32 plays
    first_heard # (items,) float64 home seconds, +inf for never
    """

    moment: NDArray[np.float64]
    week: NDArray[np.int32]
    month: NDArray[np.int32]
    ever: NDArray[np.int32]
    first_heard: NDArray[np.float64]

    @classmethod
    def at(cls, history: History, moment: float) -> "Trends":
        """Counts what `history` holds before `moment`."""
        heard = history.until(moment).heard()

        def plays(days: float) -> NDArray[np.int32]:
            recent = heard.between(moment - days * DAY_SECONDS, moment)
            return np.bincount(recent.item, minlength=history.n_items).astype(np.int32)

        first = np.full(history.n_items, np.inf)
        np.minimum.at(first, heard.item, heard.timestamp)
        ever = np.bincount(heard.item, minlength=history.n_items).astype(np.int32)
        return cls(np.array(moment), plays(7.0), plays(28.0), ever, first)

    def save(self, path: Path) -> None:
        write_arrays(path, **{name: getattr(self, name) for name in self.__dataclass_fields__})

    @classmethod
    def load(cls, path: Path) -> "Trends":
        return cls(**read_arrays(path))
