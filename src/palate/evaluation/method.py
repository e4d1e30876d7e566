"""What can be evaluated: anything that learns from a log up to a moment and then ranks items for listeners."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from palate.listening.history import History


class Fitted(Protocol):
    """A method that has learned from one train log."""

    def recommend(self, users: NDArray[np.int32], n: int, exclude_heard: bool) -> NDArray[np.int32]:
        """The n best items for each listener, best first.

        users  # (q,) int32, rows of `train.users`
        gives  # (q, n) int32, item rows; -1 fills the end of a row when there are fewer; no item twice in a row

        With `exclude_heard`, items that the listener heard in train (`train.heard()`) do not appear. The order is
        score descending, then item row ascending, so that a result never depends on the machine.
        """
        ...


class Method(Protocol):
    """A way to recommend, before it has seen any data."""

    @property
    def name(self) -> str:
        """What the tables call it; distinct within one evaluation."""
        ...

    def fit(self, train: History, at: float) -> Fitted:
        """Learns from `train`, which ends before `at` (home seconds): the moment at which it will be asked."""
        ...
