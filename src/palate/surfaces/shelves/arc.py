"""The arc of a set: from the energy where the listener is, up, and down again; and its cuts into blocks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PEAK_AT = 0.6  # of the way
HIGH, LOW = 0.85, 0.25  # quantiles of what could be played: where the arc peaks and where it ends
LIKED = 0.5  # what the first rank is worth, in energy, against the last: half of the whole range
SAME_ARTIST = 0.5  # what it costs to play an artist who has just been played
JUST = 3  # tracks
BLOCK, LONGEST = 4, 5


def arc(start: float, energies: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """(n,) the energy wanted at each place. energies # (m,) from 0 to 1, NaN unknown; all NaN gives all NaN.

    The peak is not below the start, nor the end above it.
    """
    known = energies[~np.isnan(energies)]
    if not len(known):
        return np.full(n, np.nan)
    begin = float(np.median(known)) if np.isnan(start) else start
    peak, end = max(float(np.quantile(known, HIGH)), begin), min(float(np.quantile(known, LOW)), begin)
    return np.interp(np.linspace(0.0, 1.0, n), [0.0, PEAK_AT, 1.0], [begin, peak, end])


def along(wanted: NDArray[np.float64], energies: NDArray[np.float64], artists: NDArray[np.int32]) -> list[int]:
    """Positions for each place of the arc, of candidates that stand in the order in which they are liked.

    Greedy: the distance from the energy wanted against the rank, and no artist of the last tracks while there are
    others. Unknown energy is as far as the mean distance is. Fewer places when there are fewer candidates.
    """
    rank = LIKED * np.arange(len(energies)) / max(len(energies), 1)
    free = np.ones(len(energies), np.bool_)
    chosen: list[int] = []
    for want in wanted[: len(energies)].tolist():
        far = np.abs(energies - want)
        known = ~np.isnan(far)
        far = np.where(known, far, far[known].mean() if known.any() else 0.0)
        just = [artists[place] for place in chosen[-JUST:] if artists[place] >= 0]
        cost = far + rank + SAME_ARTIST * np.isin(artists, just)
        chosen.append(int(np.argmin(np.where(free, cost, np.inf))))
        free[chosen[-1]] = False
    return chosen


def blocks(n: int) -> list[int]:
    """Sizes from 3 to 5 that add up to n; one block below 3.

    >>> [blocks(n) for n in (0, 2, 6, 7, 9, 20)]
    [[], [2], [3, 3], [4, 3], [5, 4], [4, 4, 4, 4, 4]]
    """
    if n < 3:
        return [n] if n else []
    count = max(round(n / BLOCK), -(-n // LONGEST))
    return [n // count + (place < n % count) for place in range(count)]


def mean_energy(energies: Sequence[float]) -> float:
    """The mean of what is known, NaN when nothing is."""
    known = [one for one in energies if not np.isnan(one)]
    return float(np.mean(known)) if known else float("nan")
