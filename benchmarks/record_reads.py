"""How long does reading a user record take, while another process writes?

    python benchmarks/record_reads.py [--users 100000]

Prints the table of docs/decisions/0004-record-store.md: the time of OnlineStore.get for random users, from one and from
four processes, for records of 1 KB and 8 KB of random bytes, while one process writes batches of ten records as fast as
it can. The page cache is warm, as it is in a server that has run for a while.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from palate.store.items import ItemStore
from palate.store.records import OnlineStore
from stamp import stamp

READS = 30_000
SPACE = "bench@1"


def records(users: int, size_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Every user once."""
    for number in range(users):
        yield f"user-{number}", os.urandom(size_bytes)


def read(path: Path, users: int) -> None:
    """The reading process: prints p50, p90, p99 and p99.9 in microseconds."""
    ids = [f"user-{number}" for number in np.random.default_rng(os.getpid()).integers(0, users, READS)]
    with OnlineStore(path, readonly=True) as store:
        for user_id in ids[:2000]:
            store.get(SPACE, user_id)
        spent = np.empty(READS)
        for at, user_id in enumerate(ids):
            start = time.perf_counter()
            store.get(SPACE, user_id)
            spent[at] = time.perf_counter() - start
    print(*(np.percentile(spent, [50, 90, 99, 99.9]) * 1e6))


def write(path: Path, users: int, size_bytes: int) -> None:
    """The writing process: ten records a commit until its input ends, then prints commits and p50, p99 in ms."""
    rng, spent, offset = np.random.default_rng(0), [], 0
    os.set_blocking(sys.stdin.fileno(), False)
    with OnlineStore(path) as store:
        while sys.stdin.buffer.read(1) is None:
            offset += 1
            batch = {f"user-{number}": os.urandom(size_bytes) for number in rng.integers(0, users, 10)}
            start = time.perf_counter()
            store.put_many(SPACE, batch, offset)
            spent.append(time.perf_counter() - start)
    print(len(spent), *(np.percentile(spent, [50, 99]) * 1000))


def child(path: Path, role: str, users: int, size_bytes: int) -> "subprocess.Popen[str]":
    """This file again, as a reader or the writer."""
    command = [sys.executable, __file__, "--role", role, "--path", str(path), "--users", str(users)]
    return subprocess.Popen(
        [*command, "--bytes", str(size_bytes)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def measure(path: Path, users: int, size_bytes: int, readers: int, writing: bool) -> None:
    """Prints one line of the table."""
    writer = child(path, "write", users, size_bytes) if writing else None
    time.sleep(0.5)
    running = [child(path, "read", users, size_bytes) for _ in range(readers)]
    times = np.array([process.communicate()[0].split() for process in running], float)
    p50, p90, p99, p999 = np.median(times, axis=0)
    wrote = "-"
    if writer is not None:
        commits, half, slow = writer.communicate("stop")[0].split()
        wrote = f"{commits}, {float(half):.1f}, {float(slow):.1f}"
    print(f"| {size_bytes:5} | {readers} | {p50:5.1f} | {p90:5.1f} | {p99:6.1f} | {p999:7.1f} | {wrote} |", flush=True)


def measure_items(folder: Path, count: int = 100_000) -> None:
    """Prints how long ItemStore.get and .search take."""
    from palate.core.ids import ItemId
    from palate.core.items import Item

    def items() -> Iterator[Item]:
        for number in range(count):
            numbers = {"tempo_bpm": 120.5, "energy": 0.5, "valence": 0.25}
            yield Item(
                ItemId(f"item-{number}"),
                title=f"A Song {number}",
                artists=(f"Artist {number % 5000}",),
                attributes=numbers,
            )

    start = time.perf_counter()
    ItemStore.write(folder, items())
    seconds = time.perf_counter() - start
    with ItemStore(folder) as store:
        rows = np.random.default_rng(0).integers(0, count, READS).tolist()
        for what, calls in (
            ("get", [(store.get, row) for row in rows]),
            ("row", [(store.row, f"item-{row}") for row in rows]),
            ("search", [(lambda words: store.search(words, 20), f"song artist {row % 5000}") for row in rows[:200]]),
        ):
            spent = []
            for call, argument in calls:
                begin = time.perf_counter()
                call(argument)
                spent.append(time.perf_counter() - begin)
            p50, p99 = np.percentile(spent, [50, 99]) * 1e6
            print(f"items {count:,}: {what} p50 {p50:.1f} us, p99 {p99:.1f} us (written in {seconds:.1f} s)")


def main() -> None:
    """Plays the role that the command line names; without one, runs the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--role", choices=["read", "write"], help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--bytes", type=int, default=1024, help=argparse.SUPPRESS)
    parser.add_argument("--users", type=int, default=100_000)
    options = parser.parse_args()
    if options.role == "read":
        return read(options.path, options.users)
    if options.role == "write":
        return write(options.path, options.users, options.bytes)

    print(stamp())
    print("| bytes | readers | p50 us | p90 | p99 | p99.9 | writer: commits, p50 ms, p99 ms |")
    print("|---|---|---|---|---|---|---|")
    folder = Path(tempfile.mkdtemp())
    try:
        for size_bytes in (1024, 8192):
            path = folder / str(size_bytes)
            with OnlineStore(path) as store:
                store.replace(SPACE, records(options.users, size_bytes), offset=0)
            for readers, writing in ((1, False), (1, True), (4, False), (4, True)):
                measure(path, options.users, size_bytes, readers, writing)
        measure_items(folder / "items")
    finally:
        shutil.rmtree(folder)
    return None


if __name__ == "__main__":
    main()
