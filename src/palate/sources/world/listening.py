"""What the simulated listeners play: discoveries, more of what they found, and old favourites, item by item.

Nothing here loops over listens. A re-listen points to an earlier listen in the same sub-genre (recent ones mostly, any
one of the past sometimes), so that what was played often comes back more often (Yule, 1925; Simon, 1955), and all
pointers are then followed at once. Listeners are worked through in blocks, each with its own random numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.listens import Event
from palate.sources.world import names
from palate.sources.world.catalogue import AUDIOBOOK, EPISODE, TOPICS, TRACK, Catalogue
from palate.sources.world.draws import Draws, Floats, Rows
from palate.sources.world.listeners import Population
from palate.sources.world.pools import CHART, DEEP, Pools, Shelves, Wishes, discover_new, more_of_it
from palate.sources.world.settings import WorldSettings
from palate.sources.world.sittings import Sittings, expanded, make_sittings, newness
from palate.sources.world.truth import Truth

BLOCK_LISTENERS = 1_000  # part of the recipe: another size is another world
REPLAY = np.array([0.42, 0.05, 0.85])  # by kind, for an old account at a neutral surface; a book is gone on with
REPLAY_NEW = 0.15  # of that is left for an account opened today
MORE = np.array([0.14, 0.6, 0.03])  # by kind: more by the artist, of the show, by the author
RECENT_SHARE, RECENT_LISTENS = 0.55, 18.0  # of re-listens point that far back on average, the rest anywhere
CHART_SHARE, CHART_SHARE_NEW = 0.1, 0.85  # of discoveries come from the charts: always, and on top for a new account
SKIP_MOST, SKIP_LEAST = 0.9, 0.05  # of new things: at affinity 0 and at affinity 1
SKIP_KNOWN = 0.4  # of that remains for what is heard again
SAVE = 0.09  # of new things liked without reserve

NEW, LOYAL, REPLAYED = range(3)


@dataclass(frozen=True)
class Plays:
    """Events in compact columns of (n,): rows instead of ids. Onboarding has no sitting (-1) and no surface (-1)."""

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    timestamp: NDArray[np.float64]
    event: NDArray[np.uint8]
    seconds_played: NDArray[np.float32]
    sitting: NDArray[np.int32]  # counted within each listener
    surface: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: Any) -> "Plays":
        """The events at `rows` (a slice, a mask or positions)."""
        return Plays(*(getattr(self, field.name)[rows] for field in fields(Plays)))


def concatenated(parts: list[Plays]) -> Plays:
    """All parts in one, in time order; within a moment by listener, then as they were."""
    whole = Plays(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Plays)))
    return whole.take(np.lexsort((whole.user, whole.timestamp)))


@dataclass(frozen=True)
class Stage:
    """Everything that listening takes place on."""

    settings: WorldSettings
    catalogue: Catalogue
    population: Population
    truth: Truth
    pools: Pools
    shelves: Shelves


def play_blocks(stage: Stage, seed: int) -> Iterator[Plays]:
    """The events of BLOCK_LISTENERS listeners at a time; each block is in time order."""
    for block, first in enumerate(range(0, len(stage.population), BLOCK_LISTENERS)):
        users = np.arange(first, min(first + BLOCK_LISTENERS, len(stage.population)))
        yield _played(users, stage, Draws(seed, "listening", block))


def _played(users: Rows, stage: Stage, draws: Draws) -> Plays:
    sittings = make_sittings(users, stage.population, stage.truth, stage.settings, draws)
    row = np.repeat(np.arange(len(sittings)), sittings.items)
    # In this order the listens of one listener, kind and sub-genre stand together, by time: a stream.
    order = np.lexsort((row, _stream(sittings)[row]))
    row = row[order]
    heard = expanded(sittings)
    heard = Sittings(*(getattr(heard, field.name)[order] for field in fields(Sittings)))
    coin = draws.uniform(len(row))  # decides on leaving early, for the first choice of an item and the final one
    item, known, affinity = _choose(heard, row, coin, stage, draws)
    back = np.argsort(order, kind="stable")
    item, known, affinity, row = item[back], known[back], affinity[back], row[back]
    skip = coin[back] < skip_chance(affinity, known)
    seconds = _seconds(item, skip, stage.catalogue, draws)
    saved = ~skip & ~known & (draws.uniform(len(item)) < SAVE * affinity**2)
    number = np.arange(len(sittings)) - np.searchsorted(sittings.user, sittings.user)
    plays = Plays(
        user=sittings.user[row].astype(np.int32),
        item=item.astype(np.int32),
        timestamp=_clock(sittings, row, seconds),
        event=np.where(skip, Event.SKIP, Event.PLAY).astype(np.uint8),
        seconds_played=seconds.astype(np.float32),
        sitting=number[row].astype(np.int32),
        surface=sittings.surface[row].astype(np.int8),
    )
    both = concatenated([plays, _saves(plays, saved, draws)])
    return both.take(both.timestamp < stage.settings.end)


def _stream(sittings: Sittings) -> Rows:
    return (sittings.user * 3 + sittings.kind) * TOPICS + sittings.topic


def skip_chance(affinity: Floats, known: NDArray[np.bool_]) -> Floats:
    """(n,) the chance that a listener leaves early, from planted affinity and whether the item was a re-listen."""
    chance = SKIP_LEAST + (SKIP_MOST - SKIP_LEAST) * (1.0 - affinity) ** 2
    return np.asarray(chance * np.where(known, SKIP_KNOWN, 1.0), np.float64)


def _choose(
    heard: Sittings, sitting: Rows, coin: Floats, stage: Stage, draws: Draws
) -> tuple[Rows, NDArray[np.bool_], Floats]:
    """Item row of each listen, whether it was a re-listen, and its affinity.

    Rows are in stream order and `sitting` ascends within a stream; `coin` (n,) in 0..1 decides on leaving early, and
    what is left early at the first meeting does not come back.
    """
    n, truth = len(heard), stage.truth
    new = newness(stage.population.account_created[heard.user], heard.start)
    chart = draws.uniform(n) < CHART_SHARE + CHART_SHARE_NEW * new
    wishes = Wishes(heard.user, heard.start, heard.kind, heard.topic, np.where(chart, CHART, DEEP))
    item = discover_new(wishes, stage.pools, truth, draws)
    affinity = truth.affinities(heard.user, item, heard.start)
    first_met = np.zeros(n, bool)
    mode = _modes(heard, new, stage.population, draws)
    stream = _stream(heard)
    first = np.searchsorted(stream, stream)  # where each listen's stream begins
    own = np.flatnonzero((mode == NEW) & (coin >= skip_chance(affinity, first_met)))
    found = np.searchsorted(own, np.arange(n)) - np.searchsorted(own, first)
    loyal = np.flatnonzero((mode == LOYAL) & (found > 0))
    source = own[np.searchsorted(own, loyal) - 1 - _lag(found[loyal], draws)]
    newest = (heard.kind[loyal] == EPISODE).astype(np.int64)
    item[loyal] = more_of_it(item[source], heard.start[loyal], newest, stage.catalogue, stage.shelves, draws)
    affinity[loyal] = truth.affinities(heard.user[loyal], item[loyal], heard.start[loyal])
    run = np.cumsum(np.diff(sitting, prepend=sitting[:1]) != 0)
    liked = coin >= skip_chance(affinity, first_met)
    item, known = _replayed(item, mode == REPLAYED, liked, np.searchsorted(run, run), first, draws)
    affinity[known] = truth.affinities(heard.user[known], item[known], heard.start[known])
    return item, known, affinity


def _modes(heard: Sittings, new: Floats, population: Population, draws: Draws) -> Rows:
    replay = REPLAY[heard.kind] * population.replay[heard.user] * (1.0 - (1.0 - REPLAY_NEW) * new)
    replay = np.minimum(replay * np.where(heard.kind == TRACK, names.SURFACE_REPLAY[heard.surface], 1.0), 0.95)
    coin = draws.uniform(len(heard))
    loyal = coin < replay + (1.0 - replay) * MORE[heard.kind]
    return np.where(coin < replay, REPLAYED, np.where(loyal, LOYAL, NEW))


def _lag(past: Rows, draws: Draws) -> Rows:
    """How many listens back, in [0, past): near ones mostly, any one otherwise; `past` is at least one."""
    n = len(past)
    near = (RECENT_LISTENS * draws.exponential(n)).astype(np.int64)
    anywhere = draws.below(past, n)
    return np.where((draws.uniform(n) < RECENT_SHARE) & (near < past), near, anywhere)


def _replayed(
    item: Rows,
    wanted: NDArray[np.bool_],
    liked: NDArray[np.bool_],
    sitting_first: Rows,
    first: Rows,
    draws: Draws,
) -> tuple[Rows, NDArray[np.bool_]]:
    """Lets the wanted re-listens point to listens of earlier sittings of their stream and follows the pointers.

    A re-listen with nothing to point to keeps its discovery. Re-listens may point to re-listens: what was heard often
    comes back often. Pointers go back in time, so following every pointer's pointer reaches all origins in log steps.
    """
    sure = np.concatenate([[0], np.cumsum(~wanted & liked)])
    again = wanted & (sure[sitting_first] > sure[first])
    favourite = np.flatnonzero(again | liked)
    rows = np.flatnonzero(again)
    end = np.searchsorted(favourite, sitting_first[rows])
    past = end - np.searchsorted(favourite, first[rows])
    pointer = np.arange(len(item))
    pointer[rows] = favourite[end - 1 - _lag(past, draws)]
    while not np.array_equal(pointer, pointer[pointer]):
        pointer = pointer[pointer]
    return item[pointer], again


def _seconds(item: Rows, skip: NDArray[np.bool_], catalogue: Catalogue, draws: Draws) -> Floats:
    """(n,) whole seconds: short of half a minute for a skip, at least half otherwise, a chapter or so of a book."""
    n, duration = len(item), catalogue.duration[item]
    whole = draws.uniform(n) < 0.8
    stayed = np.where(whole, duration, duration * draws.between(0.55, 1.0, n))
    chapter = draws.between(600, 3600, n)
    stayed = np.where(catalogue.kind[item] == AUDIOBOOK, np.minimum(chapter, duration), stayed)
    left = np.minimum(2.0 + 9.0 * draws.exponential(n), 28.0)
    return np.asarray(np.floor(np.where(skip, left, stayed)), np.float64)


def _clock(sittings: Sittings, row: Rows, seconds: Floats) -> Floats:
    """(n,) unix start of each listen: one after the other, and no sitting before the one before it has ended."""
    taken = seconds.astype(np.int64) + 1
    total = np.bincount(row, weights=taken, minlength=len(sittings)).astype(np.int64) + 60
    spent = np.cumsum(total) - total
    lane = sittings.user * 10**11  # keeps one listener's latest time from reaching into the next one's
    start: Rows = np.maximum.accumulate(sittings.start.astype(np.int64) - spent + lane) + spent - lane
    before = np.cumsum(taken) - taken
    opening: Rows = before[np.searchsorted(row, np.arange(len(sittings)))] if len(row) else before
    return (start[row] + before - opening[row]).astype(np.float64)


def _saves(plays: Plays, saved: NDArray[np.bool_], draws: Draws) -> Plays:
    """An event more for each saved item, while it plays."""
    rows = plays.take(saved)
    n = len(rows)
    within = np.floor(draws.uniform(n) * np.minimum(rows.seconds_played, 120.0)) + 1.0
    return Plays(
        user=rows.user,
        item=rows.item,
        timestamp=rows.timestamp + within,
        event=np.full(n, Event.SAVE, np.uint8),
        seconds_played=np.full(n, np.nan, np.float32),
        sitting=rows.sitting,
        surface=rows.surface,
    )
