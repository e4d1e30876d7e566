"""How many listens a second does a Folder fold into the records and encode, from a backlog and in small batches?

    OMP_NUM_THREADS=1 python benchmarks/fold_speed.py HOME [--sizes 1 10 100 1000 10000 65536] [--seconds 10]

Works on a copy of HOME's log and records, with the live space. "backlog" is the whole log, folded from nothing. Each
other row appends so many listens, each of a random listener and a random item, and folds them with one `catch_up`,
again and again; medians. CPU is of this process, fsync included as far as it costs processor time.

The floor beside it is what the same listeners' bytes cost without any arithmetic: reading their states, writing them
back in one transaction, and one matrix product a listener of the encoder's size, in this process as well.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from palate.core.home import Home
from palate.core.listens import Event, Listen, in_columns
from palate.embeddings.space import Space, Spaces
from palate.fresh.fold import Folder
from palate.listening.attributes import Attributes
from palate.listening.log import ListeningLog
from palate.store.items import ItemStore
from palate.store.records import OnlineStore
from stamp import stamp

FLOOR = "floor@1"  # the same states once more, so that the floor's offset is nobody's


@dataclass(frozen=True)
class Bench:
    """A copy of a home's log and records, and a Folder over them."""

    log: ListeningLog
    store: OnlineStore
    folder: Folder
    users: list[str]
    items: list[str]

    @classmethod
    def over(cls, home: Home, work: Path) -> "Bench":
        """Copies what is written to into `work`."""
        shutil.copytree(home.listening, work / "listening")
        shutil.copytree(home.online / "records", work / "records")
        space = Space(home.spaces / Spaces(home.spaces).live.label)
        log, store, items = (
            ListeningLog(work / "listening" / home.log.name),
            OnlineStore(work / "records"),
            ItemStore(home.online / "items"),
        )
        attributes = Attributes(work / "listening" / home.listeners.name)
        folder = Folder.of(space, log, store, items, log.calendar(), attributes)
        folder.catch_up()
        known = [str(items.id(row)) for row in range(len(space.listened))]
        return cls(log, store, folder, list(store.users(space.label)), known)

    def append(self, size: int, rng: np.random.Generator) -> None:
        """Logs `size` plays of now, of random listeners and items."""
        now = time.time()
        users, items = rng.integers(0, len(self.users), size), rng.integers(0, len(self.items), size)
        listens = [
            Listen(self.users[user], self.items[item], now + number * 1e-3, Event.PLAY)  # type: ignore[arg-type]
            for number, (user, item) in enumerate(zip(users.tolist(), items.tolist(), strict=True))
        ]
        self.log.append(in_columns(listens))

    def floor(self, users: list[str]) -> None:
        """Reads and writes their states, and multiplies as the encoder has to."""
        states = {user: self.store.get(self.folder.space, user) or b"" for user in users}
        weights = self.folder.encoder.weights
        for start in range(0, len(states), 256):
            np.zeros((len(users[start : start + 256]), len(weights)), np.float32) @ weights
        self.store.put_many(FLOOR, states, 0)


def spent(work: Callable[[], object]) -> tuple[float, float]:
    """(clock, CPU) seconds."""
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - cpu


def row(name: str, listens: int, listeners: int, fold: tuple[float, float], floor: float) -> None:
    """Prints one row of the table."""
    clock, cpu = fold
    print(
        f"| {name} | {listeners:,} | {clock * 1e3:,.1f} ms | {cpu * 1e3:,.1f} ms | {listens / cpu:,.0f} "
        f"| {floor * 1e3:,.1f} ms | {cpu / floor:.1f} |",
        flush=True,
    )


def backlog(bench: Bench) -> None:
    """The whole log, folded from nothing."""
    bench.store.drop(bench.folder.space)
    listens = bench.log.end_offset()
    fold = spent(bench.folder.catch_up)
    users = list(bench.store.users(bench.folder.space))
    batches = -(-listens // 65_536)
    floor = sum(spent(partial(bench.floor, users[number::batches]))[1] for number in range(batches))
    row(f"backlog of {listens:,}", listens, len(users), fold, floor)


def micro_batches(bench: Bench, size: int, seconds: float, rng: np.random.Generator) -> None:
    """Batches of `size` listens for so long, or three."""
    folds, floors, listeners, began = [], [], [], time.perf_counter()
    while len(folds) < 3 or time.perf_counter() - began < seconds:
        bench.append(size, rng)
        folds.append(spent(bench.folder.catch_up))
        some = [bench.users[user] for user in np.unique(rng.integers(0, len(bench.users), size))]
        listeners.append(len(some))
        floors.append(spent(partial(bench.floor, some))[1])
    clock, cpu = np.median(folds, axis=0)
    row(f"{size:,}", size, int(np.median(listeners)), (float(clock), float(cpu)), float(np.median(floors)))


def main() -> None:
    """Prints the table of docs/rooms/fresh.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1, 10, 100, 1_000, 10_000, 65_536])
    parser.add_argument("--seconds", type=float, default=10.0, help="for each size")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    rng = np.random.default_rng(told.seed)
    with tempfile.TemporaryDirectory() as work:
        bench = Bench.over(Home(told.home), Path(work))
        print(f"{stamp()}; {len(bench.users):,} listeners, {len(bench.items):,} items, {bench.folder.encoder.dim} dim")
        print("\n| listens in a batch | listeners | clock | CPU | listens/s of CPU | floor | CPU / floor |")
        print("|---|---|---|---|---|---|---|")
        backlog(bench)
        for size in told.sizes:
            micro_batches(bench, size, told.seconds, rng)


if __name__ == "__main__":
    main()
