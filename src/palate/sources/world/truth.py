"""What was planted: the answer that a model of the simulated world is measured against.

The liking of listener u for item i at time t is, in odds,

    logit = OFFSET + TOPIC * log(taste(u, t) . topic(i)) + style(u) . style(i) + quality(i)
            + language(u, i) + kind(u, i) - MOOD * night(local hour) * energy(i)

and its logistic function is what `affinity` gives: skips and saves are drawn from it. Attention (`reach`) is no part of
it: what is popular is heard more, but not liked more.
"""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import write_arrays
from palate.sources.world.draws import Floats, Rows

OFFSET, TOPIC, MOOD = 1.8, 1.0, 1.2
KIND = 0.6  # how much an appetite for the kind of item shows in liking one of them


def night(local_hours: Floats) -> Floats:
    """How late it is: 1 at two in the morning, 0 by day; hours of any range."""
    away = (np.asarray(local_hours, np.float64) - 2.0 + 12.0) % 24.0 - 12.0
    return np.asarray(np.exp(-(away**2) / 18.0), np.float64)


@dataclass(frozen=True)
class Truth:
    """The planted numbers. Rows of items and listeners are positions in `World.items` and `World.listeners`.

    topic            # (items, topics) float32, rows sum to one: what the item is
    style            # (items, 4) float32: energy, era, and two that only company can tell
    quality          # (items,) float32, in logits
    reach            # (items,) float64, attention; sums to one within a kind, 0 for items that nobody has played
    language         # (items,) int64, rows of `languages`, -1 for none
    kind             # (items,) uint8, rows of core.items.KINDS
    group            # (items,) int64, the artist, show or author; distinct between kinds
    released         # (items,) float64, unix seconds
    taste            # (listeners, phases, topics) float32, rows sum to one
    phase_start      # (listeners, phases) float64, unix seconds, ascending; the first phase also holds before it
    listener_style   # (listeners, 4) float32
    language_fit     # (listeners, languages + 1) float32, in logits; the last column is for items without words
    kind_mix         # (listeners, kinds) float32, shares of sittings
    utc_hours        # (listeners,) float32, local time less UTC
    account_created  # (listeners,) float64, unix seconds
    activity         # (listeners,) int64, plays and skips within the simulated time
    replay           # (listeners,) float64, factor on the share of re-listens
    device           # (listeners,) int64, rows of names.DEVICES
    turned           # (turns,) int64, listener rows that turned suddenly
    turn_time        # (turns,) float64, unix seconds: a Saturday afternoon
    turn_genre       # (turns,) int64, rows of `genres`: what they turned to
    topics, topic_genre, genres, languages   # names of topics, genre row of each topic, names
    span             # (2,) float64, unix seconds: where the simulated time starts and ends
    """

    topic: NDArray[np.float32]
    style: NDArray[np.float32]
    quality: NDArray[np.float32]
    reach: Floats
    language: Rows
    kind: NDArray[np.uint8]
    group: Rows
    released: Floats
    taste: NDArray[np.float32]
    phase_start: Floats
    listener_style: NDArray[np.float32]
    language_fit: NDArray[np.float32]
    kind_mix: NDArray[np.float32]
    utc_hours: NDArray[np.float32]
    account_created: Floats
    activity: Rows
    replay: Floats
    device: Rows
    turned: Rows
    turn_time: Floats
    turn_genre: Rows
    topics: NDArray[np.str_]
    topic_genre: Rows
    genres: NDArray[np.str_]
    languages: NDArray[np.str_]
    span: Floats

    def taste_at(self, users: Rows, times: Floats) -> NDArray[np.float32]:
        """(n, topics) the planted taste of each listener row at each unix time."""
        phase = (self.phase_start[users] <= times[:, None]).sum(axis=1) - 1
        return np.asarray(self.taste[users, np.maximum(phase, 0)], np.float32)

    def pull(self, users: Rows, items: Rows, times: Floats) -> Floats:
        """(n,) in logits: how an item draws a listener at a time, its topic and kind aside."""
        language = self.language_fit[users, self.language[items]].astype(np.float64)
        spoken = self.kind[items] > 0
        style = np.einsum("ns,ns->n", self.listener_style[users].astype(np.float64), self.style[items])
        late = night(times / 3600.0 + self.utc_hours[users])
        calm = MOOD * late * self.style[items, 0]
        return np.asarray(style + self.quality[items] + language * (1.0 + spoken) - calm, np.float64)

    def affinities(self, users: Rows, items: Rows, times: Floats) -> Floats:
        """(n,) in 0..1, one for each triple of listener row, item row and unix time; arrays of equal length."""
        taste = self.taste_at(users, times).astype(np.float64)
        match = np.einsum("nk,nk->n", taste, self.topic[items])
        mix = self.kind_mix[users].astype(np.float64)
        appetite = KIND * np.log(np.maximum(mix[np.arange(len(users)), self.kind[items]], 1e-3) / mix.max(axis=1))
        logit = OFFSET + TOPIC * np.log(np.maximum(match, 1e-6)) + appetite + self.pull(users, items, times)
        return np.asarray(1.0 / (1.0 + np.exp(-logit)), np.float64)

    def affinity(self, user_row: int, item_rows: Rows, t: float) -> Floats:
        """(n,) in 0..1: how much one listener would like each item at unix time `t`, heard or not."""
        n = len(item_rows)
        return self.affinities(np.full(n, user_row), np.asarray(item_rows, np.int64), np.full(n, float(t)))

    def best(self, user_row: int, t: float, n: int) -> Rows:
        """The n items released by unix time `t` that the listener would like most, best first, heard or not."""
        out = np.flatnonzero(self.released <= t)
        return out[np.argsort(-self.affinity(user_row, out, t), kind="stable")[:n]]

    def write(self, path: Path) -> None:
        """Writes everything to one .npz, atomically; `read_truth` (simulate.py) reads it."""
        write_arrays(path, **{field.name: getattr(self, field.name) for field in fields(self)})
