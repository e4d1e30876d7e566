"""The best possible in the simulated world: what somebody would recommend who knew all that was planted.

It knows each listener's taste, habits and plans, the pull of every item, the rules by which the world was made, and
what had been heard before; not how the dice fell. No method that reads the log can be expected to do better, so a
method's share of this number says how much of what can be found was found.

It even knows how a planted taste changes within the week after it is asked (`foresight`): that is planned, not
listened to. Nothing that was heard after the moment is looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.ids import ItemId, UserId
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.profiles import heard_matrix
from palate.evaluation.baselines.scored import positive, top
from palate.listening.history import History
from palate.sources.world import Truth, read_truth
from palate.sources.world.catalogue import item_ids
from palate.sources.world.expected import expected_week
from palate.sources.world.listeners import user_ids
from palate.sources.world.plan import Plan, door, week
from palate.sources.world.streams import Past

LISTENERS_AT_ONCE = 128  # a hundred megabytes with 6,000 items
LONGEST_LIST = 100  # the length of list whose NDCG is made best

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Ceiling:
    """The best possible in a home that holds a simulated world; for measuring against, never for recommending.

    truth        # what was planted
    users        # (users,) the truth's row of each user row of the home; -1 for who is not of the world
    items        # (n_items,) the truth's row of each item row of the home; -1 for what is not of the world
    horizon_days # how far it looks ahead
    foresight    # False freezes the planted taste at the moment it is asked
    """

    truth: Truth
    users: Positions
    items: Positions
    horizon_days: float = 7.0
    foresight: bool = True
    kind: str = "ceiling"

    @property
    def name(self) -> str:
        return "ceiling (planted)" if self.foresight else "ceiling (planted, taste frozen)"

    def fit(self, known: Inputs, at: float) -> "FittedCeiling":
        """Fits nothing: what can be known is planted. The home's time is taken for unix time, see `load_ceiling`."""
        return FittedCeiling(self, known.history, np.full(len(known.history.users), at), sitting=False)


@dataclass(frozen=True)
class FittedCeiling:
    """The ceiling as of what is known.

    at      # (users,) unix seconds, when each listener is asked
    sitting # True when they are asked at the door: a sitting begins, and what is played in it is wanted
    """

    ceiling: Ceiling
    known: History
    at: NDArray[np.float64]
    sitting: bool

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "FittedCeiling":
        """See `Refreshes.refreshed`: each listener at the door, where one sitting is about to begin at their moment."""
        return FittedCeiling(self.ceiling, known, at, sitting=True)

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """See `Fitted.recommend`; who is not of the world gets no list, and nothing without a chance is on one.

        The order is by `gains`, not by chance alone.
        """
        ranked = np.full((len(users), n), -1, np.int32)
        asked = np.flatnonzero(self.ceiling.users[users] >= 0)
        heard = heard_matrix(self.known.heard()) if exclude_heard else None
        for first in range(0, len(asked), LISTENERS_AT_ONCE):
            rows = asked[first : first + LISTENERS_AT_ONCE]
            chance, plan = self.chances(users[rows])
            if heard is not None:
                chance[heard[users[rows]].nonzero()] = 0.0
            if only is not None:
                chance[:, ~only] = 0.0
            kind = self.ceiling.truth.kind[np.maximum(self.ceiling.items, 0)]
            ranked[rows] = top(positive(gains(chance, plan, kind)), n)
        return ranked

    def chances(self, users: NDArray[np.int32]) -> tuple[NDArray[np.float32], Plan]:
        """(q, n_items) the chance that each listener hears each item, heard before or not, and what is planned.

        `users` are user rows of listeners of the world. Nothing is cut off at the horizon of the simulated time.
        """
        ceiling = self.ceiling
        truth, rows, at = ceiling.truth, ceiling.users[users], self.at[users]
        past = past_of(self.known, users, ceiling.items)
        if self.sitting:
            plan = door(truth, rows, at)
        else:
            before = np.bincount(past.who, minlength=len(users))
            plan = week(truth, rows, before, at, ceiling.horizon_days * DAY_SECONDS, ceiling.foresight)
        chance = expected_week(truth, plan, past)
        return chance[:, np.maximum(ceiling.items, 0)] * (ceiling.items >= 0), plan


def past_of(known: History, users: NDArray[np.int32], items: Positions) -> Past:
    """What `users` (q,) had heard, in the rows of the truth; items that are not of the world are left out."""
    place = np.full(len(known.users), -1)
    place[users] = np.arange(len(users))
    listens = (known.event == Event.PLAY) | (known.event == Event.SKIP)
    rows = np.flatnonzero(listens & (place[known.user] >= 0) & (items[known.item] >= 0))
    rows = rows[np.argsort(place[known.user[rows]], kind="stable")]
    return Past(
        who=place[known.user[rows]],
        item=items[known.item[rows]],
        time=known.timestamp[rows],
        sitting=known.session[rows],
        skip=known.skipped()[rows],
    )


def gains(chance: NDArray[np.float32], plan: Plan, kind: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(q, n_items) what each item is expected to add to a listener's NDCG, up to the discount of its place.

    A hit counts one over the NDCG of a perfect list, which is the longer the more is heard: an episode that comes in a
    sitting of two is worth more than a track that comes in a sitting of eight. So this is the chance of an item over
    the perfect list's sum where the item is heard, with the listens that can be expected beside it.

    chance # (q, n_items), 0 for what may not appear
    kind   # (n_items,) rows of core.items.KINDS
    """
    kinds = plan.length.shape[1]
    distinct = np.stack([chance[:, kind == one].sum(axis=1, dtype=np.float64) for one in range(kinds)], axis=1)
    listens = np.maximum(plan.sittings * plan.length, 1e-9)
    # A listen is more often of a long sitting: with lengths as they are, 2 (mean - 1) others stand beside it.
    beside = 2.0 * (plan.length - 1.0) * np.minimum(distinct / listens, 1.0)
    heard = 1.0 + beside + (0.0 if plan.door else distinct.sum(axis=1, keepdims=True))
    perfect = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2, LONGEST_LIST + 2)))])
    return np.asarray(chance / np.interp(heard, np.arange(LONGEST_LIST + 1), perfect)[:, kind], np.float64)


def load_ceiling(world: Path, users: Sequence[UserId | str], items: Sequence[ItemId | str]) -> Ceiling | None:
    """The ceiling of a home whose folder `world` holds what `World.write` wrote; None where there is none.

    users, items  the ids of the home's rows; those that are not of the world (`sim-...`) have no place in it

    The log of a simulated world has listens on every day, so that no pause is cut out of it (core/clock.py) and home
    time is unix time. Corrupt when truth.npz cannot be read.
    """
    path = world / "truth.npz"
    if not path.is_file():
        return None
    truth = read_truth(path)
    return Ceiling(truth, _rows(user_ids(len(truth.taste)), users), _rows(item_ids(truth.kind), items))


def _rows(planted: Sequence[Any], ids: Sequence[Any]) -> Positions:
    """The position in `planted` of each of `ids`, -1 where it is not."""
    row = {one: place for place, one in enumerate(planted)}
    return np.array([row.get(one, -1) for one in ids], np.int64)
