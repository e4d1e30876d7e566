"""A small simulated world with everything fitted on it: what was planted is known, so answers can be judged."""

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from evaluation.simulated import world_inputs
from palate.core.items import Item
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import ItemSettings
from palate.embeddings.records import UserRecord
from palate.jobs.fit import FitSettings
from palate.jobs.judge.ours import Listeners, Trained, fit_all
from palate.ranking.ranker import RankerSettings
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.sources.world import Truth, World, WorldSettings, simulate
from palate.surfaces.path import RequestPath

WORLD = WorldSettings(listeners=200, items=800, listens=20_000, playlists=60)
FIT = FitSettings(items=ItemSettings(dim=32, iterations=5), ranker=RankerSettings(cuts=4, lists_per_cut=100, rounds=40))
UNAVAILABLE_EVERY = 20  # each 20th item was taken off the shelf after it had been heard


@dataclass(frozen=True)
class ItemLabels:
    """The world's items by row."""

    items: list[Item]

    def get(self, row: int) -> Item:
        return self.items[row]


@dataclass(frozen=True)
class Planted:
    """world: what was simulated; inputs: the same as arrays; path: the request path, fitted on all of it."""

    world: World
    inputs: Inputs
    trained: Trained
    path: RequestPath

    @property
    def truth(self) -> Truth:
        return self.world.truth

    @property
    def stock(self) -> Stock:
        return self.path.stock

    @property
    def now(self) -> float:
        return self.inputs.history.end

    @property
    def genre(self) -> NDArray[np.int32]:
        """(items,) codes of the first genre, as the catalogue has it."""
        return self.inputs.columns.genre

    @cached_property
    def row_of(self) -> dict[str, int]:
        return {item.item_id: row for row, item in enumerate(self.world.items)}

    def query(self, user: int, seeds: tuple[int, ...] = (), exclude: tuple[int, ...] = ()) -> Query:
        """What the listener at a user row asks at the end of the world."""
        listeners = Listeners.of(self.inputs, self.now)
        _, asked = next(listeners.queries(np.array([user], np.int32), self.trained))
        return replace(asked, seeds=np.array(seeds, np.int32), exclude=np.array(exclude, np.int32))

    def stranger(self, seeds: tuple[int, ...] = ()) -> Query:
        """The same of somebody of whom nothing is known."""
        record = UserRecord.empty(self.trained.encoder.dim)
        taste = self.trained.encoder.encode([record])[0]
        return Query(record, taste, self.now, np.array(seeds, np.int32))

    def listeners(self, least_events: int) -> list[int]:
        """User rows with at least so many events, ascending."""
        events = np.bincount(self.inputs.history.user, minlength=len(self.world.listeners))
        return [user for user in np.unique(self.inputs.history.user).tolist() if events[user] >= least_events]


@cache
def planted() -> Planted:
    """The world of these tests, made once in a session."""
    world = simulate(WORLD, seed=0)
    inputs = world_inputs(world)
    available = np.arange(len(world.items)) % UNAVAILABLE_EVERY != 0
    inputs = replace(inputs, columns=replace(inputs.columns, available=available))
    trained = fit_all(inputs.until(inputs.history.end), inputs.history.end, FIT.items.seed, FIT)
    return Planted(world, inputs, trained, replace(trained.path, labels=ItemLabels(world.items)))
