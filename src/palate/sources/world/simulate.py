"""The simulated world in one value, and how its parts are put together."""

from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import read_arrays, read_json, write_json
from palate.core.errors import Corrupt
from palate.core.items import Item, Membership
from palate.core.listens import Listens
from palate.sources.world import names
from palate.sources.world.catalogue import TOPIC_GENRE, Catalogue, as_items, item_ids
from palate.sources.world.choices import make_listeners, make_playlists, onboarding_events, onboarding_picks
from palate.sources.world.files import parts, write_world
from palate.sources.world.listeners import Listener, Population, make_population
from palate.sources.world.listening import Plays, Stage, concatenated, play_blocks
from palate.sources.world.pools import make_pools, make_shelves
from palate.sources.world.settings import WorldSettings
from palate.sources.world.spoken import make_catalogue
from palate.sources.world.truth import Truth

DEFAULT = WorldSettings()


@dataclass(frozen=True)
class World:
    """A simulated world. Nothing in it is about real people.

    items, listeners   in the order of the truth's rows
    plays              every event in compact columns of rows, in time order
    listens            the same with ids, as the rest of the house reads it; made when first asked for
    playlists          one Membership for each track's stay
    truth              what was planted; for measuring only
    """

    settings: WorldSettings
    seed: int
    items: list[Item]
    listeners: list[Listener]
    plays: Plays
    playlists: list[Membership]
    truth: Truth

    @cached_property
    def listens(self) -> Listens:
        """All events in time order, true unix times; events are play, skip, save and onboarding."""
        return self._text(self.plays)

    def _text(self, plays: Plays) -> Listens:
        users = np.array([one.user_id for one in self.listeners], object)
        items = np.array([one.item_id for one in self.items], object)
        durations = np.array([one.duration_seconds for one in self.items], np.float32)
        surfaces = np.array([*names.SURFACES, None], object)
        most = int(plays.sitting.max(initial=0)) + 2
        pair, row = np.unique(plays.user.astype(np.int64) * most + plays.sitting + 1, return_inverse=True)
        user, sitting = np.divmod(pair, most)
        text = [f"{users[u]}-{s:04d}" if s else None for u, s in zip(user.tolist(), sitting.tolist(), strict=True)]
        return Listens(
            user_id=users[plays.user].tolist(),
            item_id=items[plays.item].tolist(),
            timestamp=plays.timestamp,
            event=plays.event,
            seconds_played=plays.seconds_played,
            duration_seconds=durations[plays.item],
            session_id=np.array(text, object)[row].tolist(),
            surface=surfaces[plays.surface].tolist(),
        )

    def write(self, folder: Path) -> None:
        """Writes listens, items, playlists and listeners as parquet, truth.npz and world.json; see files.py."""
        listens = map(self._text, parts(self.plays))
        write_world(folder, listens, self.items, self.playlists, self.listeners)
        self.truth.write(folder / "truth.npz")
        write_json(folder / "world.json", {"simulated": True, "seed": self.seed, "settings": asdict(self.settings)})


def simulate(settings: WorldSettings = DEFAULT, seed: int = 0) -> World:
    """Simulates a world; the same settings and seed give the same one on every machine.

    2,000 listeners and 400,000 listens take some seconds; time and memory grow in proportion (docs/rooms/world.md).
    """
    catalogue = make_catalogue(settings, seed)
    population = make_population(settings, seed)
    truth = _truth(settings, catalogue, population)
    stage = Stage(settings, catalogue, population, truth, make_pools(catalogue), make_shelves(catalogue))
    ids = item_ids(catalogue.kind)
    picks, counts = onboarding_picks(stage, seed)
    return World(
        settings=settings,
        seed=seed,
        items=as_items(catalogue),
        listeners=make_listeners(stage, picks, counts, ids),
        plays=concatenated([onboarding_events(stage, picks, counts), *play_blocks(stage, seed)]),
        playlists=make_playlists(stage, ids, seed),
        truth=truth,
    )


def _truth(settings: WorldSettings, catalogue: Catalogue, population: Population) -> Truth:
    return Truth(
        topic=catalogue.topic.astype(np.float32),
        style=catalogue.style.astype(np.float32),
        quality=catalogue.quality.astype(np.float32),
        reach=catalogue.reach,
        language=catalogue.language,
        kind=catalogue.kind,
        group=catalogue.group,
        released=catalogue.released,
        taste=population.taste,
        phase_start=population.phase_start,
        listener_style=population.listener_style,
        language_fit=population.language_fit,
        kind_mix=population.kind_mix,
        utc_hours=population.utc_hours,
        account_created=population.account_created,
        activity=population.listens,
        replay=population.replay,
        device=population.device,
        turned=population.turned,
        turn_time=population.turn_time,
        turn_genre=population.turn_genre,
        topics=np.array([one.name for one in names.SUBGENRES]),
        topic_genre=TOPIC_GENRE,
        genres=np.array([one.name for one in names.GENRES]),
        languages=np.array(names.LANGUAGES),
        span=np.array([settings.start, settings.end]),
    )


# What Truth came to hold after homes with a truth.npz had been made.
LATER = frozenset({"group", "account_created", "activity", "replay", "device", "span"})


def read_truth(path: Path) -> Truth:
    """Reads what `Truth.write` wrote.

    A file from before Truth held LATER is completed from the world.json beside it: the plan of a world follows from its
    seed and settings. Corrupt when the file is something else, or when this Palate would plan another world.
    """
    arrays: dict[str, Any] = read_arrays(path)
    expected = {field.name for field in fields(Truth)}
    odd = set(arrays) ^ expected
    recipe = path.with_name("world.json")
    if odd and odd <= LATER - set(arrays) and recipe.is_file():
        planned = _planned(recipe)
        same = all(_alike(arrays[name], getattr(planned, name)) for name in expected - odd)
        if not same:
            raise Corrupt(f"{path} is of a world that this Palate would not plan; simulate it again in a new home")
        return planned
    if odd:
        raise Corrupt(
            f"{path} is not the truth of a simulated world (differs in {', '.join(sorted(odd))}); write the world again"
        )
    return Truth(**arrays)


def _planned(recipe: Path) -> Truth:
    """The truth of the world that world.json describes, without its listening: some seconds for 2,000 listeners."""
    said = read_json(recipe)
    settings, seed = WorldSettings(**said["settings"]), int(said["seed"])
    return _truth(settings, make_catalogue(settings, seed), make_population(settings, seed))


def _alike(stored: NDArray[Any], planned: NDArray[Any]) -> bool:
    """Equal, up to the last bits in which processors differ."""
    if stored.dtype.kind == "f" and stored.shape == planned.shape:
        return bool(np.allclose(stored, planned, rtol=1e-4, atol=1e-6))
    return bool(np.array_equal(stored, planned))
