"""When the simulated listeners sit down to listen, what for, and for how long.

A sitting has one listener, one kind, one sub-genre and one surface. Its time follows the habits of the device, local
time and the weekend; its sub-genre follows the taste of the moment and the hour: calmer at night.
"""

from dataclasses import dataclass, fields

import numpy as np

from palate.core.clock import DAY_SECONDS
from palate.sources.world import names
from palate.sources.world.catalogue import TOPIC_ENERGY, topic_shares
from palate.sources.world.draws import Draws, Floats, Rows
from palate.sources.world.listeners import Population
from palate.sources.world.settings import WorldSettings
from palate.sources.world.truth import Truth, night

CALM = 4.0  # how strongly the night leans to sub-genres of low energy, in logits from energy 0 to 1
NEW_ACCOUNT_DAYS = 60.0  # an account is new for about this long
EXPLORE, EXPLORE_NEW = 0.03, 0.3  # sittings with any topic as common: always, and on top for a new account
ITEMS_PER_SITTING = (None, 2.0, 1.8)  # by kind; for tracks the device decides


@dataclass(frozen=True)
class Sittings:
    """One row per sitting, ascending by (user, start): listener row, unix start, kind, topic, surface, items."""

    user: Rows
    start: Floats
    kind: Rows
    topic: Rows
    surface: Rows
    items: Rows

    def __len__(self) -> int:
        return len(self.user)


def newness(account_created: Floats, times: Floats) -> Floats:
    """1 for an account opened at that moment, falling by e every NEW_ACCOUNT_DAYS."""
    return np.asarray(np.exp(-(times - account_created) / (NEW_ACCOUNT_DAYS * DAY_SECONDS)), np.float64)


def make_sittings(users: Rows, population: Population, truth: Truth, settings: WorldSettings, draws: Draws) -> Sittings:
    """The sittings of some listeners; each listener's items add up to `population.listens`."""
    user, kind, items = _lengths(users, population, draws)
    start = _times(user, population, settings, draws)
    order = np.lexsort((start, user))
    user, kind, items, start = user[order], kind[order], items[order], start[order]
    surface_weights = np.array([one.surfaces for one in names.DEVICES])
    surface = draws.pick_columns(surface_weights[population.device[user]])
    return Sittings(user, start, kind, _topics(user, start, population, truth, draws), surface, items)


def _lengths(users: Rows, population: Population, draws: Draws) -> tuple[Rows, Rows, Rows]:
    """Listener, kind and number of items of each sitting: more than enough are drawn, the surplus is cut off."""
    mix = population.kind_mix.astype(np.float64)
    tracks = np.array([one.session_items for one in names.DEVICES])[population.device]
    mean = np.stack([tracks, *(np.full(len(tracks), one) for one in ITEMS_PER_SITTING[1:])], axis=1)
    expected = (mix * mean).sum(axis=1)
    want = population.listens[users]
    spare = np.ceil(1.4 * want / expected[users]).astype(np.int64) + 8
    user = np.repeat(users, spare)
    kind = draws.pick_columns(mix[user])
    stop = 1.0 / mean[user, kind]
    items = 1 + np.floor(np.log1p(-draws.uniform(len(user))) / np.log1p(-stop)).astype(np.int64)
    first = np.repeat(np.cumsum(spare) - spare, spare)
    total = np.cumsum(items)
    before = total - items - (total - items)[first]
    items = np.clip(population.listens[user] - before, 0, items)
    kept = items > 0
    return user[kept], kind[kept], items[kept]


def habits() -> tuple[Floats, Floats]:
    """Weights of weekdays (devices, 7), from Monday, and of local hours (devices, 2, 24) on weekdays and weekends."""
    hours = np.arange(24) + 0.5
    days = np.array([[1.0] * 5 + [one.weekend] * 2 for one in names.DEVICES])
    clock = np.full((len(names.DEVICES), 2, 24), 0.03)
    for row, one in enumerate(names.DEVICES):
        for weekend, peaks in enumerate((one.hours, (11.0, 15.0, 20.0, 23.0))):
            for peak in peaks:
                away = (hours - peak + 12.0) % 24.0 - 12.0
                clock[row, weekend] += np.exp(-(away**2) / 4.5)
    clock[:, :, 2:6] *= 0.4  # most people sleep
    return days, clock


def _times(user: Rows, population: Population, settings: WorldSettings, draws: Draws) -> Floats:
    """(n,) unix starts: any day since joining, moved within its week to the device's habits."""
    days, clock = habits()
    n, device = len(user), population.device[user]
    joined, ahead = population.joined[user], population.utc_hours[user].astype(np.float64) * 3600.0
    anytime = joined + 120.0 + draws.uniform(n) * (settings.end - joined - 3600.0)
    monday = np.floor((np.floor((anytime + ahead) / DAY_SECONDS) + 3.0) / 7.0) * 7.0 - 3.0  # days; 1970-01-01: Thursday
    weekday = draws.pick_columns(days[device])
    hour = draws.pick_columns(clock[device, (weekday >= 5).astype(np.int64)])
    moved = (monday + weekday) * DAY_SECONDS + (hour + draws.uniform(n)) * 3600.0 - ahead
    inside = (moved > joined + 120.0) & (moved < settings.end - 3600.0)
    return np.floor(np.where(inside, moved, anytime))


def _topics(user: Rows, start: Floats, population: Population, truth: Truth, draws: Draws) -> Rows:
    """(n,) the sub-genre of each sitting."""
    late = night(start / 3600.0 + population.utc_hours[user])
    weights = truth.taste_at(user, start) * np.exp(-CALM * late[:, None] * TOPIC_ENERGY)
    usual = draws.pick_columns(weights.astype(np.float64))
    explore = EXPLORE + EXPLORE_NEW * newness(population.account_created[user], start)
    anything = draws.pick(topic_shares(), len(user))
    return np.where(draws.uniform(len(user)) < explore, anything, usual)


def expanded(sittings: Sittings) -> Sittings:
    """One row per item of each sitting instead of one per sitting."""
    return Sittings(*(np.repeat(getattr(sittings, field.name), sittings.items) for field in fields(Sittings)))
