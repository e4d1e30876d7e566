"""A trained home to serve: a small simulated world, imported and trained as a person would do it."""

import shutil
import time
import warnings
from pathlib import Path

import polars as pl

from palate.core.artefacts import read_json, write_json
from palate.core.home import Home
from palate.jobs.importing import import_items, import_listeners, import_listens, import_playlists
from palate.sources.world import WorldSettings, simulate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette asks for a successor of httpx that the extras do not bring
    from starlette.testclient import TestClient

__all__ = ["MARKED", "MARKUP", "TestClient", "copy_of", "copy_space", "trained_home"]

WORLD = WorldSettings(listeners=200, items=800, listens=20_000, playlists=60)
MARKED = "sim-track-00001"
MARKUP = "<img src=x onerror=\"document.title='injected'\"> & <b>Bold</b>"  # its title
TOML = "[items]\ndim = 16\niterations = 3\n[ranker]\ncuts = 2\nlists_per_cut = 60\nrounds = 20\n"


def trained_home(folder: Path) -> Home:
    """Simulates, imports and trains; takes a few seconds. One item's title is markup, as titles of strangers can be."""
    home = Home(folder / "home")
    home.root.mkdir(parents=True)
    home.settings.write_text(TOML, encoding="utf-8")
    world = folder / "world"
    simulate(WORLD, seed=1).write(world)
    items = pl.read_parquet(world / "items.parquet")
    marked = pl.when(pl.col("item_id") == MARKED).then(pl.lit(MARKUP)).otherwise("title")
    items.with_columns(title=marked).write_parquet(world / "items.parquet")
    now = time.time()
    import_items(home, [world / "items.parquet"], {}, strict=True, now=now)
    import_playlists(home, [world / "playlists.parquet"], {}, strict=True, now=now)
    import_listeners(home, [world / "listeners.parquet"], {}, strict=True, now=now)
    import_listens(home, [world / "listens.parquet"], {}, strict=True, now=now)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what luigi and implicit say when imported is no subject of these tests
        from palate.jobs.chain import train

        train(home)
    return home


def copy_of(home: Home, folder: Path) -> Home:
    """A home of one's own, to write to."""
    shutil.copytree(home.root, folder / "home")
    return Home(folder / "home")


def copy_space(old: Path, new: Path) -> None:
    """A second version with the same vectors under another name."""
    shutil.copytree(old, new)
    manifest = read_json(new / "index" / "manifest.json")
    write_json(new / "index" / "manifest.json", manifest | {"space": new.name})
