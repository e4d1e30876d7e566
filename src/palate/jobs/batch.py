"""Answers for many listeners at once, as of a moment: `palate recommend` and `palate embed`."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.core.artefacts import atomic_file
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.progress import progress
from palate.embeddings.bulk import build_columns
from palate.embeddings.folding import RecordColumns
from palate.embeddings.records import UserRecord
from palate.embeddings.space import Space, Spaces
from palate.embeddings.states import UserState
from palate.jobs.fit import encoded
from palate.jobs.inputs import gather, moment_of
from palate.jobs.moments import known_to, stock_then
from palate.listening.history import History
from palate.listening.listeners import ListenerColumns, read_listeners
from palate.listening.log import ListeningLog
from palate.ranking.ranker import Ranker
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.store.items import ItemStore
from palate.surfaces.ask import Ask
from palate.surfaces.explain import KeptLabels, explain
from palate.surfaces.path import Recipe, RequestPath
from palate.surfaces.screens.for_you import FOR_YOU, FOR_YOU_UNHEARD

BLOCK_USERS = 512  # one task of a worker; small enough that the progress bar moves
SCHEMA = {
    "user_id": pl.String, "rank": pl.Int32, "item_id": pl.String, "score": pl.Float32, "source": pl.String,
    "reason": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """A home as it was at one moment: what was heard before it, and one space's models."""

    home: Home
    space: Space
    history: History
    at: float  # home seconds

    @classmethod
    def open(cls, home: Home, at: float | None, label: str | None = None) -> "Moment":
        """at: unix seconds; None for just after the last listen. Listens of items that the space lacks are left out.

        label: of any version that is there; None for the live one. BadInput for an unknown one.
        """
        spaces = Spaces(home.require().spaces)
        space = spaces.live if label is None else spaces.get(label)
        inputs = gather(home, at=at)
        return cls(home, space, known_to(space, inputs.history), moment_of(home, inputs, at))

    @property
    def learnt_later(self) -> bool:
        """True when the space has learnt from listens after the moment."""
        return bool(self.space.manifest["moment"] > self.at)

    @cached_property
    def stock(self) -> Stock:
        """What is known of the items: the space, with trends and popularity as of the moment."""
        return stock_then(self.space, self.history, self.at)

    @cached_property
    def _events(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The history's positions sorted by listener, and where each listener's begin."""
        order = np.argsort(self.history.user, kind="stable")
        return order, np.searchsorted(self.history.user[order], np.arange(len(self.history.users) + 1))

    def encoded(
        self, rows: NDArray[np.int32]
    ) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float32], RecordColumns]]:
        """Rows, tastes and records of those in `rows` (ascending) with any event before the moment, in blocks."""
        order, bounds = self._events
        if len(rows):
            mine = np.sort(np.concatenate([order[bounds[row] : bounds[row + 1]] for row in rows]))
            listened = np.array(self.space.listened)
            blocks = build_columns(self.history.take(mine), listened, self.stock.columns.kind, rows)
            yield from encoded(blocks, self.space.encoder, self._listeners)

    def states(self, rows: NDArray[np.int32]) -> Iterator[tuple[int, UserState]]:
        """The state of each of these listeners."""
        for users, tastes, records in self.encoded(rows):
            for user, taste, record in zip(users.tolist(), tastes, records.records(), strict=True):
                yield user, UserState(taste, record)

    def states_of(self, users: Iterable[str]) -> Iterator[tuple[str, UserState]]:
        """Each listener's state, in the order given.

        Who has no event has an empty record, and a stranger's taste unless something else is told of them.
        """
        wanted = list(users)
        found = dict(
            self.states(np.array(sorted({self._rows[user] for user in wanted if user in self._rows}), np.int32))
        )
        unheard = list(dict.fromkeys(user for user in wanted if self._rows.get(user, -1) not in found))
        empty = UserRecord.empty(self.space.encoder.dim)
        tastes = self.space.encoder.encode([empty] * len(unheard), self._told(unheard), self.at)
        starts = {user: UserState(taste, empty) for user, taste in zip(unheard, tastes, strict=True)}
        for user in wanted:
            yield user, starts[user] if user in starts else found[self._rows[user]]

    def _told(self, users: list[str]) -> ListenerColumns:
        """What is known of these beyond their listens; nothing when the encoder would not read it."""
        if not self.space.encoder.reads_attributes:
            return ListenerColumns({})
        with ListeningLog(self.home.log) as log:
            return read_listeners(self.home, users).in_home_time(log.calendar())

    @cached_property
    def _listeners(self) -> ListenerColumns:
        return self._told(self.history.users)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {user: row for row, user in enumerate(self.history.users)}


def read_users(path: Path) -> list[str]:
    """One id a line; blank lines and repeats are left out. BadInput when there is none, or the file is no text."""
    if not path.is_file():
        raise BadInput(f"no file {path}; give a text file with one user id a line")
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # splitlines would cut ids at rarer separators
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text ({error}); give a text file with one user id a line") from error
    users = [user for user in dict.fromkeys(line.strip() for line in lines) if user]
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
    Ask(n=n)  # BadInput for a length that no slate has
    recipe_named(surface, exclude_heard)
    moment = Moment.open(home, at)
    blocks = [users[start : start + BLOCK_USERS] for start in range(0, len(users), BLOCK_USERS)]
    workers = min(os.cpu_count() or 1, len(blocks))
    job = (str(home.root), at, n, surface, exclude_heard)
    if workers == 1:
        answer = _Answering(moment, n, recipe_named(surface, exclude_heard))
        answers = [answer(block) for block in progress(blocks, "recommend")]
    else:  # spawned, not forked: forking a process whose libraries have threads can hang
        with ProcessPoolExecutor(workers, get_context("spawn"), _start, job) as pool:
            answers = list(progress(pool.map(_answer, blocks), "recommend", len(blocks)))
    table = pl.concat([pl.DataFrame(columns, SCHEMA) for columns, _ in answers])
    with atomic_file(out) as temporary:
        table.write_parquet(temporary)
    return {
        "out": str(out), "users": len(users), "strangers": sum(strangers for _, strangers in answers),
        "rows": len(table), "space": moment.space.label, "at": moment.at, "space_learnt_later": moment.learnt_later,
    }  # fmt: skip


class _Answering:
    """Answers block after block; opened once in each process."""

    def __init__(self, moment: Moment, n: int, recipe: Recipe) -> None:
        self._moment, self._n, self._recipe = moment, n, recipe
        ranker = Ranker.load(moment.space.folder / "ranker.txt")
        self._path = RequestPath(moment.stock, ranker, KeptLabels(ItemStore(moment.home.online / "items")))

    def __call__(self, users: list[str]) -> tuple[dict[str, list[Any]], int]:
        """The columns of the answer, and how many of the users are strangers."""
        columns: dict[str, list[Any]] = {name: [] for name in SCHEMA}
        strangers = 0
        for user, state in self._moment.states_of(users):
            query = Query(state.record, state.taste, self._moment.at, listener=user)
            strangers += query.stranger
            shown = self._path.rank(self._recipe, query, self._n).candidates  # no further pages, unlike `answer`
            items = explain(shown, query, self._path.stock, self._path.labels)
            columns["user_id"] += [user] * len(items)
            columns["rank"] += range(1, len(items) + 1)
            for name in ("item_id", "score", "source", "reason"):
                columns[name] += [getattr(item, name) for item in items]
        return columns, strangers


_worker: list[_Answering] = []  # what one process of the pool answers with


def _start(root: str, at: float | None, n: int, surface: str, exclude_heard: bool) -> None:
    _worker.append(_Answering(Moment.open(Home(Path(root)), at), n, recipe_named(surface, exclude_heard)))


def _answer(users: list[str]) -> tuple[dict[str, list[Any]], int]:
    return _worker[0](users)


def embed(home: Home, what: str, at: float | None, out: Path, space: str | None = None) -> dict[str, Any]:
    """Writes `out` (parquet: user_id or item_id, vector list of float32); a score is the dot product of the two.

    what: "users" (everybody with a listen before the moment) or "items" (all that have a vector).
    space: label of the version whose vectors; None for the live one. BadInput lists the versions that there are.
    """
    moment = Moment.open(home, at, space)
    dim = int(moment.space.encoder.dim)
    if what == "users":
        ids, vectors = _user_vectors(moment, dim)
    else:
        rows = np.flatnonzero(moment.stock.vectors.any(axis=1))
        with ItemStore(home.online / "items") as items:
            ids = [str(items.id(row)) for row in rows.tolist()]
        vectors = moment.stock.vectors[rows]
    column = pl.Series(vectors.ravel()).reshape((len(ids), dim)).cast(pl.List(pl.Float32))
    table = pl.DataFrame({f"{what[:-1]}_id": pl.Series(ids, dtype=pl.String), "vector": column})
    with atomic_file(out) as temporary:
        table.write_parquet(temporary)
    return {
        "out": str(out), what: len(ids), "dim": dim, "space": moment.space.label, "at": moment.at,
        "space_learnt_later": moment.learnt_later,
    }  # fmt: skip


def _user_vectors(moment: Moment, dim: int) -> tuple[list[str], NDArray[np.float32]]:
    """Ids and tastes of everybody with a record, in the order in which the log first heard of them."""
    rows = np.unique(moment.history.user).astype(np.int32)
    vectors, ids = np.empty((len(rows), dim), np.float32), list[str]()
    for users, tastes, _ in moment.encoded(rows):
        vectors[len(ids) : len(ids) + len(users)] = tastes
        ids += [moment.history.users[row] for row in users.tolist()]
    return ids, vectors[: len(ids)]
