"""The two engines beside each other, with the same code above them: files of this machine, and a Redis server on it.

    python benchmarks/redis_engine.py [--listens 40000] [--listeners 2000] [--folder DIR]

Prints the table of docs/rooms/engines.md: appending in batches of 1,000 and of 10 listens (each is on disk before the
next), reading one record of 128 dimensions beside a PING over a bare socket, folding a backlog with its commits, and
what a listen and a record take of its memory. Listens are drawn at random, so every batch is of many listeners:
the hardest case for folding. The server is started here with `appendonly yes` and `appendfsync always`.
"""

import argparse
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from palate.core.clock import Calendar
from palate.core.ids import ItemId
from palate.core.items import KINDS, Item
from palate.core.listens import Listens
from palate.embeddings.encoder import Encoder, feature_count
from palate.fresh.archive import copy
from palate.fresh.fold import Folder
from palate.listening.backlog import EventLog
from palate.listening.engine import RedisEngine
from palate.listening.log import ListeningLog
from palate.listening.redis_log import RedisLog
from palate.store.items import ItemStore
from palate.store.record_store import RecordStore
from palate.store.records import OnlineStore
from palate.store.redis_records import RedisStore
from palate.testing.redis_server import RedisServer, installed
from stamp import stamp

DIM, ITEMS, READS, SPACE, SMALL = 128, 20_000, 5_000, "taste@1", 10


def drawn(rng: np.random.Generator, start: int, n: int, listeners: int) -> Listens:
    """n listens of random listeners and items, one a second."""
    return Listens(
        user_id=[f"user-{row}" for row in rng.integers(0, listeners, n)],
        item_id=[f"item-{row}" for row in rng.integers(0, ITEMS, n)],
        timestamp=1.6e9 + start + np.arange(n, dtype=np.float64),
        event=np.zeros(n, np.uint8),
        seconds_played=np.full(n, 200.0, np.float32),
        duration_seconds=np.full(n, 210.0, np.float32),
        event_id=[f"{start + row:032x}" for row in range(n)],
    )


def folder_over(folder: Path, log: EventLog, store: RecordStore) -> Folder:
    """What folds, with vectors and an encoder of chance."""
    rng = np.random.default_rng(0)
    if not (folder / "items").exists():
        ItemStore.write(folder / "items", [Item(ItemId(f"item-{row}")) for row in range(ITEMS)])
    vectors = rng.standard_normal((ITEMS, DIM)).astype(np.float32)
    weights = rng.standard_normal((feature_count(DIM), DIM)).astype(np.float32) / 100
    kinds = (np.arange(ITEMS) % len(KINDS)).astype(np.uint8)
    return Folder(log, store, ItemStore(folder / "items"), SPACE, vectors, kinds, Encoder(weights), Calendar())


def seconds_of(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(folder: Path, log: EventLog, store: RecordStore, listens: int, listeners: int) -> dict[str, str]:
    """The rows of one engine."""
    rng, told = np.random.default_rng(1), {}
    large = [drawn(rng, start, 1_000, listeners) for start in range(0, listens, 1_000)]
    small = [drawn(rng, listens + start, SMALL, listeners) for start in range(0, 2_000, SMALL)]
    spent = seconds_of(lambda: [log.append(one) for one in large])
    told["append, 1,000 at once, listens/s"] = f"{listens / spent:,.0f}"
    spent = seconds_of(lambda: [log.append(one) for one in small])
    told[f"append, {SMALL} at once, listens/s"] = f"{len(small) * SMALL / spent:,.0f}"
    told[f"append, {SMALL} at once, ms each"] = f"{1_000 * spent / len(small):.2f}"
    folding = folder_over(folder, log, store)
    spent = seconds_of(folding.catch_up)
    told["fold and commit from a backlog, listens/s"] = f"{(listens + 2_000) / spent:,.0f}"
    log.append(drawn(rng, 2 * listens, 1_000, listeners))
    told["fold and commit of 1,000 new listens, ms"] = f"{1_000 * seconds_of(folding.catch_up):,.0f}"
    times = [seconds_of(lambda user=f"user-{row}": store.get(SPACE, user)) for row in rng.integers(0, listeners, READS)]  # type: ignore[misc]
    told["read of a record, us, p50 / p99 / p99.9"] = in_percentiles(times)
    if isinstance(log, RedisLog):
        spent = seconds_of(lambda: copy(log))
        told["copy into the archive, listens/s"] = f"{(listens + 3_000) / spent:,.0f}"
    return told


def pings(port: int) -> str:
    """The floor of any read from the server: the times of PING over a bare socket, in microseconds."""
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def ping() -> None:
            line.sendall(b"PING\r\n")
            line.recv(64)

        return in_percentiles([seconds_of(ping) for _ in range(READS)])


def in_percentiles(seconds: list[float]) -> str:
    """p50, p99 and p99.9 in microseconds."""
    return " / ".join(f"{1e6 * one:,.0f}" for one in np.percentile(seconds, [50, 99, 99.9]))


def memory(engine: RedisEngine, listens: int, listeners: int) -> dict[str, str]:
    """Bytes of the server's memory for a listen and for a record."""

    def used(name: str) -> int:
        return sum(
            int(one or 0) for one in engine.each(lambda p: ("MEMORY", "USAGE", engine.key(p, name), "SAMPLES", 0))
        )

    seen = [key.decode().partition(":seen:")[2] for key in engine.one("KEYS", "*:seen:*")]
    total = sum(used(f"seen:{one}") for one in set(seen))
    return {
        "memory of a listen in a stream, bytes": f"{used('log') / listens:.0f}",
        "memory of a listen that is remembered, bytes": f"{total / listens:.0f}",
        "memory of a record, bytes": f"{used(f'records:{SPACE}') / listeners:,.0f}",
    }


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listens", type=int, default=40_000)
    parser.add_argument("--listeners", type=int, default=2_000)
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure")
    asked = parser.parse_args()
    if not installed():
        raise SystemExit("redis-server is not installed: apt-get install redis-server")
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        root = Path(name)
        with ListeningLog(root / "files" / "log.sqlite") as log, OnlineStore(root / "files" / "records") as store:
            files = measure(root / "files", log, store, asked.listens, asked.listeners)
        with RedisServer(root / "redis") as server, ListeningLog(root / "archive" / "log.sqlite") as archive:
            engine = server.engine()
            streams, records = RedisLog(engine, archive), RedisStore(engine)
            redis = measure(root / "archive", streams, records, asked.listens, asked.listeners)
            redis["PING over a bare socket, us, p50 / p99 / p99.9"] = pings(server.port)
            redis |= memory(engine, asked.listens + 3_000, asked.listeners)
        print(stamp())
        print(f"{asked.listens:,} listens of {asked.listeners:,} listeners, {ITEMS:,} items\n")
        print("| | embedded | Redis |\n|---|---|---|")
        for what, value in redis.items():
            print(f"| {what} | {files.get(what, '')} | {value} |")


if __name__ == "__main__":
    main()
