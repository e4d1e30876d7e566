"""What the judged method adds to a twin: which items a listener would discover, and how likely each of them."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadSettings
from palate.evaluation.method import Fitted


@dataclass(frozen=True)
class TwinSettings:
    """How many weeks are simulated, and of whom.

    listeners   how many at most, drawn from those who qualify
    draws       simulated weeks of each
    min_plays   heard plays that a listener needs to qualify
    recent_days in which the latest of them must lie
    fit_weeks   weeks before the moment from which the habits are fitted
    temperature of the softmax over the model's scores, where it cannot be fitted
    list_share  the share of discoveries that come from the model's list, where it cannot be fitted
    seed        of everything random
    bootstrap   redraws of the intervals
    """

    SECTION: ClassVar[str] = "twin"
    listeners: int = 2000
    draws: int = 20
    min_plays: int = 5
    recent_days: float = 28.0
    fit_weeks: int = 4
    temperature: float = 0.3
    list_share: float = 0.5
    seed: int = 0
    bootstrap: int = 1000

    def __post_init__(self) -> None:
        for name in ("listeners", "draws", "min_plays", "fit_weeks", "bootstrap"):
            if getattr(self, name) < 1:
                raise BadSettings(f"{name} = {getattr(self, name)} must be at least 1")
        if not (self.recent_days > 0.0 and self.temperature > 0.0 and 0.0 <= self.list_share <= 1.0):
            raise BadSettings(
                f"recent_days = {self.recent_days:g} and temperature = {self.temperature:g} must be above 0, and "
                f"list_share = {self.list_share:g} from 0 to 1"
            )


@dataclass(frozen=True)
class Offers:
    """What each of q listeners may discover.

    items  # (q, m) int32 item rows, -1 where there are fewer; no item twice in a row
    scores # (q, m) float64, higher is likelier; not read where the item is -1
    """

    items: NDArray[np.int32]
    scores: NDArray[np.float64]

    def probabilities(self, temperature: float) -> NDArray[np.float64]:
        """(q, m) softmax of scores / temperature; rows sum to one, or to zero where there are no items."""
        there = self.items >= 0
        scaled = np.where(there, self.scores / temperature, -np.inf)
        highest = scaled.max(axis=1, initial=-np.inf, keepdims=True)
        weight = np.where(there, np.exp(scaled - np.where(np.isfinite(highest), highest, 0.0)), 0.0)
        total = weight.sum(axis=1, keepdims=True)
        return np.asarray(weight / np.where(total > 0, total, 1.0), np.float64)


class TwinModel(Protocol):
    """The judged method, as a twin asks it."""

    def offers(self, users: NDArray[np.int32]) -> Offers:
        """What the listeners (q,) may discover from the moment on: items that they had not heard before it."""
        ...

    def offers_before(self, users: NDArray[np.int32]) -> Offers | None:
        """The same as it would have been said one horizon before the moment, knowing nothing later.

        From this and what was then discovered the temperature is fitted. None when the model cannot say.
        """
        ...


@dataclass(frozen=True)
class Listed:
    """A TwinModel from ranked lists; see `from_lists`."""

    now: Fitted
    before: Fitted | None
    length: int

    def offers(self, users: NDArray[np.int32]) -> Offers:
        return self._of(self.now, users)

    def offers_before(self, users: NDArray[np.int32]) -> Offers | None:
        return None if self.before is None else self._of(self.before, users)

    def _of(self, fitted: Fitted, users: NDArray[np.int32]) -> Offers:
        items = fitted.recommend(users, self.length, exclude_heard=True)
        by_rank = 1.0 / np.log2(np.arange(2, self.length + 2))
        return Offers(items, np.broadcast_to(by_rank, items.shape))


def from_lists(fitted: Fitted, before: Fitted | None = None, length: int = 200) -> Listed:
    """A twin's model out of any fitted method: its list, scored 1 / log2(rank + 1) with the first at rank 1.

    fitted # knows everything before the moment
    before # the same method, fitted one horizon earlier; None takes the settings' temperature and share
    """
    return Listed(fitted, before, length)
