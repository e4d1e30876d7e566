"""Raw counts in a vector of fixed length: what a team without a foundation model would begin with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.profiles import Fading
from palate.evaluation.baselines.scored import Scored, Scores, positive


@dataclass(frozen=True)
class Counts:
    """How often each item was played, the items hashed into `dim` places with a sign.

    The hashing trick (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009): dot products stay
    right on average, and rare items have a place too, which the `dim` most played ones alone would not give them. As a
    recommender it gives the listener's own items, most played first.
    """

    dim: int = 512

    @property
    def name(self) -> str:
        return "counts"

    def fit(self, known: Inputs, at: float) -> "Counted":
        items = Hashed(hashing(known.history.n_items, self.dim))
        return Counted.seeing(known.history, at, items, Fading(None, every_play=True))


@dataclass(frozen=True)
class Hashed:
    """The item side: places # (n_items, dim) sparse, one of +1 or -1 in each row."""

    places: sparse.csr_array

    def scores(self, profiles: sparse.csr_array) -> Scores:
        return positive(profiles.toarray())


@dataclass(frozen=True)
class Counted(Scored):
    """A `Scored` that also `Embeds`."""

    items: Hashed

    def vectors(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """See `Embeds.vectors`."""
        return np.asarray((self.profiles[users] @ self.items.places).toarray(), np.float32)


def hashing(n_items: int, dim: int) -> sparse.csr_array:
    """(n_items, dim): a place and a sign for each item row, the same on every machine and for every number of items."""
    row = np.arange(n_items, dtype=np.uint64)
    mixed = (row + np.uint64(1)) * np.uint64(
        0x9E3779B97F4A7C15
    )  # Fibonacci hashing (Knuth 6.4); the high bits are good
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    place, sign = (mixed >> np.uint64(33)) % np.uint64(dim), np.where(mixed >> np.uint64(63), 1.0, -1.0)
    entries = (sign, (row.astype(np.int64), place.astype(np.int64)))
    return sparse.csr_array(sparse.coo_array(entries, shape=(n_items, dim)))
