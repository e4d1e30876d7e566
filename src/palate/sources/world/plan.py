"""What is planned for simulated listeners from a moment on: how often they sit down, what for, in what frame of mind.

Everything here follows from the truth and from how many listens there have been; which items were heard is the
business of streams.py and expected.py.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from palate.core.clock import DAY_SECONDS, HOUR_SECONDS
from palate.sources.world import names
from palate.sources.world.catalogue import TOPICS
from palate.sources.world.draws import Floats, Rows
from palate.sources.world.listening import CHART_SHARE, CHART_SHARE_NEW, REPLAY, REPLAY_NEW
from palate.sources.world.sittings import ITEMS_PER_SITTING, habits, newness
from palate.sources.world.streams import STREAMS, explored, sub_genres
from palate.sources.world.truth import Truth, night

WEEK_SECONDS = 7 * DAY_SECONDS
IDLE = 0.01  # listens that are left for who has none left: their items keep an order


@dataclass(frozen=True)
class Plan:
    """What is planned for some listeners, heard items aside. Arrays of (q, ...), one row for each asked listener.

    users    # (q,) the truth's listener rows
    at       # (q,) unix seconds: when they are asked
    horizon_seconds
    door     # True when a sitting begins at `at` and only that one counts
    taste    # (q, TOPICS) float64, the mean over the horizon
    sittings # (q, kinds) expected sittings
    length   # (q, kinds) mean listens of a sitting
    topic    # (q, TOPICS) what sittings are for
    late     # (q, TOPICS) mean `night` of the sittings for each topic
    replay   # (q, kinds) chance of a re-listen
    chart    # (q,) chance that a discovery is from the charts
    """

    users: Rows
    at: Floats
    horizon_seconds: float
    door: bool
    taste: Floats
    sittings: Floats
    length: Floats
    topic: Floats
    late: Floats
    replay: Floats
    chart: Floats

    @property
    def middle(self) -> Floats:
        """(q,) unix seconds: the middle of the horizon."""
        return self.at + self.horizon_seconds / 2.0

    @property
    def rate(self) -> Floats:
        """(q, STREAMS) expected sittings in each stream."""
        return np.asarray((self.sittings[:, :, None] * self.topic[:, None, :]).reshape(-1, STREAMS), np.float64)

    def reached(self, number: int, rate: Floats) -> Floats:
        """The chance of at least `number` sittings where `rate` are expected: a Poisson's tail, or one at the door."""
        if self.door:
            return rate if number == 1 else np.zeros_like(rate)
        return np.asarray(gammainc(number, rate), np.float64)

    def together(self, hazard: NDArray[np.float32]) -> NDArray[np.float32]:
        """The chance of an item by the sum of its parts: parts of one sitting exclude each other, sittings do not."""
        return np.minimum(hazard, 1.0) if self.door else -np.expm1(-hazard)


def week(
    truth: Truth, users: Rows, before: Rows, at: Floats, horizon_seconds: float = WEEK_SECONDS, foresight: bool = True
) -> Plan:
    """The plan from `at` (q,) on, at whatever hours these listeners have; `before` (q,) listens came before it.

    foresight  False freezes the taste at `at`; the plan holds how it changes within the horizon
    """
    device = truth.device[users]
    hours = _hours()[device]
    late = night(np.arange(24, dtype=np.float64) + 0.5)
    taste = _taste(truth, users, at, horizon_seconds) if foresight else truth.taste_at(users, at).astype(np.float64)
    explore = explored(truth, users, at + horizon_seconds / 2.0)
    by_hour = (
        np.stack([sub_genres(taste, np.full(len(users), one), explore) for one in late], axis=1) * hours[:, :, None]
    )
    topic = by_hour.sum(axis=1)
    length = _lengths(truth, users)
    ends = np.maximum(truth.span[1] - at, 1.0)
    left = np.maximum(truth.activity[users] - before, IDLE) * np.minimum(horizon_seconds / ends, 1.0)
    mix = truth.kind_mix[users].astype(np.float64)
    sittings = left[:, None] * mix / (mix * length).sum(axis=1, keepdims=True)
    late_there = np.einsum("qhk,h->qk", by_hour, late) / topic
    replay, chart = _habitual(truth, users, at + horizon_seconds / 2.0)
    return Plan(users, at, horizon_seconds, False, taste, sittings, length, topic, late_there, replay, chart)


def door(truth: Truth, users: Rows, at: Floats) -> Plan:
    """The plan of one sitting that begins at `at` (q,)."""
    late = night(at / HOUR_SECONDS + truth.utc_hours[users].astype(np.float64))
    taste = truth.taste_at(users, at).astype(np.float64)
    mix = truth.kind_mix[users].astype(np.float64)
    topic = sub_genres(taste, late, explored(truth, users, at))
    replay, chart = _habitual(truth, users, at)
    late_there = np.repeat(late[:, None], TOPICS, axis=1)
    return Plan(users, at, 0.0, True, taste, mix, _lengths(truth, users), topic, late_there, replay, chart)


def _hours() -> Floats:
    """(devices, 24) when sittings begin, in local hours, over a whole week."""
    days, clock = habits()
    days, clock = days / days.sum(axis=1, keepdims=True), clock / clock.sum(axis=2, keepdims=True)
    return np.asarray(days[:, :5].sum(axis=1)[:, None] * clock[:, 0] + days[:, 5:].sum(axis=1)[:, None] * clock[:, 1])


def _taste(truth: Truth, users: Rows, at: Floats, horizon_seconds: float) -> Floats:
    """(q, TOPICS) the mean taste over the horizon."""
    opens = truth.phase_start[users].copy()
    opens[:, 0] = -np.inf
    closes = np.concatenate([opens[:, 1:], np.full((len(users), 1), np.inf)], axis=1)
    inside = np.minimum(closes, (at + horizon_seconds)[:, None]) - np.maximum(opens, at[:, None])
    share = np.maximum(inside, 0.0) / horizon_seconds
    return np.asarray(np.einsum("qp,qpk->qk", share, truth.taste[users]), np.float64)


def _lengths(truth: Truth, users: Rows) -> Floats:
    """(q, kinds) mean listens of a sitting: the last sitting is cut off, which counts where listens are few."""
    tracks = np.array([one.session_items for one in names.DEVICES])[truth.device[users]]
    whole = np.stack([tracks, *(np.full(len(users), one) for one in ITEMS_PER_SITTING[1:])], axis=1)
    usual = (truth.kind_mix[users] * whole).sum(axis=1)
    listens = np.maximum(truth.activity[users], 1)
    return np.asarray(np.maximum(whole * (listens / (listens - 1 + usual))[:, None], 1.0), np.float64)


def _habitual(truth: Truth, users: Rows, times: Floats) -> tuple[Floats, Floats]:
    """Chance of a re-listen by kind (q, kinds), over all surfaces, and of the charts (q,)."""
    new = newness(truth.account_created[users], times)
    usual = REPLAY * (truth.replay[users] * (1.0 - (1.0 - REPLAY_NEW) * new))[:, None]
    surfaces = np.array([one.surfaces for one in names.DEVICES])
    surfaces = (surfaces / surfaces.sum(axis=1, keepdims=True))[truth.device[users]]
    replay = np.minimum(usual, 0.95)
    replay[:, 0] = (np.minimum(usual[:, :1] * names.SURFACE_REPLAY, 0.95) * surfaces).sum(axis=1)
    return replay, np.minimum(CHART_SHARE + CHART_SHARE_NEW * new, 1.0)
