"""What listeners had heard, sorted into the streams that re-listens point into.

A stream is what one listener heard of one kind in sittings for one sub-genre. The log does not say what a sitting was
for; its items do: with pools of an item known, Bayes' rule puts 98.5% of the listens of the default world into the
right stream, and where it is undecided a listen belongs to several streams by weight.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.items import KINDS
from palate.sources.world.catalogue import TOPIC_ENERGY, TOPICS, topic_shares
from palate.sources.world.draws import Floats, Rows
from palate.sources.world.listening import CHART_SHARE, RECENT_LISTENS, RECENT_SHARE
from palate.sources.world.pools import CHART, DEEP, Pools
from palate.sources.world.sittings import CALM, EXPLORE, EXPLORE_NEW, newness
from palate.sources.world.truth import Truth, night

STREAMS = len(KINDS) * TOPICS  # a stream's number is kind * TOPICS + topic, as a pool's
STRAY = 1e-5  # the share of a pool that an item from outside it is given: more by an artist may lie beside it
LEAST_WEIGHT = 0.02  # a listen is not put into a stream to which it belongs less than this


@dataclass(frozen=True)
class Past:
    """Plays and skips of some listeners in columns of (n,), ascending by listener, then time.

    who     # position among the asked listeners
    item    # item row of the truth
    time    # unix seconds
    sitting # equal within a sitting; the listens of a sitting stand together
    skip    # left early
    """

    who: Rows
    item: Rows
    time: Floats
    sitting: Rows
    skip: NDArray[np.bool_]


@dataclass(frozen=True)
class Streams:
    """The past by stream, in columns of (m,): a listen has a row for each stream that it may be of.

    weight    # how surely it is of this stream; the weights of a listen sum to one
    first     # the listener's first meeting with the item
    favourite # a re-listen may point to it: it was played, or it was a re-listen itself
    found     # a first meeting that was played: what leads to more by the same artist
    """

    who: Rows
    stream: Rows
    item: Rows
    weight: Floats
    first: NDArray[np.bool_]
    favourite: NDArray[np.bool_]
    found: NDArray[np.bool_]

    def total(self, listeners: int, only: NDArray[np.bool_] | None = None) -> Floats:
        """(listeners, STREAMS) listens in each stream; with `only` (m,) those rows."""
        weight = self.weight if only is None else self.weight * only
        cell = self.who * STREAMS + self.stream
        total = np.bincount(cell, weight, listeners * STREAMS).reshape(listeners, STREAMS)
        return np.asarray(total, np.float64)


def sorted_into_streams(truth: Truth, users: Rows, past: Past, pools: Pools) -> Streams:
    """Puts every listen of `past` into its streams; `users` (q,) are the truth's rows of the asked listeners."""
    opens = np.diff(past.sitting, prepend=-1) != 0
    opens[:1] = True
    sitting = np.cumsum(opens) - 1
    belief = _topics(truth, users, past, np.flatnonzero(opens), pools)
    first, again = _meetings(past, len(truth.kind))
    listen, topic = np.nonzero(belief[sitting]) if len(sitting) else (np.zeros(0, np.int64), np.zeros(0, np.int64))
    item, skip = past.item[listen], past.skip[listen]
    return Streams(
        who=past.who[listen],
        stream=truth.kind[item].astype(np.int64) * TOPICS + topic,
        item=item,
        weight=belief[sitting[listen], topic],
        first=first[listen],
        favourite=~skip | again[listen],
        found=first[listen] & ~skip,
    )


def _topics(truth: Truth, users: Rows, past: Past, opening: Rows, pools: Pools) -> Floats:
    """(sittings, TOPICS) how likely each sitting was for each sub-genre; small chances are cut off."""
    if not len(opening):
        return np.zeros((0, TOPICS))
    user, time = users[past.who[opening]], past.time[opening]
    late = night(time / 3600.0 + truth.utc_hours[user])
    prior = sub_genres(truth.taste_at(user, time).astype(np.float64), late, explored(truth, user, time))
    evidence = np.add.reduceat(_familiar(truth, pools)[past.item], opening, axis=0)
    score = np.log(np.maximum(prior, 1e-12)) + evidence
    belief = np.exp(score - score.max(axis=1, keepdims=True))
    belief /= belief.sum(axis=1, keepdims=True)
    belief[belief < LEAST_WEIGHT] = 0.0
    return np.asarray(belief / belief.sum(axis=1, keepdims=True), np.float64)


def explored(truth: Truth, users: Rows, times: Floats) -> Floats:
    """(n,) the chance that a sitting is for any sub-genre as common, whatever the taste."""
    return EXPLORE + EXPLORE_NEW * newness(truth.account_created[users], times)


def sub_genres(taste: Floats, late: Floats, explore: Floats) -> Floats:
    """(n, TOPICS) what sittings are for, by taste (n, TOPICS), `night` (n,) and the chance to explore (n,)."""
    calm = taste * np.exp(-CALM * late[:, None] * TOPIC_ENERGY)
    calm /= calm.sum(axis=1, keepdims=True)
    return np.asarray((1.0 - explore)[:, None] * calm + explore[:, None] * topic_shares(), np.float64)


def _familiar(truth: Truth, pools: Pools) -> Floats:
    """(items, TOPICS) the log of each item's share of the pool of its kind and each topic."""
    pool, share = pool_shares(pools)
    seen = np.zeros((len(truth.kind), TOPICS))
    seen[pools.items, pool % TOPICS] = CHART_SHARE * share[CHART] + (1.0 - CHART_SHARE) * share[DEEP]
    return np.asarray(np.log(seen + STRAY), np.float64)


def pool_shares(pools: Pools) -> tuple[Rows, Floats]:
    """The pool of each entry of `pools`: (entries,), and its chance to be drawn in each depth: (2, entries)."""
    before = np.concatenate([np.zeros((2, 1)), pools.level[:, :-1]], axis=1)
    pool = np.floor(before[DEEP] + 1e-9).astype(np.int64)
    return pool, pools.level - before


def _meetings(past: Past, n_items: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each listen is the first of its item, and whether one before it was played: both (n,)."""
    pair = past.who * n_items + past.item
    order = np.argsort(pair, kind="stable")  # time goes up within a pair
    opens = np.diff(pair[order], prepend=-1) != 0
    played: Rows = np.cumsum(~past.skip[order]) - ~past.skip[order]
    start = np.maximum.accumulate(np.where(opens, np.arange(len(order)), 0))
    first, again = np.empty(len(order), bool), np.empty(len(order), bool)
    first[order], again[order] = opens, played > played[start]
    return first, again


@dataclass(frozen=True)
class Pointers:
    """Where the next pointer into each stream lands: `listening._lag` summed over what it may land on.

    All (m,), one row for each listener, stream and key (an item, or a group).

    near     # chance that a pointer of the near kind lands here
    count    # listens of the key in the stream
    total    # listens in the stream
    """

    who: Rows
    stream: Rows
    key: Rows
    near: Floats
    count: Floats
    total: Floats

    def chance(self) -> Floats:
        """(m,) the chance of each; they sum to one in each stream that holds a whole listen."""
        # A near pointer that would reach beyond the stream's beginning lands anywhere.
        reached = -np.expm1(-self.total / RECENT_LISTENS)
        spread = (1.0 - RECENT_SHARE * reached) * self.count / self.total
        return np.asarray(np.minimum(self.total, 1.0) * (RECENT_SHARE * self.near + spread), np.float64)

    def after(self, grown: Floats, again: Floats) -> "Pointers":
        """What is expected after `grown` (m,) more listens in the stream, the share `again` (m,) of them of the key."""
        kept = np.exp(-grown / RECENT_LISTENS)
        near = kept * self.near + (1.0 - kept) * again
        return Pointers(self.who, self.stream, self.key, near, self.count + grown * again, self.total + grown)


def pointers(streams: Streams, rows: NDArray[np.bool_], key: Rows) -> Pointers:
    """Where pointers land among the `rows` (m,) of `streams`, summed by `key` (m,)."""
    taken = np.flatnonzero(rows)
    cell = streams.who[taken] * STREAMS + streams.stream[taken]
    taken = taken[np.argsort(cell, kind="stable")]
    cell, weight, name = streams.who[taken] * STREAMS + streams.stream[taken], streams.weight[taken], key[taken]
    through = np.cumsum(weight)
    cells, opening, stream = np.unique(cell, return_index=True, return_inverse=True)
    closing = np.append(opening[1:], len(cell))[: len(cells)] - 1  # one for each cell, none for none
    lag = through[closing][stream] - through
    near = np.exp(-lag / RECENT_LISTENS) - np.exp(-(lag + weight) / RECENT_LISTENS)
    span = int(name.max(initial=0)) + 1
    places, place = np.unique(cell * span + name, return_inverse=True)
    cell, name = np.divmod(places, span)
    who, number = np.divmod(cell, STREAMS)
    return Pointers(
        who=who,
        stream=number,
        key=name,
        near=np.asarray(np.bincount(place, near, len(places)), np.float64),
        count=np.asarray(np.bincount(place, weight, len(places)), np.float64),
        total=np.asarray(np.bincount(stream, weight, len(cells))[np.searchsorted(cells, cell)], np.float64),
    )
