"""Small spaces with a known content."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.embeddings.inputs import Inputs
from palate.listening.history import History
from palate.sources.world import Truth

Users = NDArray[np.int32]
Told = Callable[[History, Users, float], NDArray[Any]]  # known, users, moment -> (q, d)


@dataclass(frozen=True)
class FittedSpace:
    told: Told
    known: History
    at: NDArray[np.float64]
    seen: list[tuple[str, float, float]]

    def recommend(self, users: Users, n: int, exclude_heard: bool, only: object = None) -> NDArray[np.int32]:
        return np.full((len(users), n), -1, np.int32)

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "FittedSpace":
        self.seen.append(("refreshed", known.end, float(at[0])))
        return FittedSpace(self.told, known, at, self.seen)

    def vectors(self, users: Users) -> NDArray[np.float32]:
        return np.asarray(self.told(self.known, users, float(self.at[0])), np.float32)


@dataclass(frozen=True)
class Space:
    """A space that says `told`, and remembers what it was shown: (call, end of what was known, moment)."""

    told: Told
    name: str = "space"
    seen: list[tuple[str, float, float]] = field(default_factory=list)

    def fit(self, known: Inputs, at: float) -> FittedSpace:
        self.seen.append(("fit", known.history.end, at))
        return FittedSpace(self.told, known.history, np.full(len(known.history.users), at), self.seen)


def random_space(seed: int, width: int = 8) -> Space:
    """A vector for each listener that has nothing to do with them, the same at every moment."""

    def told(known: History, users: Users, at: float) -> NDArray[Any]:
        return np.random.default_rng(seed).standard_normal((len(known.users), width))[users]

    return Space(told, f"random {seed}")


def counts_space(width: int = 64) -> Space:
    """How often each of the first items was played."""

    def told(known: History, users: Users, at: float) -> NDArray[Any]:
        heard = known.heard()
        counts = np.zeros((len(known.users), max(known.n_items, width)))
        np.add.at(counts, (heard.user, heard.item), 1.0)
        return counts[users, :width]

    return Space(told, "counts")


def activity_space() -> Space:
    """How much was played in the last four weeks, and in all: nothing about taste."""

    def told(known: History, users: Users, at: float) -> NDArray[Any]:
        heard = known.heard()
        lately = heard.between(at - 28 * DAY_SECONDS, at)
        counts = [np.bincount(part.user, minlength=len(known.users))[users] for part in (lately, heard)]
        return np.log1p(np.stack(counts, axis=1))

    return Space(told, "activity")


def taste_space(truth: Truth) -> Space:
    """The planted taste."""

    def told(known: History, users: Users, at: float) -> NDArray[Any]:
        return truth.taste_at(users.astype(np.int64), np.full(len(users), at))

    return Space(told, "planted taste")
