"""How sure a number is: the bootstrap over listeners.

A listener who appears in several windows is one observation, not several: their rows are alike. So listeners are drawn
with replacement and bring all their rows with them (cluster bootstrap; Davison and Hinkley, "Bootstrap Methods and
their Application", 1997, section 3.8). The interval holds the middle 95% of the redrawn values (percentile method).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95
BLOCK_CELLS = 4_000_000  # drawn counts held at once: 32 MB


@dataclass(frozen=True)
class Interval:
    """A value and the bounds that hold CONFIDENCE of its redrawn values."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether a difference with this interval is more than noise."""
        return self.low > 0.0 or self.high < 0.0


def intervals(values: ArrayLike, users: ArrayLike, windows: ArrayLike, draws: int, seed: int) -> list[Interval]:
    """One interval per column of `values`; every column meets the same draws.

    values  # (r, m) float, one row per (listener, window)
    users   # (r,) who; the rows of one listener are drawn together
    windows # (r,) which window

    The value is the mean over windows of the mean over that window's listeners, so that a window with many listeners
    does not outvote the others. In a draw that leaves a window without listeners, that window does not count.
    A NaN is a row that does not count in its column; without any other everything is NaN. Costs O(draws x listeners)
    for all columns without a NaN together, and as much for each column with one.
    """
    columns, users, windows = np.asarray(values, np.float64), np.asarray(users), np.asarray(windows)
    found = [Interval(np.nan, np.nan, np.nan)] * columns.shape[1]
    counted = ~np.isnan(columns)
    whole = np.flatnonzero(counted.all(axis=0))
    groups = [(whole, np.ones(len(columns), np.bool_))] if len(whole) else []
    groups += [(np.array([one]), counted[:, one]) for one in np.flatnonzero(~counted.all(axis=0))]
    for group, rows in groups:
        if rows.any():
            part = _intervals(columns[np.ix_(rows, group)], users[rows], windows[rows], draws, seed)
            for place, one in zip(group.tolist(), part, strict=True):
                found[place] = one
    return found


def _intervals(
    columns: NDArray[np.float64],
    users: NDArray[np.generic],
    windows: NDArray[np.generic],
    draws: int,
    seed: int,
) -> list[Interval]:
    """`intervals` of columns without a NaN, and with a row."""
    sums, rows = _by_user(columns, users, windows)
    n_users = len(rows)
    rng = np.random.default_rng(seed)
    block = max(1, BLOCK_CELLS // n_users)
    redrawn = np.concatenate(
        [
            _mean_of_windows(_drawn(rng, min(block, draws - done), n_users), sums, rows)
            for done in range(0, draws, block)
        ]
    )
    low, high = np.quantile(redrawn, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2), axis=0)
    value = _mean_of_windows(np.ones((1, n_users)), sums, rows)[0]
    return [Interval(*(float(x) for x in column)) for column in zip(value, low, high, strict=True)]


def _drawn(rng: np.random.Generator, draws: int, n: int) -> NDArray[np.int64]:
    """(draws, n) how often each of n was drawn in n draws with replacement; 3.5 times as fast as a multinomial."""
    chosen = rng.integers(0, n, (draws, n)) + np.arange(draws)[:, None] * n
    return np.bincount(chosen.ravel(), minlength=draws * n).reshape(draws, n)


def paired_difference(
    ours: ArrayLike, theirs: ArrayLike, users: ArrayLike, windows: ArrayLike, draws: int, seed: int
) -> Interval:
    """The interval of ours minus theirs over the same rows, each (r,) float.

    Much narrower than two separate intervals suggest: an easy listener is easy for both, and cancels.
    """
    difference = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    return intervals(difference[:, None], users, windows, draws, seed)[0]


def _by_user(
    columns: NDArray[np.float64], users: NDArray[np.generic], windows: NDArray[np.generic]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums (listeners, windows, m) and row counts (listeners, windows)."""
    user_ids, user = np.unique(users, return_inverse=True)
    window_ids, window = np.unique(windows, return_inverse=True)
    shape = (len(user_ids), len(window_ids))
    cell, cells = user * shape[1] + window, shape[0] * shape[1]
    sums = np.stack([np.bincount(cell, column, cells) for column in columns.T], axis=-1)
    rows = np.bincount(cell, minlength=cells).reshape(shape).astype(np.float64)
    return np.asarray(sums.reshape(*shape, -1), np.float64), rows


def _mean_of_windows(
    counts: NDArray[np.number], sums: NDArray[np.float64], rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(draws, listeners) counts of how often each was drawn -> (draws, m) values."""
    weights = counts.astype(np.float64)
    drawn = weights @ rows  # (draws, windows)
    totals = (weights @ sums.reshape(len(sums), -1)).reshape(len(weights), rows.shape[1], -1)
    means = totals / np.maximum(drawn, 1.0)[:, :, None]  # an empty window sums to 0 and is left out of the divisor
    return np.asarray(means.sum(axis=1) / (drawn > 0).sum(axis=1)[:, None], np.float64)
