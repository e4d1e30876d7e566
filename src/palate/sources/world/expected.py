"""The best prediction of what simulated listeners hear next: the plan of the world applied to what they had heard.

The chance that a listener hears item i before the horizon is

    1 - exp(- sum over streams s and n = 1, 2, ... of P(at least n sittings in s) * once(p))

where p is the chance that one listen of such a sitting is of i and stays: the chance of a re-listen times where its
pointer lands (streams.py), plus that of a discovery times what the pools offer and this listener takes, plus that of
more by the same artist or show; each times the chance not to skip. `once` turns it into the chance of at least one in
a sitting of geometric length. docs/rooms/world.md says what of this is exact and what is not, with measurements.

This reads the truth: it is for measuring against, never for recommending.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from palate.core.clock import DAY_SECONDS
from palate.sources.world.catalogue import EPISODE, TOPICS
from palate.sources.world.draws import Floats, Rows
from palate.sources.world.listening import MORE, SKIP_KNOWN, skip_chance
from palate.sources.world.plan import Plan
from palate.sources.world.pools import (
    CHART,
    DEEP,
    LATEST,
    NEW_BOOST,
    NEW_DAYS,
    RETRIES,
    SHORTLIST,
    Pools,
    make_pools,
)
from palate.sources.world.streams import (
    STREAMS,
    Past,
    Pointers,
    Streams,
    pointers,
    pool_shares,
    sorted_into_streams,
)
from palate.sources.world.truth import KIND, MOOD, OFFSET, TOPIC, Truth

Dense = NDArray[np.float32]

NODES = 16  # of the integral in `shortlisted`: within 0.2% of counting out every draw
LIKED = 0.61  # of discoveries are not skipped (measured): only for how fast favourites grow within the horizon
RARE = 1e-4  # sittings less likely than this are not followed


def expected_week(truth: Truth, plan: Plan, past: Past) -> Dense:
    """(q, items) float32: the chance that each asked listener plays each item through at least once as planned.

    plan  # `week(...)`, for a week or another horizon, or `door(...)`, for one sitting
    past  # what they had heard; `Past.who` counts along `plan.users`

    What cannot be played has chance 0. Takes some milliseconds a listener with 6,000 items.
    """
    pools = make_pools(truth)
    streams = sorted_into_streams(truth, plan.users, past, pools)
    liking = Liking.of(truth, plan)
    hazard, finds = _discovered(truth, plan, streams, liking, pools)
    hazard += _replayed(truth, plan, streams, liking)
    hazard += _more(truth, plan, streams, liking, finds)
    return np.asarray(plan.together(hazard), np.float32)


def once(chance: NDArray[np.floating], length: NDArray[np.floating]) -> NDArray[np.floating]:
    """The chance of at least one in a sitting of geometric length with mean `length`, by the chance of one listen."""
    return length * chance / (1.0 + chance * (length - 1.0))


@dataclass(frozen=True)
class Liking:
    """What draws the asked listeners and what they like, the hour aside: (q, items) float32.

    pull   # `Truth.pull`, in logits
    logit  # of the affinity
    fresh  # what a release counts for in a shop window; 0 before it
    """

    pull: Dense
    logit: Dense
    fresh: Dense

    @classmethod
    def of(cls, truth: Truth, plan: Plan) -> "Liking":
        language = truth.language_fit[plan.users][:, truth.language] * (1.0 + (truth.kind > 0))
        pull = truth.listener_style[plan.users] @ truth.style.T + truth.quality + language
        match = np.maximum(plan.taste.astype(np.float32) @ truth.topic.T, 1e-6)
        mix = truth.kind_mix[plan.users]
        appetite = KIND * np.log(np.maximum(mix, 1e-3) / mix.max(axis=1, keepdims=True))
        logit = OFFSET + TOPIC * np.log(match) + appetite[:, truth.kind] + pull
        age_days = (plan.middle[:, None] - truth.released) / DAY_SECONDS
        fresh = (age_days >= 0.0) * (1.0 + NEW_BOOST * np.exp(-np.maximum(age_days, 0.0) / NEW_DAYS))
        return cls(pull.astype(np.float32), logit.astype(np.float32), fresh.astype(np.float32))


def stays(logit: NDArray[np.floating], known: bool) -> NDArray[np.floating]:
    """The chance that an item is not skipped, by the logit of its affinity; `known` for a re-listen."""
    return 1.0 - (SKIP_KNOWN if known else 1.0) * skip_chance(expit(logit), np.zeros(1, bool))


def shortlisted(weight: Dense, share: Floats) -> Dense:
    """(q, n) the chance that a discovery in one pool is each item of it: SHORTLIST draws, then one by weight.

    weight # (q, n) how each item draws each listener; 0 for what is not out yet
    share  # (n,) chance to be drawn, summing to one

    Item i is chosen with SHORTLIST * share_i * E[w_i / (w_i + W)] over the sum W of the other draws' weights, and
    1 / x is the integral of exp(-l * x) over l: the draws are independent, so E[exp(-l * W)] is a power. The integral
    is taken over log l.
    """
    usual = np.maximum(weight @ share.astype(np.float32), 1e-30)[:, None]
    scaled = weight / usual
    steps = np.linspace(-6.5, 4.5, NODES)
    level = (np.exp(steps) / (SHORTLIST - 1)).astype(np.float32)
    fading = np.exp(-scaled[:, :, None] * level)
    others = np.einsum("qnl,n->ql", fading, share.astype(np.float32)) ** (SHORTLIST - 1)
    chosen = scaled * share * np.einsum("qnl,ql->qn", fading, others * level)
    return np.asarray(chosen / np.maximum(chosen.sum(axis=1, keepdims=True), 1e-30), np.float32)


@dataclass(frozen=True)
class _Pool:
    """One pool for all asked listeners: its stream's number, item rows (n,), and chances (q, n) in each depth."""

    number: int
    items: Rows
    offered: tuple[Dense, Dense]

    def mixed(self, chart: Floats) -> Dense:
        """(q, n) over both depths."""
        share = chart[:, None].astype(np.float32)
        return share * self.offered[CHART] + (1.0 - share) * self.offered[DEEP]


Finds = tuple[_Pool, Dense]  # what one discovery in a pool finds and keeps: (q, n)


def _offers(truth: Truth, plan: Plan, liking: Liking, pools: Pools) -> list[_Pool]:
    pool, share = pool_shares(pools)
    first = np.searchsorted(pool, np.arange(STREAMS + 1))
    out = []
    for number in range(STREAMS):
        entries = slice(first[number], first[number + 1])
        items = pools.items[entries]
        weight = np.exp(liking.pull[:, items] - _calm(truth, plan, number, items)) * liking.fresh[:, items]
        out.append(
            _Pool(
                number, items, (shortlisted(weight, share[CHART, entries]), shortlisted(weight, share[DEEP, entries]))
            )
        )
    return out


def _calm(truth: Truth, plan: Plan, number: int, items: Rows) -> Dense:
    """(q, n) how much less items draw at the hours of one stream."""
    late = plan.late[:, number % TOPICS, None].astype(np.float32)
    return np.asarray(MOOD * late * truth.style[items, 0], np.float32)


def _discovered(truth: Truth, plan: Plan, streams: Streams, liking: Liking, pools: Pools) -> tuple[Dense, list[Finds]]:
    """The part of discoveries in the hazard: (q, items); and what they find."""
    offers = _offers(truth, plan, liking, pools)
    met = _met(truth, plan, streams, liking, offers)
    hazard, finds = np.zeros_like(liking.pull), []
    rate, more = plan.rate, _going_on(plan, streams)
    past = np.minimum(streams.total(len(plan.users), streams.favourite), 1.0)
    for pool in offers:
        kind, known = pool.number // TOPICS, met[:, pool.items]
        drawn = np.zeros_like(known)
        for depth, share in ((CHART, plan.chart), (DEEP, 1.0 - plan.chart)):
            offered = pool.offered[depth]
            twice = (offered * known).sum(axis=1, keepdims=True)  # what was met is drawn again, RETRIES times at most
            anew = sum((twice**retry for retry in range(RETRIES + 1)), np.zeros_like(twice))
            drawn += share[:, None].astype(np.float32) * offered * ((1.0 - known) * anew + known * twice**RETRIES)
        found = drawn * stays(liking.logit[:, pool.items] - _calm(truth, plan, pool.number, pool.items), known=False)
        # With nothing to come back to or to go on from, a re-listen or more of the same is a discovery.
        others = plan.replay[:, kind] * past[:, pool.number] + more[:, pool.number]
        sitting = once((1.0 - others)[:, None] * found, plan.length[:, kind, None])
        hazard[:, pool.items] += (rate[:, pool.number, None] * sitting).astype(np.float32)
        finds.append((pool, found))
    return hazard, finds


def _met(truth: Truth, plan: Plan, streams: Streams, liking: Liking, offers: list[_Pool]) -> Dense:
    """(q, items) the chance that the pools have offered an item already.

    Every listen has drawn a discovery, also where a re-listen took its place: those were met and nobody saw it.
    """
    listeners, kind = len(plan.users), np.arange(STREAMS) // TOPICS
    unseen = streams.total(listeners) - streams.total(listeners, streams.first) * (1.0 - MORE[kind])
    drawn = np.zeros_like(liking.pull)
    for pool in offers:
        drawn[:, pool.items] += unseen[:, pool.number, None].astype(np.float32) * pool.mixed(plan.chart)
    # A pool's chances are of now: an item counts for as long as it was out, and more while it was new.
    joined = truth.phase_start[plan.users, :1]
    since = np.maximum(truth.released, joined)
    age, out = (since - truth.released) / DAY_SECONDS, np.maximum(plan.at[:, None] - since, 0.0) / DAY_SECONDS
    boosted = NEW_BOOST * NEW_DAYS * (np.exp(-age / NEW_DAYS) - np.exp(-(age + out) / NEW_DAYS))
    known_days = np.maximum(plan.at[:, None] - joined, DAY_SECONDS) / DAY_SECONDS
    drawn *= ((out + boosted) / known_days / np.maximum(liking.fresh, 1.0)).astype(np.float32)
    met = -np.expm1(-drawn)
    met[streams.who, streams.item] = 1.0
    return np.asarray(met, np.float32)


def _replayed(truth: Truth, plan: Plan, streams: Streams, liking: Liking) -> Dense:
    """The part of re-listens in the hazard: (q, items). Favourites go on growing from sitting to sitting."""
    landing = pointers(streams, streams.favourite, streams.item)
    who, item, kind = landing.who, landing.key, landing.stream // TOPICS
    replay, length = plan.replay[who, kind], plan.length[who, kind]
    rate = plan.rate[who, landing.stream]
    calm = MOOD * plan.late[who, landing.stream % TOPICS] * truth.style[item, 0]
    stay = stays(liking.logit[who, item] - calm, known=True)
    growth = replay + (1.0 - replay) * LIKED
    hazard, number = np.zeros(len(who)), 1
    while (reached := plan.reached(number, rate)).max(initial=0.0) > RARE:
        chance = landing.chance()
        hazard += reached * once(replay * chance * stay, length)
        landing, number = landing.after(length * growth, replay / growth * chance), number + 1
    out = np.zeros_like(liking.pull)
    np.add.at(out, (who, item), hazard)
    return out


def _more(truth: Truth, plan: Plan, streams: Streams, liking: Liking, finds: list[Finds]) -> Dense:
    """The part of more by the same artist, show or author in the hazard: (q, items)."""
    landing = pointers(streams, streams.found, truth.group[streams.item])
    wanted, sittings, told = _groups(truth, plan, landing)
    every = np.arange(STREAMS) // TOPICS
    left = np.maximum(plan.rate * plan.length[:, every] * _going_on(plan, streams) - told, 0.0)
    late = (plan.topic * plan.late).sum(axis=1, keepdims=True)
    stay = stays(liking.logit - MOOD * late * truth.style[:, 0], known=False)
    taken = _shelf(truth, plan) * stay
    times, length = sittings[:, truth.group], plan.length[:, truth.kind]
    chance = np.minimum(wanted[:, truth.group] * taken / np.maximum(times * length, 1e-9), 1.0)
    followed = _followed(truth, left, finds)[:, truth.group]
    return np.asarray(times * once(chance, length) + followed * taken, np.float32)


def _going_on(plan: Plan, streams: Streams) -> Floats:
    """(q, STREAMS) the chance that a listen is more of what the stream has found, in the past or before in its sitting.

    In a first sitting of geometric length, 1 / (1 + (length - 1) f) of the listens come before anything is found, if
    each finds something with chance f.
    """
    kind = np.arange(STREAMS) // TOPICS
    new, length = 1.0 - plan.replay[:, kind], plan.length[:, kind]
    found = np.minimum(streams.total(len(plan.users), streams.found), 1.0)
    nothing = (1.0 - found) / (1.0 + (length - 1.0) * new * (1.0 - MORE[kind]) * LIKED)
    return np.asarray(new * MORE[kind] * (1.0 - nothing), np.float64)


def _groups(truth: Truth, plan: Plan, landing: Pointers) -> tuple[Dense, Dense, Floats]:
    """By group (q, groups): listens that go on from what was found in the past, and sittings that may hold them.

    The third, (q, STREAMS), are the listens by stream: the others go on from what is found within the horizon.
    """
    who, kind = landing.who, landing.stream // TOPICS
    rate, length, new = plan.rate[who, landing.stream], plan.length[who, kind], 1.0 - plan.replay[who, kind]
    half = length * new * (1.0 - MORE[kind]) * LIKED / 2.0  # on average half of a sitting's finds come before
    listens, number, nothing = np.zeros(len(who)), 1, np.zeros(len(who))
    while (reached := plan.reached(number, rate)).max(initial=0.0) > RARE:
        landing = landing.after(half, nothing)
        listens += reached * length * new * MORE[kind] * landing.chance()
        landing, number = landing.after(half, nothing), number + 1
    shape = (len(plan.users), int(truth.group.max()) + 1)
    wanted, sittings = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    np.add.at(wanted, (who, landing.key), listens)
    np.add.at(sittings, (who, landing.key), rate)
    told = np.bincount(who * STREAMS + landing.stream, listens, plan.rate.size).reshape(plan.rate.shape)
    return wanted, sittings, np.asarray(told, np.float64)


def _followed(truth: Truth, left: Floats, finds: list[Finds]) -> Dense:
    """(q, groups) listens that go on from what is found within the horizon: `left` (q, STREAMS) by what is found."""
    out = np.zeros((len(left), int(truth.group.max()) + 1), np.float32)
    for pool, found in finds:
        order = np.argsort(truth.group[pool.items], kind="stable")
        group = truth.group[pool.items[order]]
        opening = np.flatnonzero(np.diff(group, prepend=-1))
        share = found[:, order] * (left[:, pool.number, None] / np.maximum(found.sum(axis=1, keepdims=True), 1e-9))
        out[:, group[opening]] += np.add.reduceat(share, opening, axis=1)
    return out


def _shelf(truth: Truth, plan: Plan) -> Dense:
    """(q, items) the chance of each item among those of its group, averaged over what is out by and by."""
    order = np.flatnonzero(truth.reach > 0.0)
    order = order[np.lexsort((truth.released[order], truth.group[order]))]
    group, released = truth.group[order], truth.released[order]
    first = np.searchsorted(group, np.arange(int(truth.group.max()) + 2))
    shelf, moments = np.zeros((len(plan.users), len(truth.kind)), np.float32), (1 / 6, 3 / 6, 5 / 6)
    for moment in moments:
        out = released <= (plan.at + moment * plan.horizon_seconds)[:, None]
        through = np.concatenate([np.zeros((len(out), 1), np.int64), np.cumsum(out, axis=1)], axis=1)
        count = (through[:, first[group + 1]] - through[:, first[group]]).clip(1)
        back = count - (through[:, 1:] - through[:, first[group]])  # how many of the group are newer
        latest = np.exp(-back / LATEST) * np.where(back == count - 1, 1.0, -np.expm1(-1.0 / LATEST))
        shelf[:, order] += out * np.where(truth.kind[order] == EPISODE, latest, 1.0 / count) / len(moments)
    return shelf
