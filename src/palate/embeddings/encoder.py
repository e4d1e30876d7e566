"""From a user record to a taste: one matrix product, learnt so that it answers like an exact fold-in would.

The best single vector per listener we measured against is iALS with the listener folded in exactly, which needs the
listener's whole history and a d x d solve for each listen. This encoder comes near it from the record alone, however
long the history: a ridge regression from the record's sums to the folded-in vector (30Music, NDCG@100: 2% lower on
*next*, 7% on *discover*). Source: ours, see docs/decisions/0005; iALS and its fold-in: Rendle et al., arXiv 2110.14037.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from palate.core import recording
from palate.core.artefacts import read_arrays, write_arrays
from palate.core.settings import Range
from palate.embeddings.records import HALF_LIVES_DAYS, UserRecord


@dataclass(frozen=True)
class UserSettings:
    """How a listener's vector is learnt from the record ([users] in palate.toml).

    The teacher is the item model's exact fold-in (items.py): the same equations, with a confidence and a half-life of
    its own. How much of a taste is what everybody hears now is `popularity_share` in [items].
    """

    SECTION: ClassVar[str] = "users"

    # These three were found by a sweep: 1% better than 1e-4, .5 and 3 on weeks of 30Music that it never saw
    # (docs/rooms/sweeps.md). For each listener; .00001 to .001 score the same.
    ridge: Annotated[float, Range(1e-7, 1e-2, log=True)] = 1e-5
    # a window's sum is divided by its count to this power: 0 a sum, which a heavy listener blows up; 1 a mean, which
    # forgets how much was heard
    count_power: Annotated[float, Range(0.0, 1.0)] = 0.85
    # so many times faster than in the item model do a listener's own listens fade for the teacher: a taste follows the
    # present
    fade_speedup: Annotated[float, Range(0.5, 12.0, log=True)] = 5.0
    # the teacher's confidence in a listen, times that of the item model
    confidence_factor: Annotated[float, Range(0.2, 5.0, log=True)] = 1.0


DEFAULT = UserSettings()


@dataclass(frozen=True)
class Encoder:
    """`weights` # (features, dim) float32; `encode` maps records to tastes. `count_power` as in UserSettings."""

    weights: NDArray[np.float32]
    count_power: float = DEFAULT.count_power

    @property
    def dim(self) -> int:
        return int(self.weights.shape[1])

    def encode(self, records: Sequence[UserRecord]) -> NDArray[np.float32]:
        """(q, dim) float32, one taste a record, in order; a batch equals its members one by one up to rounding.

        An empty record gives the taste of a stranger: the encoder's constant, which is nearly popularity alone (on
        30Music, 94 of the 100 items it puts first are the 100 most popular).
        """
        tastes: NDArray[np.float32] = features(records, self.dim, self.count_power) @ self.weights
        return tastes

    @classmethod
    def plain(cls, dim: int, popularity_share: float) -> "Encoder":
        """What is used when there is nobody to learn from: the middle window's sum, and a fixed share of popularity."""
        weights = np.zeros((len(HALF_LIVES_DAYS) * dim + 1, dim), np.float32)
        weights[dim : 2 * dim - 1, : dim - 1] = np.eye(dim - 1)
        weights[-1, -1] = popularity_share
        return cls(weights)

    def save(self, path: Path) -> None:
        write_arrays(path, weights=self.weights, count_power=np.array(self.count_power))

    @classmethod
    def load(cls, path: Path) -> "Encoder":
        arrays = read_arrays(path)
        return cls(arrays["weights"], float(arrays.get("count_power", 0.5)))  # before 0.2 it was always the root


def features(records: Sequence[UserRecord], dim: int, count_power: float = DEFAULT.count_power) -> NDArray[np.float32]:
    """(q, half-lives * dim + 1) float32: each window's sum over its count to a power, and a constant 1."""
    out = np.zeros((len(records), len(HALF_LIVES_DAYS) * dim + 1), np.float32)
    for row, record in enumerate(records):
        count = record.counts.sum(axis=1, keepdims=True)
        window = record.sums.sum(axis=1) / np.maximum(count, 1e-9) ** count_power
        out[row, :-1] = np.where(count > 1e-9, window, 0.0).ravel()
    out[:, -1] = 1.0
    return out


def fit_encoder(
    batches: Iterable[tuple[Sequence[UserRecord], NDArray[np.float32]]], dim: int, settings: UserSettings = DEFAULT
) -> Encoder:
    """Ridge regression from records to target tastes, in one pass and O(features^2) memory.

    batches: (records, targets (q, dim) float32), as many as there are. With none, the encoder of zeros.
    """
    size = len(HALF_LIVES_DAYS) * dim + 1
    gram, cross, squares, n = np.zeros((size, size)), np.zeros((size, dim)), 0.0, 0
    for records, targets in batches:
        x = features(records, dim, settings.count_power).astype(np.float64)
        gram += x.T @ x
        cross += x.T @ targets
        squares += float((targets.astype(np.float64) ** 2).sum())
        n += len(records)
    ridge = settings.ridge * max(n, 1) * np.eye(size)
    ridge[-1, -1] = 1e-9  # the constant carries the popularity share, which must not shrink
    weights = np.linalg.solve(gram + ridge, cross)
    missed = squares - 2 * (weights * cross).sum() + (weights * (gram @ weights)).sum()  # |x weights - targets|^2
    recording.summarize({"users.taught": n, "users.explained_share": 1.0 - missed / max(squares, 1e-12)})
    return Encoder(weights.astype(np.float32), settings.count_power)
