"""Small homes of a simulated world, made as a person would make them, with settings that train in a second."""

import shutil
import time
from pathlib import Path

import polars as pl

from palate.core.home import Home
from palate.core.ids import ItemId, UserId
from palate.core.listens import Listen, Listens, in_columns
from palate.embeddings.space import Spaces
from palate.jobs.importing import import_items, import_listens, import_playlists
from palate.sources.world import WorldSettings, simulate
from palate.store.records import OnlineStore

WORLD = WorldSettings(listeners=150, items=600, listens=10_000, playlists=60)
SEED = 3
TOML = """\
[items]
dim = 16
iterations = 3

[ranker]
cuts = 2
lists_per_cut = 60
rounds = 20
"""


def write_world(folder: Path) -> Path:
    """listens.parquet, items.parquet and playlists.parquet of the world, in `folder`."""
    simulate(WORLD, SEED).write(folder)
    return folder


def empty_home(root: Path, toml: str = TOML) -> Home:
    """A home as `palate init` leaves it."""
    root.mkdir(parents=True)
    (root / "palate.toml").write_text(toml, encoding="utf-8")
    return Home(root)


def filled(root: Path, world: Path, toml: str = TOML, until: float | None = None) -> Home:
    """A home that holds the world, its listens and dated places on playlists before `until` (unix seconds) only."""
    home = empty_home(root, toml)
    listens, playlists = world / "listens.parquet", world / "playlists.parquet"
    if until is not None:
        listens = cut(listens, pl.col("timestamp") < until, root / "before-listens.parquet")
        playlists = cut(playlists, (pl.col("added") < until).fill_null(True), root / "before-playlists.parquet")
    now = time.time()
    import_items(home, [world / "items.parquet"], {}, True, now)
    import_playlists(home, [playlists], {}, True, now)
    import_listens(home, [listens], {}, True, now)
    return home


def cut(table: Path, rows: pl.Expr, out: Path) -> Path:
    """The rows of a parquet file that `rows` finds, as another."""
    pl.read_parquet(table).filter(rows).write_parquet(out)
    return out


def copied(home: Home, root: Path) -> Home:
    """A home of one's own, to write to."""
    shutil.copytree(home.root, root)
    return Home(root)


def records(home: Home, space: str) -> tuple[int, dict[str, bytes]]:
    """The online records of a space: the offset that they contain, and the bytes of each listener."""
    with OnlineStore(home.online / "records") as store:
        return store.offset(space), {user: store.get(space, user) or b"" for user in store.users(space)}


def labels(home: Home) -> list[str]:
    """The published versions, oldest first."""
    return [space.label for space in Spaces(home.spaces).versions()]


def listens_of(rows: list[tuple[str, str, float]]) -> Listens:
    """Plays in columns, from (user, item, unix seconds)."""
    return in_columns([Listen(UserId(user), ItemId(item), at) for user, item, at in rows])
