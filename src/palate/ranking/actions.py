"""What a listener may do with an item, how much each action counts, and what the log says of it.

Five actions, each with a probability (heads.py): **finish**, to play it without skipping; **skip**; **save**; **add to
a playlist**; **return**, to hear it again on a later day of the same week. A surface says how much each is worth.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadSettings
from palate.core.listens import Event
from palate.core.settings import Range, Settings
from palate.listening.history import History

# What is known of a candidate a week later: the columns of `acted`. Played is heard or skipped.
ACTED = ("played", "heard", "skipped", "saved", "added", "returned")


@dataclass(frozen=True)
class ActionWeights:
    """How much each action is worth ([ranking] in palate.toml). Only the proportions matter.

    A table of a surface's name, as in `[ranking.for_you]`, is of that surface alone; keys of `[ranking]` itself are of
    all. Where neither is written a surface orders by how soon an item will be heard, which no weight changes.
    """

    SECTION: ClassVar[str] = "ranking"

    finish: Annotated[float, Range(0.0, 2.0)] = 1.0
    skip: Annotated[float, Range(-2.0, 0.0)] = -0.5
    save: Annotated[float, Range(0.0, 2.0)] = 1.0
    add_to_playlist: Annotated[float, Range(0.0, 2.0)] = 1.0
    return_in_week: Annotated[float, Range(0.0, 2.0)] = 0.5


def weights_of(settings: Settings, surfaces: Collection[str]) -> dict[str, ActionWeights]:
    """By surface, what palate.toml says; "" stands for those that are not named. BadSettings for an unknown name."""
    table = settings.tables.get(ActionWeights.SECTION, {})
    common = {key: value for key, value in table.items() if not isinstance(value, dict)}
    of_one = {key: value for key, value in table.items() if isinstance(value, dict)}
    for name in of_one:
        if name not in surfaces:
            where = f"{settings.source}: [{ActionWeights.SECTION}.{name}]"
            raise BadSettings(f"{where} names no surface; choose from {', '.join(sorted(surfaces))}")
    told = {name: common | own for name, own in of_one.items()} | ({"": common} if common else {})
    section = ActionWeights.SECTION
    return {name: Settings({section: own}, settings.source).section(ActionWeights) for name, own in told.items()}


@dataclass(frozen=True)
class Actions:
    """Probabilities, each # (n,) float32 from 0 to 1: that a listener who listens in the coming week does it then.

    Of an action that the home has never seen often enough to learn it is 0.
    """

    finish: NDArray[np.float32]
    skip: NDArray[np.float32]
    save: NDArray[np.float32]
    add_to_playlist: NDArray[np.float32]
    return_in_week: NDArray[np.float32]

    def score(self, weights: ActionWeights) -> NDArray[np.float32]:
        """(n,) float32: the sum over the actions of weight x probability."""
        parts = [getattr(weights, name) * getattr(self, name) for name in ACTION_NAMES]
        return np.asarray(np.sum(parts, axis=0), np.float32)


ACTION_NAMES: tuple[str, ...] = tuple(field.name for field in fields(Actions))


def acted(week: History, skipped: NDArray[np.bool_], items: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(n, len(ACTED)) what one listener did with each of `items` (catalogue rows).

    week    that listener's events of the week, in time order
    skipped # (events,) `week.skipped()`, given since it is the same for all listeners of a moment
    """
    heard = (week.event == Event.PLAY) & ~skipped
    out = np.zeros((len(items), len(ACTED)), np.bool_)
    columns = (heard | skipped, heard, skipped, week.event == Event.SAVE, week.event == Event.ADD_TO_PLAYLIST)
    for column, of in enumerate(columns):
        out[:, column] = np.isin(items, week.item[of])
    out[:, len(columns)] = np.isin(items, _returned(week.item[heard], week.timestamp[heard]))
    return out


def _returned(items: NDArray[np.int32], times: NDArray[np.float64]) -> NDArray[np.int32]:
    """The items that were heard on more than one day of home time."""
    days = np.unique(np.stack([items.astype(np.int64), np.floor(times / DAY_SECONDS).astype(np.int64)]), axis=1)
    found, count = np.unique(days[0], return_counts=True)
    return found[count > 1].astype(np.int32)
