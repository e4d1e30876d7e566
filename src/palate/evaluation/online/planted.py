"""A world of slates in which the value of every policy is known: what the online evaluation is tried on.

Listeners and items are the simulated world's. A slate has PLACES places, and each place has a shelf of its own, a few
items out of which a policy draws one: so no item stands twice in a slate, and the chance of each item at its place is
exact. A place is looked at with a chance that falls with its depth; what is looked at is heard with the listener's
planted affinity and skipped otherwise. The value of a policy is heard items per slate, and is a sum that needs no dice:

    V(p) = sum over listeners of visits * sum over places of look * sum over the shelf of p(item) * affinity,  / visits

It is linear in the policy. So a policy with a lift of exactly 3% is made by mixing a better one in:
p = (1 - m) popular + m taste with m = 0.03 V(popular) / (V(taste) - V(popular)).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.sources.world import Truth, WorldSettings, simulate

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
PLACES, SHELF = 10, 8
DEPTH = 0.15  # a place is looked at with 1 / (1 + DEPTH * place): two in five at the tenth
MEAN_VISITS = 4.0
BLOCK_LISTENERS = 1_000


@dataclass(frozen=True)
class Planted:
    """Everything about a world of slates. Policies are chances (listeners, PLACES, SHELF) that sum to one by shelf.

    items      # (listeners, PLACES, SHELF) rows of item_ids
    liking     # the same shape: the planted affinity, heard when looked at
    look       # (PLACES,)
    visits     # (listeners,) int64, slates in a window, at least 1
    popular    # draws by attention: the policy in place
    taste      # draws by the planted taste: a better one
    """

    user_ids: list[str]
    item_ids: list[str]
    items: Rows
    liking: Floats
    look: Floats
    visits: Rows
    popular: Floats
    taste: Floats

    def value(self, policy: Floats) -> float:
        """V(policy): heard items per slate, exactly."""
        return float(self.visits @ (self.liked(policy) @ self.look) / self.visits.sum())

    def liked(self, policy: Floats) -> Floats:
        """(listeners, PLACES) the chance that what stands there is liked."""
        return np.asarray(np.einsum("lps,lps->lp", policy, self.liking), np.float64)

    def lifted(self, lift: float) -> Floats:
        """A policy whose value is 1 + lift times that of `popular`; BadInput when taste does not reach that far."""
        now, best = self.value(self.popular), self.value(self.taste)
        mix = lift * now / (best - now)
        if not 0.0 <= mix <= 1.0:
            raise BadInput(f"a lift of {lift:.1%} is out of reach; choose from 0% to {best / now - 1.0:.1%}")
        return (1.0 - mix) * self.popular + mix * self.taste


@dataclass(frozen=True)
class Shown:
    """n slates as they were drawn. choice # (n, PLACES) places of the shelf; looked, heard # (n, PLACES)."""

    listener: Rows
    choice: Rows
    looked: NDArray[np.bool_]
    heard: NDArray[np.bool_]


def plant(listeners: int, seed: int, items: int = 800) -> Planted:
    """A world of slates, the same for the same arguments."""
    settings = WorldSettings(listeners=listeners, items=items, listens=0, playlists=0)
    world, rng = simulate(settings, seed), np.random.default_rng(seed)
    truth, noon = world.truth, settings.end - 43_200.0
    shelves = _shelves(truth, noon, rng)
    users = np.repeat(np.arange(listeners), PLACES * SHELF)
    times = np.full(len(users), noon)
    match = np.einsum("nk,nk->n", truth.taste_at(users, times), truth.topic[shelves.ravel()]).reshape(shelves.shape)
    busy = MEAN_VISITS * rng.gamma(2.0, 0.5, listeners)  # some come daily, most now and then
    return Planted(
        user_ids=[str(one.user_id) for one in world.listeners],
        item_ids=[str(one.item_id) for one in world.items],
        items=shelves,
        liking=truth.affinities(users, shelves.ravel(), times).reshape(shelves.shape),
        look=np.asarray(1.0 / (1.0 + DEPTH * np.arange(PLACES)), np.float64),
        visits=1 + rng.poisson(busy),
        popular=_softmax(0.5 * np.log(truth.reach[shelves])),
        taste=_softmax(np.log(np.maximum(match.astype(np.float64), 1e-6))),
    )


def show(planted: Planted, policy: Floats, listeners: Rows, rng: np.random.Generator) -> Shown:
    """Draws a slate for each of (n,) listener rows, and what comes of it."""
    edges = np.cumsum(policy[listeners], axis=2)
    drawn = rng.random((len(listeners), PLACES, 1))
    choice = np.minimum((edges <= drawn).sum(axis=2), SHELF - 1)
    liking = np.take_along_axis(planted.liking[listeners], choice[:, :, None], axis=2)[:, :, 0]
    looked = rng.random(choice.shape) < planted.look
    return Shown(listeners, choice, looked, looked & (rng.random(choice.shape) < liking))


def chances(policy: Floats, shown: Shown) -> Floats:
    """(n, PLACES) the chance under a policy of each item that was shown, at its place."""
    found = np.take_along_axis(policy[shown.listener], shown.choice[:, :, None], axis=2)
    return np.asarray(found[:, :, 0], np.float64)


def _shelves(truth: Truth, time: float, rng: np.random.Generator) -> Rows:
    """(listeners, PLACES, SHELF) distinct items for each listener: those that fit their taste, with much chance."""
    rows, wanted, listeners = np.flatnonzero(truth.reach > 0.0), PLACES * SHELF, len(truth.taste)
    blocks = []
    for first in range(0, listeners, BLOCK_LISTENERS):
        users = np.arange(first, min(first + BLOCK_LISTENERS, listeners))
        match = truth.taste_at(users, np.full(len(users), time)) @ truth.topic[rows].T
        # The largest of log weight + Gumbel noise are a draw without replacement by weight (Efraimidis, Spirakis 2006).
        keys = np.log(np.maximum(match, 1e-6)) + rng.gumbel(size=match.shape)
        chosen = np.argpartition(-keys, wanted, axis=1)[:, :wanted]
        blocks.append(rows[rng.permuted(chosen, axis=1)])
    return np.concatenate(blocks).reshape(listeners, PLACES, SHELF)


def _softmax(scores: Floats) -> Floats:
    chances = np.exp(scores - scores.max(axis=2, keepdims=True))
    return np.asarray(chances / chances.sum(axis=2, keepdims=True), np.float64)
