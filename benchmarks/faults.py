"""What is lost, and what counts twice, when things break?

    python benchmarks/faults.py [--home DIR] [--fault NAME] [--times 20] [--json]

Over a copy of a trained home (without --home a small simulated one is trained) run the real server and the real
workers, and clients that post events as fast as they are taken, send again what was not accepted, and remember what
was. Then each fault strikes, again and again. At the end the log is compared with what was accepted, and the records
that requests read with those that the whole log gives at once. Prints the table of docs/rooms/faults.md.

Power loss is not simulated: killing a process loses nothing that it has handed to the kernel. That the log syncs before
it answers (SQLite, synchronous=FULL) and that LMDB syncs each commit is all that speaks for it.
"""

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hurting.counting import LISTENERS, Ledger, check, columns, ledger, posting
from hurting.stage import PATIENCE_SECONDS, Embedded, Engine, Stage, eventually, family, trained_home
from palate.core.home import Home
from palate.core.partitions import partition_of
from palate.embeddings.space import Spaces
from palate.fresh.dead import FILE as DEAD
from palate.fresh.dead import DeadLetters, Letter
from palate.fresh.lock import Rounds
from palate.store.folds import Part
from palate.store.items import ItemStore
from palate.store.records import OnlineStore
from stamp import stamp

BACKLOG = 30_000  # listens that wait when a worker is killed: what it folds in some tenths of a second
FAILED_POSTS = 10  # answers of a full disk before there is room again
SPARE_BYTES = 48 << 20  # on the small disk beside the home's copy
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


class Skipped(Exception):
    """The fault cannot be made here; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """One line of the table.

    seconds  from the end of each injury (killed processes are started again, there is room, it is mended) until every
             listen is in the records
    """

    fault: str
    engine: str
    times: int
    accepted: int = 0
    lost: int = 0
    twice: int = 0
    unlike: int = 0
    seconds: tuple[float, ...] = ()
    note: str = ""

    def line(self) -> str:
        """As a row of Markdown."""
        if not self.times:
            return f"| {self.fault} | - | | | | | {self.note} |"
        level = f"{np.median(self.seconds):.1f}, {max(self.seconds):.1f}"
        counts = f"{self.times} | {self.accepted:,} | {self.lost} | {self.twice} | {level}"
        return f"| {self.fault} | {counts} | {self.note} |"


def outcome(stage: Stage, fault: str, kept: Ledger, seconds: list[float], note: str) -> Outcome:
    """What the check at the end says."""
    found = check(stage.home, stage.engine, kept.accepted)
    note += f"; {found.unlike} records differ" if found.unlike else ""
    counts = (found.accepted, found.lost, found.twice, found.unlike)
    return Outcome(fault, stage.engine.name, len(seconds), *counts, tuple(seconds), note)


def api_killed(stage: Stage, times: int) -> Outcome:
    """The server and its worker get SIGKILL at a random moment while clients post; then it is started again."""
    kept, seconds = ledger(stage), []
    server = stage.serve()
    stage.ready()
    for _ in range(times):
        with posting(stage, kept):
            time.sleep(stage.random.uniform(0.2, 1.5))
            stage.kill(server)
            server, start = stage.serve(), time.monotonic()
            stage.ready()
        stage.level()
        seconds.append(time.monotonic() - start)
    stage.stop(server)
    return outcome(stage, "server killed while it writes", kept, seconds, f"{kept.answers[0]} posts without an answer")


def worker_killed(stage: Stage, times: int) -> Outcome:
    """Two workers that have a backlog get SIGKILL at a random moment, every other time one of them alone."""
    kept, seconds, midway = ledger(stage), [], 0
    workers = stage.palate("fresh", "--follow", "--workers", "2")
    for turn in range(times):
        both_run(workers)
        stage.level()
        log_a_backlog(stage, kept)
        time.sleep(stage.random.uniform(0.0, 0.5))
        if turn % 2:
            os.kill(family(workers.pid)[-1], 9)
        else:
            stage.kill(workers)
        midway += stage.engine.lacking(stage.home) > 0
        start = time.monotonic()
        if not turn % 2:
            workers = stage.palate("fresh", "--follow", "--workers", "2")
        stage.level()
        seconds.append(time.monotonic() - start)
    stage.stop(workers)
    return outcome(stage, "workers killed in a backlog", kept, seconds, f"{midway} times listens were left to fold")


def both_run(workers: "subprocess.Popen[bytes]") -> None:
    """Waits until there are two workers, besides multiprocessing's own helper."""
    eventually(lambda: len(family(workers.pid)) >= 3, "two workers run")


def log_a_backlog(stage: Stage, kept: Ledger) -> None:
    """More than a worker folds at once; accepted when `append` returns."""
    events = kept.some(BACKLOG)
    with stage.engine.log(stage.home) as log:
        log.append(columns(events))
    kept.took(events)


def disk_full(stage: Stage, times: int) -> Outcome:
    """The home is on a small disk (tmpfs) that something else fills; later that goes away."""
    with small_disk(stage) as disk, stage.moved(disk / "home") as moved:
        server = moved.serve()
        moved.ready()
        ballast = disk / "ballast"

        def fill() -> None:
            left = max(shutil.disk_usage(disk).free - moved.random.randint(0, 1 << 20), 0)
            with suppress(OSError):  # clients take what is free too: then it is full at once
                ballast.write_bytes(bytes(left))

        return no_room(moved, server, "disk full", times, fill, ballast.unlink)


def file_limit(stage: Stage, times: int) -> Outcome:
    """The server may not make any file longer (RLIMIT_FSIZE), as with a quota; later it may."""
    server = stage.serve()
    stage.ready()

    def limit(bytes_: tuple[int, int]) -> None:
        for process in (server.pid, *family(server.pid)):
            resource.prlimit(process, resource.RLIMIT_FSIZE, bytes_)

    def fill() -> None:
        written = stage.home.log.with_name(stage.home.log.name + "-wal")
        length = written.stat().st_size if written.exists() else 0
        limit((length + stage.random.randint(0, 1 << 18), resource.RLIM_INFINITY))

    return no_room(stage, server, "files may not grow", times, fill, lambda: limit(UNLIMITED))


def no_room(
    stage: Stage, server: "subprocess.Popen[bytes]", fault: str, times: int,
    fill: Callable[[], None], make_room: Callable[[], None],
) -> Outcome:  # fmt: skip
    """Clients post on while there is no room for more, and while there is again."""
    kept, seconds, answered = ledger(stage), [], 0
    for _ in range(times):
        before = refused(kept)
        with posting(stage, kept):
            fill()
            eventually(lambda before=before: refused(kept) >= before + FAILED_POSTS, "posts are refused")
            time.sleep(stage.random.uniform(0.0, 3.0))  # folding fails and rests meanwhile
            answered += stage.get("/v1/users/hurt-1/taste")[0] in (200, 404)
            make_room()
            start, accepted = time.monotonic(), len(kept.accepted)
            eventually(lambda accepted=accepted: len(kept.accepted) > accepted, "posts are accepted again")
        stage.level()
        seconds.append(time.monotonic() - start)
    stage.stop(server)
    told = sum(" full " in one or "room" in one or "disk" in one for one in kept.sentences)
    note = f"{refused(kept):,} posts refused, {kept.answers[0]} without an answer; {answered} of {times} reads answered"
    note += "" if told == len(kept.sentences) else f"; not all say why: {sorted(kept.sentences)}"
    return outcome(stage, fault, kept, seconds, note)


def refused(kept: Ledger) -> int:
    """How many posts were answered with a fault of the server."""
    return sum(count for status, count in kept.answers.items() if status >= 500)


@contextmanager
def small_disk(stage: Stage) -> Iterator[Path]:
    """A tmpfs with a little more room than the home takes; Skipped where nobody may mount one."""
    size = SPARE_BYTES + sum(path.stat().st_size for path in stage.home.root.rglob("*") if path.is_file())
    folder = Path(tempfile.mkdtemp(dir=stage.home.root.parent))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Skipped("there is no `mount`") from error
    if done.returncode:
        raise Skipped(f"a small disk needs the right to mount one ({done.stderr.strip()})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def poisoned(stage: Stage, times: int) -> Outcome:
    """An item's vector is not a number and a stored record is none; later both are mended and tried again."""
    kept, seconds, letters = ledger(stage), [], 0
    server = stage.serve()
    stage.ready()
    for _ in range(times):
        item = stage.random.choice(kept.items)
        with posting(stage, kept), a_bad_vector(stage.home, item):
            spoil_a_record(stage.home, stage.random.choice(LISTENERS))
            eventually(lambda: {"Corrupt", "ValueError"} <= reasons(stage.home), "both are with the dead letters")
        start = time.monotonic()
        stage.level()
        letters += len(dead_letters(stage.home))
        while dead_letters(stage.home):
            stage.palate("fresh", "retry").wait(PATIENCE_SECONDS)
        stage.level()
        seconds.append(time.monotonic() - start)
    stage.stop(server)
    return outcome(stage, "poisoned events", kept, seconds, f"{letters:,} dead letters, all brought back")


@contextmanager
def a_bad_vector(home: Home, item: str) -> Iterator[None]:
    """Inside the block the item's vector that records sum is not a number; in the file, which servers have mapped."""
    with ItemStore(home.online / "items") as items:
        row = items.row(item)
    vectors = np.load(Spaces(home.spaces).live.folder / "listened.npy", mmap_mode="r+")
    whole = vectors[row].copy()
    vectors[row] = np.nan
    vectors.flush()
    try:
        yield
    finally:
        vectors[row] = whole
        vectors.flush()


def spoil_a_record(home: Home, user: str) -> None:
    """What is stored of the listener is no record any more, while others fold."""
    label, partition = Spaces(home.spaces).live.label, partition_of(user)
    # Between two rounds: a worker that had read the record would write it back.
    with OnlineStore(home.online / "records") as store, Rounds(home.online / "fold").held_up():
        standing = store.standing(label)
        there = standing.offsets[partition]
        store.commit(label, standing.epoch, [Part(partition, there, there, {user: b"no record"})])


def dead_letters(home: Home) -> list[Letter]:
    """What could not be folded."""
    with DeadLetters(home.online / DEAD) as dead:
        return dead.all()


def reasons(home: Home) -> set[str]:
    """Which sorts of errors they name."""
    return {letter.reason.partition(":")[0] for letter in dead_letters(home)}


Fault = Callable[[Stage, int], Outcome]

FAULTS: dict[str, Fault] = {
    "api-killed": api_killed,
    "worker-killed": worker_killed,
    "disk-full": disk_full,
    "file-limit": file_limit,
    "poisoned": poisoned,
}
ENGINES: dict[str, tuple[Engine, dict[str, Fault]]] = {"embedded": (Embedded(), {})}  # with faults that only it has


def struck(name: str, fault: Fault, home: Home, engine: Engine, times: int, seed: int) -> Outcome:
    """One fault over a copy of the home."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Home(Path(shutil.copytree(home.root, Path(folder) / "home")))
        stage = Stage(copy, engine, random.Random(seed))
        try:
            return fault(stage, times)
        except Skipped as reason:
            return Outcome(name, engine.name, 0, note=f"not tried: {reason}")
        finally:
            stage.over()


def main() -> None:
    """Runs the faults and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path)
    parser.add_argument("--engine", choices=sorted(ENGINES), default="embedded")
    parser.add_argument("--fault", choices=sorted({*FAULTS, *(one for _, more in ENGINES.values() for one in more)}))
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    engine, more = ENGINES[options.engine]
    with tempfile.TemporaryDirectory() as folder:
        home = Home(options.home) if options.home else trained_home(Path(folder))
        if not options.json:
            print(f"{stamp()}, engine {engine.name}")
            print("| fault | times | accepted | lost | twice | s until level: median, longest | |")
            print("|---|---|---|---|---|---|---|")
        for name, fault in (FAULTS | more).items():
            if options.fault in (None, name):
                told = struck(name, fault, home, engine, options.times, options.seed)
                print(json.dumps(asdict(told)) if options.json else told.line(), flush=True)


if __name__ == "__main__":
    main()
