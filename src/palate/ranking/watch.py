"""Looking on while an answer is made: what the ranker saw, and the ranks behind those that are shown.

A slate says neither, and most callers want neither. Whoever keeps answers (surfaces/answered.py) watches; for all
others a look-up of 0.1 microseconds is the whole cost.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Concatenate, ParamSpec

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates

HORIZON = 100  # ranks that a slate decides, those shown among them: quotas are meant for so many

P = ParamSpec("P")
Compute = Callable[Concatenate[Candidates, P], NDArray[np.float32]]


@dataclass
class Watch:
    """What was seen while one answer was made.

    features  rows # (n,) and the matrix # (n, f) of each time that the ranker's features were computed, in order
    ranks     by slate id, the candidates of a slate in order, those shown in front
    """

    features: list[tuple[NDArray[np.int32], NDArray[np.float32]]] = field(default_factory=list)
    ranks: dict[str, Candidates] = field(default_factory=dict)

    def features_of(self, rows: NDArray[np.int32]) -> NDArray[np.float32] | None:
        """(len(rows), f) as the ranker saw them, NaN for a row that it did not see; None when it saw none of them.

        What was computed twice counts as it was the last time.
        """
        if not self.features:
            return None
        seen = np.concatenate([items for items, _ in self.features])[::-1]
        distinct, place = np.unique(seen, return_index=True)
        at = np.minimum(np.searchsorted(distinct, rows), len(distinct) - 1)
        known = distinct[at] == rows if len(distinct) else np.zeros(len(rows), np.bool_)
        if not known.any():
            return None
        matrix = np.concatenate([matrix for _, matrix in self.features])[::-1]
        found: NDArray[np.float32] = np.full((len(rows), matrix.shape[1]), np.nan, np.float32)
        found[known] = matrix[place[at[known]]]
        return found


_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watching() -> Iterator[Watch]:
    """What answers made inside the block, in this thread, are told."""
    watch = Watch()
    token = _WATCH.set(watch)
    try:
        yield watch
    finally:
        _WATCH.reset(token)


def watched(compute: Compute[P]) -> Compute[P]:
    """The same function; while somebody watches, they are told of which rows it computed what."""

    @wraps(compute)
    def told(candidates: Candidates, /, *args: P.args, **kwargs: P.kwargs) -> NDArray[np.float32]:
        matrix = compute(candidates, *args, **kwargs)
        watch = _WATCH.get()
        if watch is not None:
            watch.features.append((candidates.items, matrix))
        return matrix

    return told


def note_ranks(slate_id: str, candidates: Candidates) -> None:
    """Tells whoever watches what stands behind a slate."""
    watch = _WATCH.get()
    if watch is not None:
        watch.ranks[slate_id] = candidates
