"""One fit for a method and for all blends of it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from palate.embeddings.inputs import Inputs
from palate.evaluation.method import Fitted

F = TypeVar("F", bound=Fitted)


@dataclass(frozen=True)
class Once(ABC, Generic[F]):
    """A method that learns once a window, however often it is asked to.

    Only for the very same `known` object and moment is the last fit given again, so that nothing passes from one window
    to the next. It is let go before the next one is learnt: the weights of two windows are never held here at once.
    """

    _last: list[tuple[Inputs, float, F]] = field(default_factory=list, init=False, repr=False, compare=False)

    @abstractmethod
    def learn(self, known: Inputs, at: float) -> F:
        """What `Method.fit` promises."""

    def fit(self, known: Inputs, at: float) -> F:
        """See `Method.fit`."""
        if not self._last or self._last[0][0] is not known or self._last[0][1] != at:
            self._last.clear()
            self._last.append((known, at, self.learn(known, at)))
        return self._last[0][2]
