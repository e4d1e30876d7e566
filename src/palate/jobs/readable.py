"""One version as a team downstream reads it: a vector for each item, and a taste for each listener at a moment."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.embeddings.bulk import build_records
from palate.embeddings.encoder import Encoder
from palate.embeddings.items import recent_popularity
from palate.embeddings.space import Space
from palate.listening.history import History

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Readable:
    """The models of one version, as they are.

    label        what the version is called
    item_vectors # (items, dim) float32, what a taste is multiplied with; the last coordinate is popularity
    listened     # (items, dim) float32, what records add up
    encoder      from a record to a taste of dim
    moment       the end of what it has learnt from, home seconds
    popularity_half_life_days of the last coordinate
    """

    label: str
    item_vectors: Vectors
    listened: Vectors
    encoder: Encoder
    moment: float
    popularity_half_life_days: float = 7.0

    @classmethod
    def of(cls, space: Space) -> "Readable":
        """A published version; Corrupt when a file of it cannot be read."""
        vectors, listened = np.array(space.item_vectors), np.array(space.listened)
        half_life_days = float(space.manifest["settings"]["items"]["popularity_half_life_days"])
        return cls(space.label, vectors, listened, space.encoder, float(space.manifest["moment"]), half_life_days)

    @property
    def dim(self) -> int:
        return int(self.item_vectors.shape[1])

    def tastes(self, known: History, kinds: NDArray[np.uint8], users: NDArray[np.int32]) -> Vectors:
        """(q, dim) float32, the taste of each of `users` as of the end of `known`; zeros where nothing is known."""
        wanted = np.zeros(len(known.users), np.bool_)
        wanted[users] = True
        mine = known.take(wanted[known.user] & (known.item < len(self.item_vectors)))
        place = np.full(len(known.users), -1)
        place[users] = np.arange(len(users))
        out = np.zeros((len(users), self.dim), np.float32)
        found = list(build_records(mine, self.listened, kinds))
        if found:
            out[place[[user for user, _ in found]]] = self.encoder.encode([record for _, record in found])
        return out

    def scoring(self, known: History) -> Vectors:
        """(items, dim) the item vectors with the popularity of the end of `known`, as a server would have them then."""
        out = self.item_vectors.copy()
        rows = known.take(known.item < len(out))
        out[:, -1] = recent_popularity(rows, self.popularity_half_life_days)[: len(out)]
        return out

    @property
    def habits(self) -> int:
        """How many coordinates before the last tell habits."""
        return len(self.encoder.habits)


def narrowed(vectors: Vectors, dim: int, habits: int = 0) -> Vectors:
    """(n, dim) what a head made for `dim` reads of wider vectors: the first of them, and the last, which is popularity.

    habits: as many more from the end, where both versions have them
    BadInput for vectors that are narrower than the head was made for.
    """
    width = vectors.shape[1]
    if width < dim:
        raise BadInput(f"heads made for {dim} dimensions cannot read vectors of {width}; train with {dim} or more")
    return (
        vectors
        if width == dim
        else np.ascontiguousarray(vectors[:, [*range(dim - 1 - habits), *range(width - 1 - habits, width)]])
    )
