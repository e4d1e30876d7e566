"""Situations that the encoder learns from: listeners as they were at the door of one of their sittings.

A situation is a listener and a moment just before a sitting, or after the last listen. It is kept as a range of the
listener's own listens, two integers; the windows are summed for one batch at a time. Ages are counted from the
listener's latest listen that counts, as in a record whose last event is no skip (records.py).
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.embeddings.records import HALF_LIVES_SECONDS, decay
from palate.embeddings.weights import taste_weights
from palate.listening.history import History

LONGEST = 2_000  # latest listens that a situation holds: the rest weighs little and would cost most of the time


@dataclass(frozen=True)
class Situations:
    """n situations of the listeners of one history.

    items, times    # (listens,) int32, float64: what counts, one listener after another, each in time order
    first, last     # (n,) int64: situation i holds the listens first[i] <= p < last[i] of those, at least one
    n_items         how many items there are
    """

    items: NDArray[np.int32]
    times: NDArray[np.float64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    n_items: int

    def __len__(self) -> int:
        return len(self.first)

    @property
    def moments(self) -> NDArray[np.float64]:
        """(n,) home seconds of the latest listen that each situation holds."""
        return self.times[self.last - 1]

    def take(self, rows: NDArray[np.int64]) -> "Situations":
        """Some of them, in the order of `rows`."""
        return replace(self, first=self.first[rows], last=self.last[rows])

    def windows(self) -> "Windows":
        """The listens of all of them with how much each counts in each window; for a batch, not for all at once."""
        lengths = self.last - self.first
        pointers = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        place = np.arange(pointers[-1]) + np.repeat(self.first - pointers[:-1], lengths)
        ages = np.repeat(self.moments, lengths) - self.times[place]
        shares = decay(ages[None, :], HALF_LIVES_SECONDS[:, None]).astype(np.float32)
        return Windows(self.items[place].astype(np.int64), pointers, ages, shares, self.n_items)


@dataclass(frozen=True)
class Windows:
    """The listens of a batch of situations, one situation after another.

    items    # (listens,) int64
    pointers # (n + 1,) int64: situation i holds pointers[i] <= p < pointers[i + 1]
    ages     # (listens,) float64 seconds before the situation's latest listen
    shares   # (half-lives, listens) float32, 2^(-age / half-life)
    """

    items: NDArray[np.int64]
    pointers: NDArray[np.int64]
    ages: NDArray[np.float64]
    shares: NDArray[np.float32]
    n_items: int

    @property
    def rows(self) -> NDArray[np.int64]:
        """(listens,) which situation each listen belongs to."""
        return np.repeat(np.arange(len(self.pointers) - 1), np.diff(self.pointers))

    @property
    def counts(self) -> NDArray[np.float32]:
        """(half-lives, n) float32: the windows' counts, as in the record."""
        n, rows = len(self.pointers) - 1, self.rows
        return np.stack([np.bincount(rows, share, minlength=n) for share in self.shares]).astype(np.float32)

    def profiles(self, half_life_days: float, every_play: bool) -> sp.csr_matrix:
        """(n, items) float32: each item's plays faded with `half_life_days`; only its latest without `every_play`."""
        share = decay(self.ages, half_life_days * DAY_SECONDS)
        pair, where = self._pairs
        value = np.zeros(len(pair))
        (np.add if every_play else np.maximum).at(value, where, share)
        shape = (len(self.pointers) - 1, self.n_items)
        return sp.csr_matrix((value.astype(np.float32), (pair // self.n_items, pair % self.n_items)), shape)

    @cached_property
    def _pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Each situation's different items, as row * n_items + item; (listens,) the place of each listen's there."""
        pair, where = np.unique(self.rows * self.n_items + self.items, return_inverse=True)
        return pair, where

    def without(self, dropped: NDArray[np.bool_]) -> "Windows":
        """The same situations with some listens left out; one may be left with none."""
        kept = ~dropped
        lengths = np.bincount(self.rows[kept], minlength=len(self.pointers) - 1)
        pointers = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        return replace(
            self, items=self.items[kept], pointers=pointers, ages=self.ages[kept], shares=self.shares[:, kept]
        )


def draw_situations(history: History, each: int, most: int, seed: int) -> Situations:
    """Of every listener the present, and up to `each` earlier moments; at most `most` in all, drawn with `seed`."""
    counted = np.flatnonzero(taste_weights(history) > 0)
    order = counted[np.argsort(history.user[counted], kind="stable")]
    user, session = history.user[order], history.session[order]
    changes = (session[1:] != session[:-1]) | (user[1:] != user[:-1])
    ends = np.append(np.flatnonzero(changes) + 1, len(order))[: len(order)]
    owner = user[ends - 1]
    begins = np.searchsorted(user, owner)
    generator = np.random.default_rng(seed)
    present = np.append(owner[1:] != owner[:-1], True)[: len(ends)]
    chosen = np.sort(np.concatenate([np.flatnonzero(present), _some(owner, ~present, each, generator)]))
    if len(chosen) > most:
        chosen = np.sort(generator.choice(chosen, most, replace=False))
    last = ends[chosen].astype(np.int64)
    first = np.maximum(begins[chosen], last - LONGEST).astype(np.int64)
    return Situations(history.item[order], history.timestamp[order], first, last, history.n_items)


def _some(
    owner: NDArray[np.int32], allowed: NDArray[np.bool_], each: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Up to `each` of the allowed positions of each owner, at random."""
    rows = np.flatnonzero(allowed)
    rows = rows[np.lexsort((generator.random(len(rows)), owner[rows]))]
    place = np.arange(len(rows)) - np.searchsorted(owner[rows], owner[rows])
    return rows[place < each]
