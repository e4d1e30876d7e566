"""A home whose catalogue is grown to any size from a trained one, to see what a request costs there.

SIMULATED, and not trained at that size: each added item is a copy of a row of the home whose vector has been turned a
little and whose plays have been scaled down, so that lists, distances and trends have the shapes of the small home. The
ranker and the listeners' records are those of the small home. Good for times and bytes; says nothing about quality.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from palate.catalog.columns import ItemColumns
from palate.core.home import Home
from palate.core.ids import ItemId
from palate.embeddings.company import Company
from palate.embeddings.space import Space, Spaces
from palate.fresh.engine import open_store
from palate.retrieval.trends import Trends
from palate.store.index import IndexSettings, VectorIndex
from palate.store.items import ItemStore
from palate.surfaces.onboarding import sampled_tastes

NOISE = 0.5  # length of what is added to a vector, as a share of its own
SAME_COMPANY = 0.3  # of an item's company, the share that stays among the first items


def grow(home: Home, n_items: int, seed: int = 0) -> Space:
    """Publishes and promotes a space of `n_items` in the home, whose records move over; the rows of before stay."""
    rng, spaces = np.random.default_rng(seed), Spaces(home.spaces)
    small = spaces.live
    columns = ItemColumns.load(small.folder / "columns.npz")
    of = np.concatenate([np.arange(len(columns)), rng.integers(0, len(columns), n_items - len(columns))])
    with ItemStore(home.online / "items") as items:
        first = [items.get(row) for row in range(len(columns))]
    ItemStore.write(
        home.online / "items",
        (
            one if row < len(first) else replace(one, item_id=ItemId(f"sim-grown-{row}"), title=f"{one.title} {row}")
            for row, one in ((row, first[source]) for row, source in enumerate(of.tolist()))
        ),
    )

    def fill(folder: Path) -> None:
        shutil.copytree(small.folder, folder, dirs_exist_ok=True)
        for name in ("manifest.json", "index"):
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        vectors = _turned(np.array(small.item_vectors), of, rng)
        np.save(folder / "item_vectors.npy", vectors)
        np.save(folder / "listened.npy", _turned(np.array(small.listened), of, rng))
        _taken(columns, of).save(folder / "columns.npz")
        _faded(Trends.load(small.folder / "trends.npz"), of, len(columns), rng).save(folder / "trends.npz")
        _spread(small.company, of, rng).save(folder / "company.npz")
        with open_store(home) as store:
            tastes = sampled_tastes(store, small.label, vectors.shape[1])
        VectorIndex.build(vectors, spaces.next_label(), IndexSettings(), tastes[:256]).save(folder / "index")

    manifest = {name: value for name, value in small.manifest.items() if name not in ("name", "version", "files")}
    space = spaces.publish(manifest | {"items": n_items, "simulated": True}, fill)
    with open_store(home) as store:
        states = ((user, store.get(small.label, user) or b"") for user in list(store.users(small.label)))
        store.replace(space.label, states, store.standing(small.label).offsets)
    spaces.aliases.promote(space.label, "grown for a benchmark")
    return space


def _turned(vectors: np.ndarray, of: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows `of` the vectors; all but the first of each are moved by noise of NOISE times their length."""
    grown = vectors[of]
    new = np.arange(len(of)) >= len(vectors)
    noise = rng.standard_normal((int(new.sum()), vectors.shape[1] - 1), dtype=np.float32)
    length = np.linalg.norm(grown[new, :-1], axis=1, keepdims=True)
    grown[new, :-1] += NOISE * length * noise / np.sqrt(vectors.shape[1] - 1)
    return grown


def _taken(columns: ItemColumns, of: np.ndarray) -> ItemColumns:
    arrays = {name: value[of] for name, value in vars(columns).items() if isinstance(value, np.ndarray)}
    return replace(columns, **arrays)


def _faded(trends: Trends, of: np.ndarray, first: int, rng: np.random.Generator) -> Trends:
    share = np.where(np.arange(len(of)) < first, 1.0, rng.random(len(of)) ** 4)
    plays = {name: (getattr(trends, name)[of] * share).astype(np.int32) for name in ("week", "month", "ever")}
    return replace(trends, **plays, first_heard=trends.first_heard[of])


def _spread(company: Company, of: np.ndarray, rng: np.random.Generator) -> Company:
    """The company of each row's source, most of it moved to a copy of that neighbour."""
    copies = np.argsort(of, kind="stable")
    start, count = np.searchsorted(of[copies], np.arange(of.max() + 1)), np.bincount(of)
    items = company.items[of].copy()
    there = (items >= 0) & (rng.random(items.shape) > SAME_COMPANY)
    neighbour = items[there]
    items[there] = copies[start[neighbour] + (rng.random(len(neighbour)) * count[neighbour]).astype(np.int64)]
    return Company(items.astype(np.int32), company.scores[of], company.together[of])
