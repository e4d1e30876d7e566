"""Answers for many listeners at once, as of a moment: `palate recommend` and `palate embed`."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from palate.core.artefacts import atomic_file
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.progress import progress
from palate.embeddings.bulk import build_records
from palate.embeddings.items import recent_popularity
from palate.embeddings.records import UserRecord
from palate.embeddings.space import Space, Spaces
from palate.jobs.inputs import gather
from palate.listening.history import History
from palate.listening.log import ListeningLog
from palate.ranking.examples import with_popularity
from palate.ranking.ranker import Ranker
from palate.retrieval.query import Query
from palate.retrieval.trends import Trends
from palate.store.index import IndexSettings, VectorIndex
from palate.store.items import ItemStore
from palate.surfaces.explain import KeptLabels
from palate.surfaces.for_you import FOR_YOU, FOR_YOU_UNHEARD
from palate.surfaces.live import checked, open_stock
from palate.surfaces.path import Recipe, RequestPath

BLOCK_USERS = 512  # one task of a worker; small enough that the progress bar moves
SCHEMA = {
    "user_id": pl.String, "rank": pl.Int32, "item_id": pl.String, "score": pl.Float32, "source": pl.String,
    "reason": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """A home as it was at one moment: what was heard before it, and the live space's models."""

    home: Home
    space: Space
    history: History
    at: float  # home seconds
    later: bool  # True when the space has learnt from listens after the moment

    @classmethod
    def open(cls, home: Home, at: float | None) -> "Moment":
        """at: unix seconds; None for just after the last listen. Listens of items that the space lacks are left out."""
        space = Spaces(home.require().spaces).live
        history = gather(home).history
        if at is not None:
            with ListeningLog(home.log) as log:
                at = log.calendar().home_time(at)
        moment = history.end if at is None else at
        known = history.until(moment)
        history = known.take(np.flatnonzero(known.item < space.manifest["items"]))
        later = space.manifest["moment"] > moment
        return cls(home, space, replace(history, n_items=space.manifest["items"]), moment, later)

    def path(self) -> RequestPath:
        """The request path with trends and popularity as of the moment."""
        stock = open_stock(self.space)
        popularity = recent_popularity(
            self.history, self.space.manifest["settings"]["items"]["popularity_half_life_days"]
        )
        vectors = with_popularity(stock.vectors, popularity)
        index = VectorIndex.build(vectors, self.space.label, IndexSettings(**self.space.manifest["settings"]["index"]))
        stock = replace(stock, vectors=vectors, index=index, trends=Trends.at(self.history, self.at))
        labels = KeptLabels(ItemStore(self.home.online / "items"))
        return RequestPath(stock, Ranker.load(self.space.folder / "ranker.txt"), labels)

    def records(self, users: Iterable[str]) -> Iterator[tuple[str, UserRecord]]:
        """Each listener's record, in the order given; an empty one for a stranger."""
        wanted = list(users)
        row_of = {user: row for row, user in enumerate(self.history.users)}
        rows = np.array(sorted({row_of[user] for user in wanted if user in row_of}), np.int32)
        kinds = open_stock(self.space).columns.kind
        found = dict(build_records(self.history, np.array(self.space.item_vectors), kinds, rows))
        for user in wanted:
            record = found.get(row_of.get(user, -1))
            yield user, record if record is not None else UserRecord.empty(self.space.encoder.dim)


def read_users(path: Path) -> list[str]:
    """One id a line; blank lines and repeats are left out. BadInput when there is none."""
    if not path.is_file():
        raise BadInput(f"no file {path}; give a text file with one user id a line")
    users = list(dict.fromkeys(line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()))
    users = [user for user in users if user]
    if not users:
        raise BadInput(f"{path} holds no user ids; write one a line")
    return users


def recipe_named(surface: str, exclude_heard: bool) -> Recipe:
    """The recipe that a batch may ask for."""
    if surface != "for_you":
        raise BadInput(f"--surface {surface!r} cannot be made for many listeners; choose from for_you")
    return FOR_YOU_UNHEARD if exclude_heard else FOR_YOU


def recommend(
    home: Home, users: list[str], n: int, at: float | None, surface: str, exclude_heard: bool, out: Path
) -> dict[str, Any]:
    """Writes `out` (parquet: user_id, rank from 1, item_id, score, source, reason), users in the order given."""
    checked(n)
    recipe_named(surface, exclude_heard)
    moment = Moment.open(home, at)
    blocks = [users[start : start + BLOCK_USERS] for start in range(0, len(users), BLOCK_USERS)]
    workers = min(os.cpu_count() or 1, len(blocks))
    job = (str(home.root), at, n, surface, exclude_heard)
    if workers == 1:
        _start(*job)
        tables = [_answer(block) for block in progress(blocks, "recommend")]
    else:  # spawned, not forked: forking a process whose libraries have threads can hang
        with ProcessPoolExecutor(workers, get_context("spawn"), _start, job) as pool:
            tables = list(progress(pool.map(_answer, blocks), "recommend", len(blocks)))
    table = pl.concat([pl.DataFrame(columns, SCHEMA) for columns in tables])
    with atomic_file(out) as temporary:
        table.write_parquet(temporary)
    strangers = len(set(users) - set(moment.history.users))
    return {
        "out": str(out), "users": len(users), "strangers": strangers, "rows": len(table), "space": moment.space.label,
        "at": moment.at, "space_learnt_later": moment.later,
    }  # fmt: skip


_worker: dict[str, Any] = {}  # what one process of the pool answers with


def _start(root: str, at: float | None, n: int, surface: str, exclude_heard: bool) -> None:
    moment = Moment.open(Home(Path(root)), at)
    _worker.update(moment=moment, path=moment.path(), n=n, recipe=recipe_named(surface, exclude_heard))


def _answer(users: list[str]) -> dict[str, list[Any]]:
    moment, path, recipe, n = _worker["moment"], _worker["path"], _worker["recipe"], _worker["n"]
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA}
    for user, record in moment.records(users):
        query = Query(record, moment.space.encoder.encode([record])[0], moment.at)
        for rank, item in enumerate(path.answer(recipe, query, n, user).items, start=1):
            for name, value in zip(
                SCHEMA, (user, rank, item.item_id, item.score, item.source, item.reason), strict=True
            ):
                columns[name].append(value)
    return columns


def embed(home: Home, what: str, at: float | None, out: Path) -> dict[str, Any]:
    """Writes `out` (parquet: user_id or item_id, vector list of float32); a score is the dot product of the two.

    what: "users" (everybody with a listen before the moment) or "items" (all that have a vector).
    """
    moment = Moment.open(home, at)
    if what == "users":
        kinds = open_stock(moment.space).columns.kind
        pairs = list(build_records(moment.history, np.array(moment.space.item_vectors), kinds))
        ids = [moment.history.users[user] for user, _ in pairs]
        vectors = moment.space.encoder.encode([record for _, record in pairs])
    else:
        stock = moment.path().stock
        rows = np.flatnonzero(stock.vectors.any(axis=1))
        with ItemStore(home.online / "items") as items:
            ids = [str(items.id(int(row))) for row in rows]
        vectors = stock.vectors[rows]
    shape = pl.Array(pl.Float32, vectors.shape[1])
    table = pl.DataFrame({f"{what[:-1]}_id": ids, "vector": pl.Series(vectors, dtype=shape).cast(pl.List(pl.Float32))})
    with atomic_file(out) as temporary:
        table.write_parquet(temporary)
    return {"out": str(out), what: len(ids), "dim": int(vectors.shape[1]), "space": moment.space.label, "at": moment.at}
