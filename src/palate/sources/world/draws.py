"""Random numbers that are the same on every machine and with every numpy.

numpy promises the raw bits of PCG64 and the hashing of SeedSequence for good, but not how `Generator` turns bits into
normals or choices. So everything here is made from raw bits by rules of our own. Transcendental functions may still
differ in the last bit between processors; what is drawn is therefore discrete, or rounded by the caller.
"""

import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class Draws:
    """One stream of random numbers, named by a seed and a part of the world.

    Streams of different parts are independent: a change in how many numbers one part draws shifts no other part.
    """

    def __init__(self, seed: int, part: str, block: int = 0) -> None:
        key = (zlib.crc32(part.encode()), block)
        self._bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key))

    def uniform(self, *shape: int) -> Floats:
        """Numbers in [0, 1), of the given shape."""
        raw = np.asarray(self._bits.random_raw(math.prod(shape)), np.uint64)
        return np.asarray((raw >> np.uint64(11)) * 2.0**-53, np.float64).reshape(shape)

    def between(self, low: Any, high: Any, *shape: int) -> Floats:
        """Numbers in [low, high); the bounds are numbers or arrays that fit the shape."""
        return np.asarray(low + (high - low) * self.uniform(*shape), np.float64)

    def normal(self, *shape: int) -> Floats:
        """Standard normal numbers (Box and Muller, 1958)."""
        radius = np.sqrt(-2.0 * np.log1p(-self.uniform(*shape)))
        return np.asarray(radius * np.cos(2.0 * np.pi * self.uniform(*shape)), np.float64)

    def exponential(self, *shape: int) -> Floats:
        """Exponential numbers with mean one; normalised over a row they are a flat Dirichlet."""
        return np.asarray(-np.log1p(-self.uniform(*shape)), np.float64)

    def below(self, bounds: Any, *shape: int) -> Rows:
        """Whole numbers in [0, bound), for one bound or an array of them that fits the shape."""
        return np.asarray(self.uniform(*shape) * bounds, np.int64)

    def pick(self, weights: Floats, *shape: int) -> Rows:
        """Positions in `weights` (k,), each with a chance in proportion to its weight."""
        cumulative = np.cumsum(weights)
        found = np.searchsorted(cumulative, self.uniform(*shape) * cumulative[-1], side="right")
        return np.asarray(np.minimum(found, len(weights) - 1), np.int64)

    def pick_columns(self, weights: Floats) -> Rows:
        """One column for each row of `weights` (n, k), with a chance in proportion to its weight."""
        cumulative = np.cumsum(weights, axis=1)
        level = self.uniform(len(weights)) * cumulative[:, -1]
        return np.asarray(np.minimum((cumulative <= level[:, None]).sum(axis=1), weights.shape[1] - 1), np.int64)

    def order(self, n: int) -> Rows:
        """The numbers 0..n-1 in random order."""
        return np.argsort(self.uniform(n), kind="stable")
