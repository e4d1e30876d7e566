"""How much, when and how somebody listens: what a record keeps of it, and the coordinates of a taste that say it.

What was heard is in the factors of a taste. These coordinates stand beside them, and every item has zeros there, so
they cost no dot product and change no order; they are for whoever reads a taste as a vector. Each is one number times
a fixed scale: nothing is learnt, so a coordinate means the same in every version. Source: ours, decision 11.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.items import KINDS, Kind

Floats = NDArray[np.float64]

# The numbers that a record keeps for this, seen from its `at`. All but the first fade with the longest half-life.
SUMS = ("plays_ever", "skips", "choices", "clock_cos", "clock_sin")
EVER, SKIPS, CHOICES, CLOCK_COS, CLOCK_SIN = range(len(SUMS))


@dataclass(frozen=True)
class Habit:
    """One coordinate. `scale` is what a unit of `about` is multiplied with (docs/rooms/embeddings.md: why so)."""

    name: str
    about: str
    scale: float


HABITS = (
    Habit("plays_week", "log(1 + plays faded with 7 days), seen from the latest event", 1.2),
    Habit("plays_month", "log(1 + plays faded with 28 days), seen from the latest event", 1.2),
    Habit("plays_half_year", "log(1 + plays faded with 182 days), seen from the latest event", 1.2),
    Habit("plays_ever", "log(1 + plays, saves and picks since the first)", 1.2),
    Habit("items_ever", "log(1 + different items heard, saved or skipped)", 1.2),
    Habit("variety", "log of the items of the last 28 days, each counting by its share (inverse Simpson index)", 1.2),
    Habit("latest", "days from the space's reference moment to the latest event; negative before it", 1 / 90),
    Habit("first", "days from the space's reference moment to the first event; negative before it", 1 / 90),
    Habit("skips", "skips as a share of plays and skips, 182 days", 4.0),
    Habit("choices", "saves, additions to playlists and picks as a share of what counts, 182 days", 4.0),
    Habit("clock_cos", "mean of cos(hour of the play, UTC), 182 days: 1 at midnight, -1 at noon", 2.0),
    Habit("clock_sin", "mean of sin(hour of the play, UTC), 182 days: 1 at 6 h, -1 at 18 h", 2.0),
    Habit("episodes", "podcast episodes as a share of plays, 182 days", 4.0),
    Habit("audiobooks", "audiobooks as a share of plays, 182 days", 4.0),
)
NAMES = tuple(habit.name for habit in HABITS)
SCALES = np.array([habit.scale for habit in HABITS], np.float32)
LEAST_DIM = 64  # of a narrower vector the habits would take a quarter and more
RADIANS_A_SECOND = 2.0 * math.pi / DAY_SECONDS
ONE_MORE = 1.0  # an event that tells nothing: who has heard one item is no night owl yet
WEEK, MONTH, HALF_YEAR = range(3)


def habit_count(dim: int) -> int:
    """How many of `dim` coordinates a newly trained space gives to habits."""
    return len(HABITS) if dim >= LEAST_DIM else 0


def sums_of(
    timestamps: Floats, weights: Floats, skipped: NDArray[np.bool_], heard: NDArray[np.bool_], fade: Floats
) -> Floats:
    """(n, SUMS) what each of n events adds to a record's sums; all arguments # (n,).

    timestamps in home seconds; weights of the events, 0 for a skip; heard: a play, no skip and no choice; fade:
    2^(-age / longest half-life)
    """
    out, share = np.zeros((len(fade), len(SUMS))), weights * fade
    angle = (timestamps % DAY_SECONDS) * RADIANS_A_SECOND
    out[:, EVER] = ~skipped
    out[:, SKIPS] = skipped * fade
    out[:, CHOICES] = (~skipped & ~heard) * share
    out[:, CLOCK_COS] = np.cos(angle) * heard * share
    out[:, CLOCK_SIN] = np.sin(angle) * heard * share
    return out


def sums_of_one(timestamp: float, weight: float, skipped: bool, heard: bool, fade: float) -> Floats:
    """(SUMS,) the same of one event: numpy takes ten times as long for one as math does."""
    if skipped:
        return np.array([0.0, fade, 0.0, 0.0, 0.0])
    share, angle = weight * fade, (timestamp % DAY_SECONDS) * RADIANS_A_SECOND
    if not heard:
        return np.array([1.0, 0.0, share, 0.0, 0.0])
    return np.array([1.0, 0.0, 0.0, math.cos(angle) * share, math.sin(angle) * share])


def faded(fade: float) -> Floats:
    """(SUMS,) what the sums are multiplied with when the longest window fades by `fade`."""
    return np.array([1.0, fade, fade, fade, fade])


@dataclass(frozen=True)
class Told:
    """What is read of q records: counts # (q, half-lives, kinds); the rest # (q,), `sums` # (q, SUMS).

    squares: sum over items of the square of their 28-day plays; items: how many; at, first: home seconds, infinite for
    an empty record
    """

    counts: Floats
    sums: Floats
    squares: Floats
    items: Floats
    at: Floats
    first: Floats


def coordinates(told: Told, reference: float) -> NDArray[np.float32]:
    """(q, HABITS) float32, before the scales; zeros for an empty record. reference: home seconds."""
    counts = np.maximum(told.counts.sum(axis=2), 0.0)
    sums, plays = told.sums, counts[:, HALF_YEAR]
    heard = np.maximum(plays - sums[:, CHOICES], 0.0) + ONE_MORE
    month, known = counts[:, MONTH], np.isfinite(told.at)
    mixed = (month > 1e-9) & (told.squares > 1e-18)
    even = np.divide(month**2, told.squares, out=np.ones_like(month), where=mixed)
    days = [np.where(known, moment - reference, 0.0) / DAY_SECONDS for moment in (told.at, told.first)]
    kinds = [told.counts[:, HALF_YEAR, KINDS.index(kind)] for kind in (Kind.EPISODE, Kind.AUDIOBOOK)]
    columns = [
        *np.log1p(counts.T), np.log1p(np.maximum(sums[:, EVER], 0.0)), np.log1p(told.items),
        np.log(np.maximum(even, 1.0)), *days,
        sums[:, SKIPS] / (sums[:, SKIPS] + plays + ONE_MORE), sums[:, CHOICES] / (plays + ONE_MORE),
        sums[:, CLOCK_COS] / heard, sums[:, CLOCK_SIN] / heard,
        *(kind / (plays + ONE_MORE) for kind in kinds),
    ]  # fmt: skip
    return np.stack(columns, axis=1).astype(np.float32)
