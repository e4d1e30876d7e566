"""What can be judged: anything that learns from what is known at a moment and then ranks items.

`Method` and `Fitted` are what every method has. The other protocols are abilities that a fitted method may have as
well: a task that needs one asks only the methods that have it, and the report says who did not take part.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from palate.embeddings.inputs import Inputs
from palate.listening.history import History


class Fitted(Protocol):
    """A method that has learned from what was known at one moment."""

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """The n best items for each listener, best first.

        users  # (q,) int32, rows of `known.history.users`
        only   # (n_items,) True for the items that may appear; None for all of them
        gives  # (q, n) int32, item rows; -1 fills the end of a row when there are fewer; no item twice in a row

        With `exclude_heard`, items that the listener had heard (`known.history.heard()`) do not appear. The order is
        score descending, then item row ascending, so that a result never depends on the machine.
        """
        ...


class Method(Protocol):
    """A way to recommend, before it has seen any data."""

    @property
    def name(self) -> str:
        """What the tables call it; distinct within one evaluation."""
        ...

    def fit(self, known: Inputs, at: float) -> Fitted:
        """Learns from `known`, which ends before `at` (home seconds): the moment at which it will be asked."""
        ...


@runtime_checkable
class Seeded(Protocol):
    """A method whose training is random: it is trained once for each of several seeds, and the spread is reported.

    everywhere  True to do so in every window; False, for a training that takes long, only in the latest
    """

    @property
    def everywhere(self) -> bool: ...

    def seeded(self, seed: int) -> Method:
        """The same method with another seed."""
        ...


@runtime_checkable
class Refreshes(Protocol):
    """A fitted method that can be told of later listens without being trained again."""

    def refreshed(self, known: History, at: NDArray[np.float64]) -> Fitted:
        """The same models, with the listeners' states as of `known`.

        known # all that may be used; each listener's listens may end at another moment
        at    # (users,) float64, home seconds: when each listener is asked

        `exclude_heard` then means what was heard in `known`.
        """
        ...


@runtime_checkable
class Embeds(Protocol):
    """A fitted method that has one vector of fixed length for each listener."""

    def vectors(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """(q, d) float32, finite; zeros for a listener of whom nothing is known."""
        ...


@runtime_checkable
class EmbedsItems(Protocol):
    """A fitted method that has one vector for each item."""

    @property
    def item_vectors(self) -> NDArray[np.float32]:
        """(n_items, d) float32, finite; zeros for an item of which nothing is known."""
        ...


@runtime_checkable
class Continues(Protocol):
    """A fitted method that can say what goes on a playlist next."""

    def continued(
        self, lists: Sequence[NDArray[np.int32]], n: int, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """(q, n) int32, as `Fitted.recommend`, for lists of item rows; what a list holds does not come back."""
        ...


@runtime_checkable
class Neighbours(Protocol):
    """A fitted method that knows which items are alike."""

    def similar(self, items: NDArray[np.int32], n: int) -> NDArray[np.int32]:
        """(q, n) int32, as `Fitted.recommend`, for item rows; never the item itself."""
        ...
