"""Clients that keep count of what was accepted, and the check of it against the log and the records afterwards."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

from hurting.stage import Stage
from palate.catalog.columns import ItemColumns
from palate.core.home import Home
from palate.core.listens import Listen, Listens, in_columns
from palate.embeddings.bulk import build_records
from palate.embeddings.records import UserRecord
from palate.embeddings.space import Space, Spaces
from palate.embeddings.states import UserState
from palate.fresh.archive import copy_of
from palate.fresh.engine import open_store
from palate.listening.log import ListeningLog
from palate.store.items import ItemStore

LISTENERS = [f"hurt-{number}" for number in range(60)]
MOST_IN_A_POST = 40
AGO_SECONDS = 6 * 86_400.0
RETRY_SECONDS = 0.02


@dataclass
class Ledger:
    """Events that are each made once, and which of them were accepted. The log tells them apart by their times."""

    items: list[str]
    random: Random
    accepted: set[float] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)  # by status; 0 for none
    sentences: set[str] = field(default_factory=set)  # of what failed
    _start: float = field(default_factory=lambda: float(int(time.time() - AGO_SECONDS)))
    _made: int = 0
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def some(self, n: int) -> list[dict[str, Any]]:
        """New events with ids."""
        with self._turn:
            numbers = range(self._made, self._made + n)
            self._made += n
            return [
                {
                    "id": f"event-{number}", "user_id": self.random.choice(LISTENERS),
                    "item_id": self.random.choice(self.items), "timestamp": self._start + number,
                }
                for number in numbers
            ]  # fmt: skip

    def took(self, events: list[dict[str, Any]]) -> None:
        """These were accepted."""
        with self._turn:
            self.accepted |= {float(event["timestamp"]) for event in events}

    def answered(self, status: int, answer: Any) -> None:
        """What a post was told."""
        with self._turn:
            self.answers[status] += 1
            if status >= 500 and isinstance(answer, dict):
                self.sentences.add(str(answer.get("detail")))


def ledger(stage: Stage) -> Ledger:
    """Over the items that the home's log knows."""
    with ListeningLog(stage.home.log) as log:
        return Ledger(log.item_ids(), Random(stage.random.random()))


def columns(events: list[dict[str, Any]]) -> Listens:
    """The same events for who appends to the log without a server."""
    listens = (Listen(one["user_id"], one["item_id"], one["timestamp"], event_id=one["id"]) for one in events)
    return in_columns(list(listens))


@contextmanager
def posting(stage: Stage, ledger: Ledger, clients: int = 2) -> Iterator[None]:
    """Inside the block clients post one batch after another, and send again what was not accepted, as clients do."""
    over = threading.Event()

    def client(random: Random) -> None:
        while not over.is_set():
            events = ledger.some(random.randint(1, MOST_IN_A_POST))
            while not over.is_set():
                status, answer = stage.post(events)
                ledger.answered(status, answer)
                if status == 202:
                    ledger.took(events)
                    break
                over.wait(RETRY_SECONDS)

    threads = [threading.Thread(target=client, args=(Random(stage.random.random()),)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@dataclass(frozen=True)
class Verdict:
    """Lost: accepted and not in the log, or in the log and not in the records. Twice: the other way round.

    unlike  listeners whose record differs from the one made of the whole log by more than float32's rounding
    """

    accepted: int
    lost: int
    twice: int
    unlike: int


def check(home: Home, accepted: set[float]) -> Verdict:
    """Compares what clients were told with the log, and the records with those that the whole log gives at once."""
    space = Spaces(home.spaces).live
    logged: Counter[float] = Counter()
    copy_of(home)
    with ListeningLog(home.log) as log:
        for batch in log.replay(0):
            logged.update(batch.timestamp.tolist())
    whole, stored = from_the_log(home, space), from_the_store(home, space)
    lost = sum(moment not in logged for moment in accepted)
    twice = sum(logged[moment] - 1 for moment in accepted if moment in logged)
    for user in whole.keys() | stored.keys():
        more = heard(stored.get(user))
        more.subtract(heard(whole.get(user)))
        twice += sum(count for count in more.values() if count > 0)
        lost -= sum(count for count in more.values() if count < 0)
    unlike = sum(not (user in stored and alike(stored[user], record)) for user, record in whole.items())
    return Verdict(len(accepted), lost, twice, unlike)


def from_the_log(home: Home, space: Space) -> dict[str, UserRecord]:
    """Every listener's record, from the whole history at once."""
    with ListeningLog(home.log) as log, ItemStore(home.online / "items") as items:
        rows = [items.row(item) for item in log.item_ids()]
        vectors = np.asarray(space.listened)
        history = log.history(np.array([-1 if row is None else row for row in rows], np.int32), len(vectors))
        kinds = ItemColumns.load(space.folder / "columns.npz").kind
        return {history.users[row]: record for row, record in build_records(history, vectors, kinds)}


def from_the_store(home: Home, space: Space) -> dict[str, UserRecord]:
    """Every listener's record as requests read it."""
    with open_store(home, readonly=True) as store:
        states = ((user, store.get(space.label, user)) for user in store.users(space.label))
        return {user: UserState.unpack(state).record for user, state in states if state is not None}


def heard(record: UserRecord | None) -> Counter[int]:
    """How often each item was played or skipped."""
    if record is None:
        return Counter()
    return Counter(dict(zip(record.items.tolist(), (record.plays + record.skips).tolist(), strict=True)))


def alike(one: UserRecord, other: UserRecord) -> bool:
    """Whether two records are of the same listens."""
    exact = all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("items", "plays", "skips", "last")
    )
    near = (np.allclose(getattr(one, name), getattr(other, name), 1e-3, 1e-3) for name in ("sums", "counts", "weights"))
    return exact and one.at == other.at and all(near)
