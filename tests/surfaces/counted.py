"""What really happened in the planted world, by user row and item row, counted with loops from the raw listens."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from palate.core.listens import Event

from .planted import Planted

DAY = 86_400.0


@dataclass(frozen=True, eq=False)
class Counted:
    """The plays of the world."""

    world: Planted

    @cached_property
    def plays(self) -> dict[tuple[int, int], list[float]]:
        """(user, item) -> when it was played and not left early."""
        out: dict[tuple[int, int], list[float]] = defaultdict(list)
        for user, item, when in self._played():
            out[user, item].append(when)
        return dict(out)

    @cached_property
    def heard(self) -> dict[int, list[float]]:
        """item -> when anybody played it."""
        out: dict[int, list[float]] = defaultdict(list)
        for _, item, when in self._played():
            out[item].append(when)
        return dict(out)

    def days_since(self, moment: float) -> float:
        return (self.world.now - moment) / DAY

    def _played(self) -> Iterator[tuple[int, int, float]]:
        h = self.world.inputs.history
        columns = (h.user, h.item, h.timestamp, h.event, h.seconds_played, h.duration_seconds)
        for user, item, when, event, seconds, duration in zip(*(c.tolist() for c in columns), strict=True):
            if event == Event.PLAY and not (seconds < 30 and seconds < duration / 2):
                yield user, item, when
