"""Weeks of listening in columns, real or simulated, and drawing from what each listener has."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.listening.history import History

Rows = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Weeks:
    """Heard plays of q listeners in `draws` versions of one week, p rows in any order.

    listener # (p,) int64, position in the list of listeners that this is about
    draw     # (p,) int64, 0 to draws - 1
    item     # (p,) int32
    time     # (p,) float64, home seconds
    known    # (p,) bool, the listener had heard the item before the week
    """

    listener: NDArray[np.int64]
    draw: NDArray[np.int64]
    item: NDArray[np.int32]
    time: NDArray[np.float64]
    known: NDArray[np.bool_]
    listeners: int
    draws: int

    def take(self, rows: NDArray[Any]) -> "Weeks":
        """The plays at `rows` (a mask or positions)."""
        chosen = {name: getattr(self, name)[rows] for name in ("listener", "draw", "item", "time", "known")}
        return replace(self, **chosen)

    def only(self, draw: int) -> "Weeks":
        """One of the versions by itself."""
        one = self.take(self.draw == draw)
        return replace(one, draw=np.zeros_like(one.draw), draws=1)

    def counts(self) -> NDArray[np.int64]:
        """(listeners, draws) plays."""
        return self._per_week(self.listener * self.draws + self.draw)

    def distinct(self) -> NDArray[np.int64]:
        """(listeners, draws) distinct items."""
        width = int(self.item.max(initial=0)) + 1
        return self._per_week(np.unique((self.listener * self.draws + self.draw) * width + self.item) // width)

    def _per_week(self, cell: NDArray[np.int64]) -> NDArray[np.int64]:
        plays = np.bincount(cell, minlength=self.listeners * self.draws)
        return plays.reshape(self.listeners, self.draws).astype(np.int64)


def week_of(heard: History, users: NDArray[np.int32], known: NDArray[np.bool_]) -> Weeks:
    """What `users` (ascending) played in `heard`, as one version of their week; known # (len(heard),), as in Weeks."""
    place = places(users, heard.user)
    there = np.flatnonzero(place >= 0)
    listener = place[there]
    columns = (listener, np.zeros_like(listener), heard.item[there], heard.timestamp[there], known[there])
    return Weeks(*columns, len(users), 1)


def holds(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(p,) whether each of `wanted` is among the ascending `keys`. A search: numpy's isin hashes all keys each time."""
    if not len(keys):
        return np.zeros(len(wanted), np.bool_)
    return np.asarray(keys[np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)] == wanted, np.bool_)


def places(users: NDArray[np.int32], wanted: Rows) -> NDArray[np.int64]:
    """(p,) the position of each of `wanted` in `users` (ascending), -1 for who is not there."""
    if not len(users):
        return np.full(len(wanted), -1, np.int64)
    found = np.minimum(np.searchsorted(users, wanted), len(users) - 1)
    return np.where(users[found] == wanted, found, -1).astype(np.int64)


@dataclass(frozen=True)
class Choices:
    """Weighted values of each listener, to draw from with replacement.

    values     # (m,) grouped by listener, ascending
    shares     # (m,) float64, each listener's sum to one
    cumulative # (m,) float64, ascending: those of listener i lie in (i, i + 1]
    sizes      # (listeners,) how many values each has
    """

    values: NDArray[Any]
    shares: NDArray[np.float64]
    cumulative: NDArray[np.float64]
    sizes: NDArray[np.int64]

    @classmethod
    def of(cls, owner: Rows, values: NDArray[Any], weights: NDArray[Any], listeners: int) -> "Choices":
        """From parallel (m,) columns in any order; weights are above 0 for somebody to be drawn from."""
        kept = np.flatnonzero(weights > 0)
        order = kept[np.argsort(owner[kept], kind="stable")]
        owner, values, weights = owner[order], values[order], weights[order]
        sizes = np.bincount(owner, minlength=listeners)
        shares = weights / np.bincount(owner, weights, minlength=listeners)[owner]
        running = np.cumsum(shares)
        before = np.concatenate(([0.0], running))[(np.cumsum(sizes) - sizes)[owner]]
        cumulative = owner + np.minimum(running - before, 1.0)
        return cls(values, shares, cumulative, sizes.astype(np.int64))

    def draw(self, listener: Rows, rng: np.random.Generator) -> NDArray[Any]:
        """(p,) a value of each listener's own; all of them must have one."""
        found = np.searchsorted(self.cumulative, listener + rng.random(len(listener)), "right")
        # Rounding may end a listener's part just below i + 1, or lift the draw to it.
        return np.asarray(self.values[np.minimum(found, np.cumsum(self.sizes)[listener] - 1)])

    def shrunk(self, listener: Rows, prior: float, rng: np.random.Generator) -> NDArray[Any]:
        """(p,) the same, but with chance prior / (prior + own values) a value of a listener drawn at random."""
        somebody = np.flatnonzero(self.sizes)
        own = rng.random(len(listener)) < self.sizes[listener] / (self.sizes[listener] + prior)
        return self.draw(np.where(own, listener, somebody[rng.integers(0, len(somebody), len(listener))]), rng)

    def chances(self, listener: Rows, value: Rows) -> NDArray[np.float64]:
        """(p,) how likely each listener is to draw each value; 0 for what is not theirs. Values are integers >= 0."""
        width = int(max(self.values.max(initial=0), value.max(initial=0))) + 1
        keys = np.repeat(np.arange(len(self.sizes)), self.sizes) * width + self.values
        order, wanted = np.argsort(keys, kind="stable"), listener.astype(np.int64) * width + value
        if not len(keys):
            return np.zeros(len(wanted))
        found = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)]
        return np.where(keys[found] == wanted, self.shares[found], 0.0)
