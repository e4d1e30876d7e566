"""The simulated weeks: sittings, their hours and lengths, re-listens and discoveries, for all draws at once."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.evaluation.splits import pair_keys
from palate.evaluation.twin.discoveries import Discoveries, choices, draw_popular, fit_discoveries, popular
from palate.evaluation.twin.habits import BLUR_SECONDS, PRIOR_HOURS, PRIOR_LENGTHS, Habits, fit_habits, qualified
from palate.evaluation.twin.model import TwinModel, TwinSettings
from palate.evaluation.twin.weeks import Choices, Rows, Weeks, holds
from palate.listening.history import History

MOST_SITTINGS = 500  # in one week


@dataclass(frozen=True)
class Simulated:
    """What was simulated, and from what.

    users       # (q,) int32, ascending rows of `history.users`: `Weeks.listener` counts in them
    weeks       draws of the week; many of them empty for who listens seldom
    when_active draws of the week given that there is at least one sitting: what would be played, if anything
    random      the plays of `when_active` with popular items, at hours of anybody
    """

    users: NDArray[np.int32]
    weeks: Weeks
    when_active: Weeks
    random: Weeks
    habits: Habits
    discoveries: Discoveries


def simulate_weeks(
    history: History, model: TwinModel, at: float, horizon_seconds: float, settings: TwinSettings
) -> Simulated:
    """Simulates the horizon after `at` for the listeners that `settings` names.

    Only listens before `at` are read, whatever else `history` holds. The same seed gives the same weeks. BadInput
    when nobody qualifies.
    """
    heard = history.until(at).heard()
    users = qualified(heard, at, settings)
    if not len(users):
        raise BadInput(
            f"no listener has {settings.min_plays} heard plays and one in the {settings.recent_days:g} days before the "
            "moment; a twin needs some: lower [twin] min_plays or import more listens"
        )
    earlier = qualified(heard, at - horizon_seconds, settings)
    stage = _Stage(
        users=users,
        at=at,
        horizon_seconds=horizon_seconds,
        draws=settings.draws,
        habits=fit_habits(heard, users, at, horizon_seconds, settings),
        discoveries=(found := fit_discoveries(heard, model, earlier, at, horizon_seconds, settings)),
        listed=choices(model.offers(users), found.temperature),
        everybody=popular(heard, at),
        known=np.unique(pair_keys(heard.user, heard.item, heard.n_items)),
        n_items=heard.n_items,
        rng=np.random.default_rng(settings.seed),
    )
    weeks, when_active = stage.week(active=False), stage.week(active=True)
    return Simulated(users, weeks, when_active, stage.random(when_active), stage.habits, found)


@dataclass(frozen=True)
class _Stage:
    """Everything that a week is drawn from; `known` are ascending pair keys of what was heard."""

    users: NDArray[np.int32]
    at: float
    horizon_seconds: float
    draws: int
    habits: Habits
    discoveries: Discoveries
    listed: Choices
    everybody: Choices
    known: NDArray[np.int64]
    n_items: int
    rng: np.random.Generator

    def week(self, active: bool) -> Weeks:
        """All draws of everybody's week; with `active`, each with at least one sitting."""
        habits, rng = self.habits, self.rng
        shape = (len(self.users), self.draws)
        sittings = drawn_sittings(habits.shape, habits.rate, self.draws, active, rng)
        weeks = self._frame(np.repeat(np.arange(sittings.size), sittings.ravel()), shape)
        new = rng.random(len(weeks.item)) >= habits.repeat[weeks.listener]
        item = weeks.item.copy()
        item[~new] = habits.returns.draw(weeks.listener[~new], rng)
        fresh = self._discovered(weeks.listener[new])
        item[new] = fresh[_again(weeks.take(new), habits.again, rng)]
        return self._filled(weeks, item)

    def random(self, weeks: Weeks) -> Weeks:
        """The same plays with popular items at hours of anybody."""
        item = self.everybody.draw(np.zeros(len(weeks.item), np.int64), self.rng)
        return self._filled(replace(weeks, time=self._starts(weeks.listener, np.inf)), item)

    def _starts(self, listener: Rows, prior: float) -> NDArray[np.float64]:
        """(p,) home seconds within the horizon: when past sittings began in theirs, blurred."""
        offset = self.habits.offsets.shrunk(listener, prior, self.rng)
        blur = self.rng.normal(0.0, BLUR_SECONDS, len(listener))
        return np.asarray(self.at + (offset + blur) % self.horizon_seconds, np.float64)

    def _frame(self, cell: NDArray[np.int64], shape: tuple[int, int]) -> Weeks:
        """Every play of the sittings in `cell` (listener and draw of each) with its time; items are open."""
        habits, listener = self.habits, cell // shape[1]
        plays = habits.lengths.shrunk(listener, PRIOR_LENGTHS, self.rng).astype(np.int64)
        start = self._starts(listener, PRIOR_HOURS)
        number = np.arange(plays.sum()) - np.repeat(np.cumsum(plays) - plays, plays)
        time = np.repeat(start, plays) + number * habits.play_seconds
        cell = np.repeat(cell, plays)
        empty = np.full(len(cell), -1, np.int32)
        return Weeks(cell // shape[1], cell % shape[1], empty, time, np.zeros(len(cell), np.bool_), *shape)

    def _filled(self, weeks: Weeks, item: NDArray[np.int32]) -> Weeks:
        keys = pair_keys(self.users[weeks.listener], item, self.n_items)
        return replace(weeks, item=item, known=holds(self.known, keys))

    def _discovered(self, listener: Rows) -> NDArray[np.int32]:
        """(p,) a new item for each."""
        from_list = self.rng.random(len(listener)) < self.discoveries.list_share
        from_list &= self.listed.sizes[listener] > 0
        item = np.empty(len(listener), np.int32)
        item[from_list] = self.listed.draw(listener[from_list], self.rng)
        others = self.users[listener[~from_list]]
        item[~from_list] = draw_popular(self.everybody, others, self.known, self.n_items, self.rng)
        return item


def drawn_sittings(
    shape: NDArray[np.float64], rate: NDArray[np.float64], draws: int, active: bool, rng: np.random.Generator
) -> NDArray[np.int64]:
    """(q, draws) sittings of listeners with Gamma(shape, rate) rates, Poisson given the rate; at least 1 if `active`.

    By inversion of the negative binomial, which is cut off at MOST_SITTINGS.
    """
    left_out = np.log1p(1.0 / rate) * -shape  # log of the chance of none
    chance = np.exp(left_out)[:, None]
    wanted = rng.random((len(shape), draws))
    if active:
        wanted = chance + (1.0 - chance) * wanted
    sittings = np.zeros(wanted.shape, np.int64)
    below = np.broadcast_to(chance, wanted.shape).copy()
    for n in range(MOST_SITTINGS):
        more = wanted >= below
        if n == 0 and active:
            more[:] = True  # rounding may put a draw at the chance of none
        if not more.any():
            break
        sittings += more
        chance = chance * ((n + shape) / ((n + 1) * (rate + 1.0)))[:, None]
        below += chance
    return sittings


def _again(new: Weeks, chance: float, rng: np.random.Generator) -> NDArray[Any]:
    """(p,) for each new play itself, or with `chance` an earlier one of the same week, whose item it repeats.

    Plays of one listener and draw stand together. An earlier one may point back itself: what came twice comes again.
    """
    cell = new.listener * new.draws + new.draw
    place = np.arange(len(cell))
    before = place - np.searchsorted(cell, cell)
    back = (rng.random(len(cell)) < chance) & (before > 0)
    pointer: Rows = np.where(back, place - 1 - (rng.random(len(cell)) * before).astype(np.int64), place)
    while not np.array_equal(pointer, pointer[pointer]):
        pointer = pointer[pointer]
    return pointer
