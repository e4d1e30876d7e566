"""Drawing items that somebody has not met: by kind, sub-genre and attention, then by what draws this listener.

For each kind and topic a pool holds the items with a loading there. A discovery looks at SHORTLIST draws of the pool
(what a shop window would show) and takes one with a chance in proportion to the exponential of its planted pull.
"""

from dataclasses import dataclass

import numpy as np

from palate.core.clock import DAY_SECONDS
from palate.core.items import KINDS
from palate.sources.world.catalogue import TOPICS, Catalogue
from palate.sources.world.draws import Draws, Floats, Rows
from palate.sources.world.truth import Truth

SHORTLIST = 8
RETRIES = 2
LEAST_LOADING = 0.05  # an item is in the pools of the topics that carry at least this much of it
CHART, DEEP = 0, 1
REACH_POWER = (1.4, 0.8)  # of attention, in the charts that new accounts hear and in the depth of a genre
LATEST = 1.5  # how far back of the newest one goes on average where the latest are wanted
NEW_BOOST, NEW_DAYS = 3.0, 21.0  # a fresh release is drawn up to 1 + NEW_BOOST times as often


@dataclass(frozen=True)
class Pools:
    """All pools end to end: pool p holds `items[first[p]:first[p + 1]]`.

    `level` (2, entries) are cumulative weights that rise by one within each pool and start at its number, so that one
    search draws for any mix of pools. `oldest` (pools,) is the item of each pool that was released first.
    """

    items: Rows
    level: Floats
    oldest: Rows


def make_pools(catalogue: Catalogue | Truth) -> Pools:
    """The pools of a catalogue; every pool has an item, since every genre has a veteran, a show and a book.

    Those of the truth are the same up to rounding: it holds the loadings in float32.
    """
    loud = (catalogue.topic >= LEAST_LOADING) & (catalogue.reach > 0.0)[:, None]
    item, topic = np.nonzero(loud)
    pool = catalogue.kind[item].astype(np.int64) * TOPICS + topic
    order = np.argsort(pool, kind="stable")
    item, topic, pool = item[order], topic[order], pool[order]
    n_pools = len(KINDS) * TOPICS
    first = np.searchsorted(pool, np.arange(n_pools + 1))
    levels = []
    for power in REACH_POWER:
        total = np.cumsum(catalogue.reach[item] ** power * catalogue.topic[item, topic])
        before = np.concatenate([[0.0], total])[first]
        share = (total - before[pool]) / np.diff(before)[pool]
        share[first[1:] - 1] = 1.0
        levels.append(pool + share)
    by_age = np.lexsort((catalogue.released[item], pool))
    return Pools(item, np.stack(levels), item[by_age[first[:-1]]])


@dataclass(frozen=True)
class Wishes:
    """What is asked of the pools, in columns of (n,): listener rows, unix times, kind, topic, charts or depth."""

    users: Rows
    times: Floats
    kind: Rows
    topic: Rows
    depth: Rows

    def take(self, rows: Rows) -> "Wishes":
        """The wishes at these positions."""
        return Wishes(self.users[rows], self.times[rows], self.kind[rows], self.topic[rows], self.depth[rows])


def discover(wishes: Wishes, pools: Pools, truth: Truth, draws: Draws) -> Rows:
    """(n,) one released item for each wish, heard before or not."""
    n = len(wishes.users)
    pool = wishes.kind * TOPICS + wishes.topic
    seek = pool[:, None] + draws.uniform(n, SHORTLIST)
    place = np.empty(seek.shape, np.int64)
    for depth in (CHART, DEEP):
        rows = wishes.depth == depth
        place[rows] = np.searchsorted(pools.level[depth], seek[rows], side="right")
    shown = pools.items[np.minimum(place, len(pools.items) - 1)]
    flat, times = shown.ravel(), np.repeat(wishes.times, SHORTLIST)
    age_days = (times - truth.released[flat]) / DAY_SECONDS
    weight = np.exp(truth.pull(np.repeat(wishes.users, SHORTLIST), flat, times))
    weight *= (age_days >= 0.0) * (1.0 + NEW_BOOST * np.exp(-np.maximum(age_days, 0.0) / NEW_DAYS))
    weight = weight.reshape(n, SHORTLIST)
    chosen = shown[np.arange(n), draws.pick_columns(weight)]
    return np.where(weight.sum(axis=1) > 0.0, chosen, pools.oldest[pool])


def discover_new(wishes: Wishes, pools: Pools, truth: Truth, draws: Draws) -> Rows:
    """(n,) as `discover`, but what one listener's wishes met twice is drawn again, up to RETRIES times.

    Heavy listeners still meet things twice: a sub-genre of a small catalogue has an end.
    """
    item = discover(wishes, pools, truth, draws)
    for _ in range(RETRIES):
        twice = np.ones(len(item), bool)
        twice[np.unique(wishes.users * len(truth.kind) + item, return_index=True)[1]] = False
        rows = np.flatnonzero(twice)
        item[rows] = discover(wishes.take(rows), pools, truth, draws)
    return item


@dataclass(frozen=True)
class Shelves:
    """What else there is by an artist, in a show, or by an author: items by group and release."""

    items: Rows
    group: Rows
    released: Floats
    first: Rows


def make_shelves(catalogue: Catalogue) -> Shelves:
    """The shelves of a catalogue, without what nobody may play yet."""
    rows = np.flatnonzero(catalogue.reach > 0.0)
    rows = rows[np.lexsort((catalogue.released[rows], catalogue.group[rows]))]
    group = catalogue.group[rows]
    return Shelves(rows, group, catalogue.released[rows], np.searchsorted(group, np.arange(group.max() + 2)))


def more_of_it(items: Rows, times: Floats, newest: Rows, catalogue: Catalogue, shelves: Shelves, draws: Draws) -> Rows:
    """(n,) another item (or the same) of the same group, released by then: any of them, or one of the latest.

    `newest` (n,) is 1 where the latest are wanted, as of a podcast, and 0 where any will do, as of an artist.
    """
    group = catalogue.group[items]
    first = shelves.first[group]
    # One search for (group, time): group numbers are whole, so a release squeezed into [0, 1) orders within a group.
    earliest, latest = shelves.released.min(), max(float(shelves.released.max()), float(times.max(initial=0.0))) + 1.0
    key = shelves.group + (shelves.released - earliest) / (latest - earliest)
    end = np.searchsorted(key, group + (times - earliest) / (latest - earliest), side="right")
    count = np.maximum(end - first, 1)
    anyone = first + draws.below(count, len(items))
    latest_few = first + np.maximum(count - 1 - (LATEST * draws.exponential(len(items))).astype(np.int64), 0)
    return shelves.items[np.where(newest == 1, latest_few, anyone)]
