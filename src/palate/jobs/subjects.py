"""What is profiled: each model of a space, opened cold in a process of its own and called with real records.

    python -m palate.jobs.subjects sample HOME LABEL FOLDER            writes what the models are given
    python -m palate.jobs.subjects MODEL HOME LABEL FOLDER SECONDS BATCHES

Both print one line of JSON; jobs/profiling.py starts them. Each imports what its model needs and nothing else, so that
its memory is the model's own.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from palate.core.artefacts import read_arrays, write_arrays
from palate.core.errors import NotTrained, PalateError
from palate.core.home import Home
from palate.embeddings.space import Space, Spaces
from palate.embeddings.states import UserState
from palate.lab.profile import measure, resident_mb

LISTENERS = 1_024  # whose records are drawn; more than the largest batch that is usual
LOOKED_AT = 100_000  # listeners of a home among whom they are drawn: reading a million ids would take seconds
LISTS = 64  # of candidates; 2.6 MB of features
NEAREST = 200  # what a request retrieves from the index
SLATE = 50
SEED = 0
MODELS = ("encoder", "index", "ranker", "for_you")
UNITS = {"encoder": "records", "index": "queries", "ranker": "lists", "for_you": "answers"}

Given = Callable[[int, int], Any]  # (batch size, number of the call) -> what is passed to the model
Called = Callable[[Any], object]


def sample(home: Home, space: Space, folder: Path) -> dict[str, Any]:
    """Writes states.npz, lists.npz and a small store of the same records into `folder`; gives how many they are.

    Records are those that the home serves for the space; a space that has none online yet gets them from the log. A
    home without a listener gives a stranger's.
    """
    from palate.store.records import OnlineStore

    states = _online(home, space) or _from_log(home, space) or {"": _stranger(space)}
    packed = {user: state.pack() for user, state in states.items()}
    with OnlineStore(folder / "records") as store:
        store.replace(space.label, iter(packed.items()), 0)
    lengths = [len(one) for one in packed.values()]
    write_arrays(
        folder / "states.npz", users=np.array(list(packed)), lengths=np.array(lengths, np.int64),
        bytes=np.frombuffer(b"".join(packed.values()), np.uint8),
    )  # fmt: skip
    lists = _lists(home, space, list(states.values())[:LISTS])
    sizes = np.array([len(one) for one in lists], np.int64)
    write_arrays(folder / "lists.npz", features=np.concatenate(lists), sizes=sizes)
    return {"listeners": 0 if "" in packed else len(packed), "candidates": float(sizes.mean())}


def _online(home: Home, space: Space) -> dict[str, UserState]:
    from palate.fresh.engine import open_store

    try:
        with open_store(home, readonly=True) as store:
            users = list(islice(store.users(space.label), LOOKED_AT))
            found = {user: store.get(space.label, user) for user in _drawn(users)}
    except NotTrained:
        return {}
    return {user: UserState.unpack(packed) for user, packed in found.items() if packed is not None}


def _from_log(home: Home, space: Space) -> dict[str, UserState]:
    from palate.jobs.batch import Moment
    from palate.jobs.inputs import gather, moment_of
    from palate.jobs.moments import known_to

    inputs = gather(home)
    known = known_to(space, inputs.history)
    moment = Moment(home, space, known, moment_of(home, inputs, None))
    rows = np.sort(np.array(_drawn(np.unique(known.user).tolist()), np.int32))
    return {known.users[row]: state for row, state in moment.states(rows)}


def _drawn(users: list[Any]) -> list[Any]:
    if len(users) <= LISTENERS:
        return users
    chosen = np.random.default_rng(SEED).choice(len(users), LISTENERS, replace=False)
    return [users[at] for at in chosen]


def _stranger(space: Space) -> UserState:
    from palate.embeddings.records import UserRecord

    record = UserRecord.empty(space.encoder.dim)
    return UserState(space.encoder.encode([record])[0], record)


def _lists(home: Home, space: Space, states: list[UserState]) -> list[NDArray[np.float32]]:
    """The features of what for_you would rank for each listener now."""
    from palate.ranking.features import features
    from palate.retrieval.filters import apply
    from palate.retrieval.query import Query
    from palate.retrieval.retrieve import retrieve
    from palate.surfaces.live import open_stock
    from palate.surfaces.screens.for_you import FOR_YOU

    stock, now, made = open_stock(space), _now(home), []
    for state in states:
        query = Query(state.record, state.taste, now)
        kept, _ = apply(FOR_YOU.filters, retrieve(FOR_YOU.quotas_for(SLATE), query, stock), query, stock)
        made.append(features(kept, query, stock))
    return made


def _now(home: Home) -> float:
    from palate.core.clock import Clock
    from palate.listening.log import ListeningLog

    with ListeningLog(home.log) as log:
        return Clock(log.calendar(), time.time).now()


def _states(folder: Path) -> tuple[list[str], list[UserState]]:
    stored = read_arrays(folder / "states.npz")
    ends = np.cumsum(stored["lengths"])
    whole = stored["bytes"].tobytes()
    packed = [whole[end - length : end] for end, length in zip(ends, stored["lengths"], strict=True)]
    return [str(user) for user in stored["users"]], [UserState.unpack(one) for one in packed]


def _turns(things: Any, batch: int, number: int) -> list[Any]:
    """`batch` of the things, going on where the last call ended and beginning again at the end."""
    return [things[(number * batch + place) % len(things)] for place in range(batch)]


def _encoder(home: Home, space: Space, folder: Path) -> tuple[Given, Callable[[], Called]]:
    records = [state.record for state in _states(folder)[1]]
    return lambda batch, number: _turns(records, batch, number), lambda: space.encoder.encode


def _index(home: Home, space: Space, folder: Path) -> tuple[Given, Callable[[], Called]]:
    from palate.store.index import VectorIndex

    tastes = np.stack([state.taste for state in _states(folder)[1]])

    def open_index() -> Called:
        index = VectorIndex.load(space.folder / "index")
        return lambda queries: index.nearest(queries, NEAREST)

    return lambda batch, number: np.stack(_turns(tastes, batch, number)), open_index


def _ranker(home: Home, space: Space, folder: Path) -> tuple[Given, Callable[[], Called]]:
    from palate.ranking.ranker import Ranker

    stored = read_arrays(folder / "lists.npz")
    lists = np.split(stored["features"], np.cumsum(stored["sizes"])[:-1])
    return (
        lambda batch, number: np.concatenate(_turns(lists, batch, number)),
        lambda: Ranker.load(space.folder / "ranker.txt").score,
    )


def _for_you(home: Home, space: Space, folder: Path) -> tuple[Given, Callable[[], Called]]:
    from palate.core.clock import Clock
    from palate.listening.attributes import Attributes
    from palate.listening.log import ListeningLog
    from palate.store.items import ItemStore
    from palate.store.records import OnlineStore
    from palate.surfaces.ask import Ask
    from palate.surfaces.live import LiveHome
    from palate.surfaces.registry import answer

    users = _states(folder)[0]
    with ListeningLog(home.log) as log:
        clock = Clock(log.calendar(), time.time)

    def open_home() -> Called:
        store = OnlineStore(folder / "records", readonly=True)
        live = LiveHome(home, space, clock, store, ItemStore(home.online / "items"), Attributes(home.listeners))
        return lambda asked: [answer(live, "for_you", Ask(user, SLATE)) for user in asked]

    return lambda batch, number: _turns(users, batch, number), open_home


SUBJECTS = {"encoder": _encoder, "index": _index, "ranker": _ranker, "for_you": _for_you}


def profile(model: str, home: Home, space: Space, folder: Path, seconds: float, batches: list[int]) -> dict[str, Any]:
    """load_seconds: from opening the model to its first answer; lines: one Measured a batch size, smallest first."""
    given, opened = SUBJECTS[model](home, space, folder)
    first, before_mb, start = given(1, 0), resident_mb(), time.perf_counter()
    call = opened()
    call(first)
    load_seconds = time.perf_counter() - start
    lines = [measure(model, UNITS[model], batch, partial(given, batch), call, seconds, before_mb) for batch in batches]
    return {"load_seconds": load_seconds, "lines": [asdict(line) for line in lines]}


def main(words: list[str]) -> int:
    """One line of JSON on stdout; a PalateError as {"error": its sentence}."""
    what, root, label, folder, *rest = words
    home = Home(Path(root))
    space = Spaces(home.spaces).get(label)
    try:
        if what == "sample":
            answer = sample(home, space, Path(folder))
        else:
            answer = profile(what, home, space, Path(folder), float(rest[0]), [int(one) for one in rest[1].split(",")])
    except PalateError as error:
        answer = {"error": str(error)}
    print(orjson.dumps(answer).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
