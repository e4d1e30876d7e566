"""What a listener hears in the next hours, asked at the door: when a sitting of the window is about to begin.

The models are those of the window's start, the listener's state is as of that moment. The same questions asked with an
older state are the staleness curve (staleness.py).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import HOUR_SECONDS
from palate.evaluation.method import Fitted, Refreshes
from palate.evaluation.splits import EvalSettings, Split, pair_keys
from palate.evaluation.tasks.questions import LISTENERS, Questions, from_pairs, nothing_forbidden
from palate.listening.history import History


@dataclass(frozen=True)
class NextHours:
    """Distinct items heard in the `hours` after the listener's last sitting of the window began; nothing is masked.

    The last sitting rather than the first, so that there has been time to listen, and to fall behind, since the models
    were trained. Who is asked: listeners with enough heard plays before the window.
    """

    hours: float = 4.0
    of: str = LISTENERS
    missing: str = "no listener with enough heard plays before a window has a whole sitting in it"

    @property
    def name(self) -> str:
        return f"next-{self.hours:g}-hours"

    @property
    def about(self) -> str:
        return (
            f"items heard in the {self.hours:g} hours from the start of the listener's last sitting in the window; "
            "trained before the window, the listener known up to that sitting"
        )

    def questions(self, part: Split, settings: EvalSettings) -> Questions:
        moment = self.moments(part)
        after = part.following.heard()
        soon = (after.timestamp >= moment[after.user]) & (
            after.timestamp < moment[after.user] + self.hours * HOUR_SECONDS
        )
        known = (part.plays >= settings.min_train_plays)[after.user] & np.isin(after.item, part.catalogue)
        rows = np.flatnonzero(soon & known)
        return from_pairs(pair_keys(after.user[rows], after.item[rows], part.n_items), part.n_items)

    def able(self, fitted: Fitted) -> bool:
        return isinstance(fitted, Refreshes)

    def answers(self, fitted: Fitted, part: Split, asked: Questions, n: int) -> NDArray[np.int32]:
        return self.aged(fitted, self.states(part, asked, 0.0), asked, n)

    def states(self, part: Split, asked: Questions, age_seconds: float) -> "States":
        """What is known, `age_seconds` before they are asked, of the listeners who are asked about."""
        moment = self.moments(part)
        who = np.zeros(len(moment), np.bool_)
        who[asked.rows] = True
        known = known_at(part, moment - age_seconds)
        return States(known.take(np.flatnonzero(who[known.user])), moment)

    def aged(self, fitted: Fitted, states: "States", asked: Questions, n: int) -> NDArray[np.int32]:
        """The lists of a method that knows the listeners by `states`."""
        assert isinstance(fitted, Refreshes)  # `able` said so
        return fitted.refreshed(states.known, states.at).recommend(asked.rows, n, exclude_heard=False)

    def moments(self, part: Split) -> NDArray[np.float64]:
        """(users,) when each listener is asked: at the first event of the last sitting that begins in time.

        Without such a sitting the end of the window, where nothing follows.
        """
        following = part.following
        _, first = np.unique(following.session, return_index=True)
        went_on = np.isin(following.session[first], part.known.history.session)  # begun before the window
        first = first[~went_on & (following.timestamp[first] < part.window.end - self.hours * HOUR_SECONDS)]
        latest = np.full(len(following.users), -np.inf)
        np.maximum.at(latest, following.user[first], following.timestamp[first])
        return np.where(np.isfinite(latest), latest, part.window.end)

    def forbidden(self, part: Split, asked: Questions, lists: NDArray[np.int32]) -> NDArray[np.bool_]:
        return nothing_forbidden(lists)


@dataclass(frozen=True)
class States:
    """What a method is told before it is asked; see `Refreshes.refreshed`."""

    known: History
    at: NDArray[np.float64]


def known_at(part: Split, moment: NDArray[np.float64]) -> History:
    """Each listener's listens before their own moment (users,): those of known and of the window, not of the gap."""
    whole = part.everything
    return whole.take(np.flatnonzero(whole.timestamp < moment[whole.user]))
