"""What a listener's items say together, solved exactly at request time: the teacher's fold-in, without its library.

A taste is a linear sum, so what it says of one item does not depend on the others. A fold-in solves for the vector
that explains all of them at once (Hu, Koren and Volinsky 2008, equation 4): with the Gram matrix of all items kept, one
small system for each request. It is a feature of the ranker and no vector of the space: it does not leave the request.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import sposv

from palate.core.artefacts import read_arrays, write_arrays
from palate.core.clock import DAY_SECONDS
from palate.core.errors import Corrupt
from palate.embeddings.records import UserRecord, decay

LATEST = 400  # of a listener's items that are solved for: what is older than those has faded


@dataclass(frozen=True)
class FoldIn:
    """The factors of one factorization, and what solving against them needs.

    factors         # (items, k) float16, zeros where nothing is known of an item
    gram            # (k, k) float32, factors' products summed over all items, and the regularization on the diagonal
    confidence      alpha of Hu et al.: how much a fresh listen counts beside an item not heard
    half_life_days  after which an item's latest listen counts half
    """

    factors: NDArray[np.float16]
    gram: NDArray[np.float32]
    confidence: float
    half_life_days: float

    @classmethod
    def of(
        cls, factors: NDArray[np.float32], confidence: float, regularization: float, half_life_days: float
    ) -> "FoldIn":
        """From factors # (items, k) float32 and the settings that they were learnt with.

        The products are of the rounded factors: with those of others a system could have no solution. Items of zeros
        are left out of the sum: those that came later must not change its roundings.
        """
        kept = factors.astype(np.float16)
        rounded = kept[kept.any(axis=1)].astype(np.float32)
        gram = rounded.T @ rounded + regularization * np.eye(factors.shape[1], dtype=np.float32)
        return cls(kept, gram.astype(np.float32), confidence, half_life_days)

    def solved(self, record: UserRecord) -> NDArray[np.float32]:
        """(k,) float32: the vector that explains what was heard best; zeros for who heard nothing.

        Each item counts by its latest event, seen from the record's latest; of more than LATEST items the latest do.
        """
        heard = np.flatnonzero((record.plays > 0) & (record.items < len(self.factors)))
        if len(heard) > LATEST:
            heard = heard[np.argpartition(-record.last[heard], LATEST - 1)[:LATEST]]
        if not len(heard):
            return np.zeros(len(self.gram), np.float32)
        fade = decay(record.at - record.last[heard], self.half_life_days * DAY_SECONDS)
        weight = (self.confidence * fade).astype(np.float32)
        rows = _widened(self.factors[record.items[heard]])
        matrix = self.gram + (rows * (weight - 1.0)[:, None]).T @ rows
        # Cholesky, since the matrix is symmetric and positive definite: a third of the time of np.linalg.solve. LAPACK
        # reads columns, and the transposed matrix is the same one.
        _, found, failed = sposv(matrix.T, weight @ rows, lower=True)
        return np.asarray(np.linalg.solve(matrix, weight @ rows) if failed else found, np.float32).ravel()

    def scores(self, items: NDArray[np.int32], solved: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n,) float32 dot products of `items` (catalogue rows) with what `solved` gave."""
        return np.asarray(_widened(self.factors[items]) @ solved, np.float32)

    def padded(self, n_items: int) -> "FoldIn":
        """With zeros for items that came later."""
        missing = max(n_items - len(self.factors), 0)
        factors = np.concatenate([self.factors, np.zeros((missing, self.factors.shape[1]), np.float16)])
        return FoldIn(factors, self.gram, self.confidence, self.half_life_days)

    def arrays(self) -> dict[str, NDArray[np.float32] | NDArray[np.float16]]:
        """What `of_arrays` reads, by name."""
        settings = np.array([self.confidence, self.half_life_days], np.float32)
        return {"fold_in.factors": self.factors, "fold_in.gram": self.gram, "fold_in.settings": settings}

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[np.float32]], where: str) -> "FoldIn":
        """The inverse of `arrays`; Corrupt when they do not belong together."""
        try:
            factors, gram, settings = (arrays[f"fold_in.{name}"] for name in ("factors", "gram", "settings"))
        except KeyError as error:
            raise Corrupt(f"{where} holds no fold-in ({error} is missing); train again") from error
        if factors.ndim != 2 or gram.shape != (factors.shape[1],) * 2 or settings.shape != (2,):
            raise Corrupt(f"{where} holds a fold-in of {factors.shape} and {gram.shape}; train again")
        return cls(factors.astype(np.float16, copy=False), gram, float(settings[0]), float(settings[1]))

    def save(self, path: Path) -> None:
        """One file of arrays; `load` gives it back."""
        write_arrays(path, **self.arrays())

    @classmethod
    def load(cls, path: Path) -> "FoldIn":
        """What `save` wrote; Corrupt when it is something else."""
        return cls.of_arrays(read_arrays(path), str(path))


def _widened(halves: NDArray[np.float16]) -> NDArray[np.float32]:
    """The same finite numbers in float32, by moving their bits: numpy converts each alone, three times as slow."""
    bits = halves.view(np.int16).astype(np.int32)  # spreads the sign over the upper half
    bits <<= 13
    bits &= np.int32(-0x70002000)  # the sign; of what it was spread over, nothing
    widened: NDArray[np.float32] = bits.view(np.float32)
    widened *= np.float32(2.0**112)  # exponents count from 127 instead of 15
    return widened
