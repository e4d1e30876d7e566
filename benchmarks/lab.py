"""What does keeping a run cost, how fast are ten thousand listed, and what does kill -9 take away?

    python benchmarks/lab.py [--runs 10000] [--moments 20] [--rounds 7] [--only cost|list|kill]

Three tables, with trackio 0.43 as the peer in the same process and the same minute where it does the same thing.

cost  log() alone, beside its floor: the same bytes in the same number of bare writes. Then one training loop (softmax
      regression by gradient steps, five numbers a step) without a run, with one, and with one that is copied to
      trackio meanwhile; in turns, so that a busy machine is busy for all. Processor time of the training's own process
      counts as much as the clock, because other programs do not change it.
list  runs of 100 results each, filtered and sorted: from the folders, from the index, in a fresh process. trackio's
      way is its Python API run by run, or SQL written by hand (`trackio query`).
kill  a process that logs, and says after each log() that it has returned, is killed at a random moment; then what is
      there is counted: logging as fast as it can, and every 5 ms as a training does. trackio's log() queues and its
      thread writes twice a second, so a kill takes what came since; after its finish() it has everything.
"""

import argparse
import gc
import json
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson

from palate.core import recording
from palate.lab.book import Book
from palate.lab.settings import LabSettings
from stamp import stamp

WHERE, SORT = "task=='discover' and ndcg_at_10>.05", "-ndcg_at_10"
STEPS, METRICS = 400, 100
ALONE = LabSettings(tracker="none")

CHILD = """
import os, sys, time
from pathlib import Path
which, folder, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])
if which == "palate":
    from palate.core.recording import log
    from palate.lab.book import Book
    from palate.lab.settings import LabSettings
    Book(Path(folder)).start("train", key="k", settings=LabSettings(tracker="none")).__enter__()
else:
    os.environ["TRACKIO_DIR"] = folder
    import trackio
    from trackio import log
    out, sys.stdout = sys.stdout, sys.stderr
    trackio.init(project="p", name="k", resume="allow", embed=False, auto_log_cpu=False, auto_log_gpu=False)
step = 0
while True:
    log({"loss": step / 2, "accuracy": 0.5}, step=step)
    os.write(1, b"%d\\n" % step)
    step += 1
    time.sleep(pause)
"""

PEER = """
import os, random, sys, time
os.environ["TRACKIO_DIR"], runs, metrics = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
import trackio
from trackio.sqlite_storage import SQLiteStorage as storage
rng = random.Random(0)
for number in range(runs):
    values = {f"m{metric}_at_10": rng.random() for metric in range(metrics - 1)} | {"ndcg_at_10": rng.random() / 10}
    config = {"task": ("discover", "next")[number % 2], "method": f"m{number % 7}", "items.dim": 64}
    storage.bulk_log("p", f"r{number}", [values], steps=[0], config=config, run_id=f"id{number}")
SQL = '''
    SELECT m.run_name, json_extract(CAST(m.metrics AS TEXT), '$.ndcg_at_10') v
    FROM metrics m JOIN configs c USING(run_id)
    WHERE json_extract(CAST(c.config AS TEXT), '$.task') = 'discover' AND v > .05 ORDER BY v DESC'''
def by_sql():
    return len(storage.query_project("p", SQL, max_rows=10**6)["rows"])
def names():
    return len(list(trackio.Api().runs("p")))
def by_api():
    found = []
    for run in trackio.Api().runs("p"):
        if run.config["task"] == "discover":
            values = storage.get_metric_values("p", run.name, "ndcg_at_10", run_id=run.id)
            if values and values[-1]["value"] > .05:
                found.append((values[-1]["value"], run.name))
    return len(sorted(found, reverse=True))
for name, call in (("SQL by hand", by_sql), ("names alone", names), ("config and last value of each run", by_api)):
    start = time.perf_counter()
    found = call()
    print(name, found, time.perf_counter() - start, flush=True)
"""

FRESH = f"""
import time
start = time.perf_counter()
import sys
from pathlib import Path
from palate.lab.book import Book
book = Book(Path(sys.argv[1]))
loaded = time.perf_counter()
found = book.runs({WHERE!r}, {SORT!r})
print(loaded - start, time.perf_counter() - loaded)
"""


def quiet(call: Callable[[], object]) -> None:
    """Runs what prints, without its prints."""
    out, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115
    try:
        call()
    finally:
        sys.stdout.close()
        sys.stdout = out


def percentiles(spent: list[float]) -> str:
    """p50, p90, p99 and the greatest, in microseconds."""
    return "p50 {:.1f}, p90 {:.1f}, p99 {:.1f}, max {:.0f} us".format(*np.percentile(spent, [50, 90, 99, 100]) * 1e6)


def timed(call: Callable[[int], object], count: int = 5_000) -> str:
    """How long a call takes, given its number."""
    spent = []
    for number in range(count):
        start = time.perf_counter()
        call(number)
        spent.append(time.perf_counter() - start)
    return percentiles(spent)


def log_alone(folder: Path) -> None:
    """log() of 5 and of 100 numbers, the floor under it, and what a log() without a run costs."""
    os.environ["TRACKIO_DIR"] = str(folder / "trackio-cost")
    import trackio

    for count in (5, METRICS):
        values = {f"metric_{number}_at_10": random.random() for number in range(count)}

        def log(step: int, values: dict[str, float] = values) -> None:
            recording.log(values, step)

        def peer(step: int, values: dict[str, float] = values) -> None:
            trackio.log(values, step)

        print(f"log() of {count} numbers without a run: {timed(log)}")
        with Book(folder / "one").start("train", settings=ALONE) as run:
            before = (run.folder / "journal.jsonl").stat().st_size
            told = timed(log)
            size = ((run.folder / "journal.jsonl").stat().st_size - before) // 5_000
        print(f"    with one: {told}; {size} bytes in 1 system call")
        with (folder / "floor").open("ab", buffering=0) as file:
            print(f"    its floor, that write alone: {timed(lambda _, file=file, line=b'x' * size: file.write(line))}")
        quiet(lambda: trackio.init(project="p", embed=False, auto_log_cpu=False, auto_log_gpu=False))
        print(f"    trackio.log(): {timed(peer)}")
        quiet(trackio.finish)


def train() -> None:
    """Softmax regression on made-up data: STEPS gradient steps of about ten milliseconds, five numbers logged each."""
    rng = np.random.default_rng(0)
    inputs, labels, weights = rng.standard_normal((4_000, 256)), rng.integers(0, 32, 4_000), np.zeros((256, 32))
    for step in range(STEPS):
        batch = rng.integers(0, len(inputs), 2_000)
        scores = inputs[batch] @ weights
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        loss = -float(np.log(chances[np.arange(len(batch)), labels[batch]]).mean())
        chances[np.arange(len(batch)), labels[batch]] -= 1.0
        gradient = inputs[batch].T @ chances / len(batch)
        weights -= 0.1 * gradient
        norm = float(np.linalg.norm(gradient))
        recording.log(
            {"loss": loss, "grad_norm": norm, "lr": 0.1, "step_rows": len(batch), "share": step / STEPS}, step
        )


def with_run(book: Book, settings: LabSettings) -> None:
    """The training inside a run, its start and end included."""
    with book.start("train", config={"lr": 0.1}, settings=settings):
        train()


def training_cost(folder: Path, rounds: int) -> None:
    """The loop in turns: bare, bare again (what the noise is), kept, and kept and copied."""
    book = Book(folder / "training")
    ways: dict[str, Callable[[], None]] = {
        "bare": train,
        "bare again": train,
        "a run": lambda: with_run(book, ALONE),
        "a run, copied": lambda: with_run(book, LabSettings()),
    }
    train()
    clock: dict[str, list[float]] = {name: [] for name in ways}
    work: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds):
        for name in random.Random(turn).sample(list(ways), len(ways)):
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            ways[name]()
            clock[name].append(time.perf_counter() - wall)
            work[name].append(time.process_time() - cpu)
            if name == "a run, copied":
                time.sleep(1.0)  # the copy's own end falls into nobody's turn
    print(f"| training of {STEPS} steps | clock s | cost | processor s | cost |\n|---|---|---|---|---|")
    for name in ways:
        told = [name]
        for spent in (clock, work):
            ratios = [mine / bare - 1 for mine, bare in zip(spent[name], spent["bare"], strict=True)]
            told += [f"{statistics.median(spent[name]):.2f}", f"{100 * statistics.median(ratios):+.1f}%"]
        print(f"| {' | '.join(told)} |")
    own = []
    for _ in range(rounds):
        cpu = time.process_time()
        with book.start("train", config={"lr": 0.1}, settings=ALONE):
            for step in range(STEPS):
                recording.log({"loss": 0.5, "grad_norm": 0.5, "lr": 0.1, "rows": 2_000, "share": 0.5}, step)
        own.append(time.process_time() - cpu)
    share = statistics.median(own) / statistics.median(work["bare"])
    print(f"a run with {STEPS} log() and no training: {statistics.median(own) * 1000:.1f} ms of processor, {share:.2%}")


def fill(folder: Path, runs: int) -> None:
    """Finished runs of METRICS results, written as Book.record does but without waiting for the disk."""
    rng = random.Random(0)
    for number in range(runs):
        run = folder / "runs" / f"20260101-{number:06d}-000-{number % 65536:04x}-eval"
        run.mkdir(parents=True)
        config = {"task": ("discover", "next")[number % 2], "method": f"m{number % 7}", "items.dim": 64}
        about = {"format": 1, "job": "eval", "name": f"r{number}", "group": "", "key": "", "created": 1.7e9 + number}
        (run / "run.json").write_bytes(orjson.dumps(about | {"config": config, "about": {"commit": "abc"}}))
        values = {f"m{metric}_at_10": rng.random() for metric in range(METRICS - 1)} | {"ndcg_at_10": rng.random() / 10}
        lines = [{"k": "summary", "v": values, "t": 1.7e9}, {"k": "end", "state": "finished", "t": 1.7e9}]
        (run / "journal.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))


def listing(folder: Path, runs: int) -> None:
    """List, filter and sort: ours, then the peer's."""
    lab = folder / "lab"
    fill(lab, runs)
    book, seconds, work = Book(lab), list[float](), list[float]()
    for _ in range(8):
        start, cpu = time.perf_counter(), time.process_time()
        found = book.runs(WHERE, SORT)
        seconds.append(time.perf_counter() - start)
        work.append(time.process_time() - cpu)
        gc.collect()
    size = sum(path.stat().st_size for path in lab.rglob("*.json*")) / 1e6
    print(f"{runs:,} runs of {METRICS} results ({size:.0f} MB), {len(found):,} chosen and sorted")
    print(f"    without an index, from the folders: {seconds[0]:.2f} s ({work[0]:.2f} s of processor)")
    half, most, own = statistics.median(seconds[1:]), max(seconds[1:]), statistics.median(work[1:])
    print(f"    from the index: median {half:.2f} s, worst {most:.2f} s ({own:.2f} s of processor)")
    fresh = [subprocess.run([sys.executable, "-c", FRESH, str(lab)], capture_output=True, text=True, check=True).stdout
             for _ in range(5)]  # fmt: skip
    loading, listed = np.median([list(map(float, text.split())) for text in fresh], axis=0)
    print(f"    in a fresh process: {listed:.2f} s, and {loading:.2f} s of imports")
    (lab / "index.sqlite").stat()
    with sqlite3.connect(lab / "index.sqlite") as db:
        start = time.perf_counter()
        for (doc,) in db.execute("SELECT doc FROM runs"):
            orjson.loads(doc)
        print(f"    its floor, reading and decoding the index: {time.perf_counter() - start:.2f} s")
    db.close()
    peer_listing(folder, runs)


def peer_listing(folder: Path, runs: int) -> None:
    """The same question to trackio: as SQL through `query_project`, and run by run through its API."""
    child = [sys.executable, "-c", PEER, str(folder / "trackio-list"), str(runs), str(METRICS)]
    told = subprocess.run(child, capture_output=True, text=True, check=True).stdout
    for line in told.splitlines():
        name, found, seconds = line.rsplit(" ", 2)
        print(f"    trackio, {name}: {float(seconds):.2f} s ({int(found):,} found)")


def kept_points(which: str, folder: Path) -> set[int]:
    """The steps that are there after the kill."""
    if which == "palate":
        book = Book(folder)
        runs = book.runs()
        return set(book.history(runs[0])["loss"].steps) if runs and runs[0].steps else set()
    db = sqlite3.connect(folder / "p.db")
    try:
        return {step for (step,) in db.execute("SELECT step FROM metrics")}
    except sqlite3.OperationalError:
        return set()
    finally:
        db.close()


def kill(folder: Path, moments: int) -> None:
    """Kills at random moments of the first three seconds after the first point."""
    print("| | a point every | moments | acknowledged | found | lost | shown as interrupted |")
    print("|---|---|---|---|---|---|---|")
    for which, pause in (("palate", 0.0), ("palate", 0.005), ("trackio", 0.005)):
        chance, acknowledged, found, shown = random.Random(1), 0, 0, 0
        for moment in range(moments):
            place = folder / f"kill-{which}-{moment}"
            place.mkdir()
            told = killed(which, place, pause, chance.uniform(0, 3))
            kept = kept_points(which, place)
            acknowledged, found = acknowledged + len(told), found + len(told & kept)
            shown += which == "palate" and Book(place).runs()[0].state == "interrupted"
            shutil.rmtree(place)
        state, lost = str(shown) if which == "palate" else "-", acknowledged - found
        every = f"{pause * 1000:g} ms" if pause else "as fast as it can"
        print(f"| {which} | {every} | {moments} | {acknowledged:,} | {found:,} | {lost:,} | {state} |", flush=True)


def killed(which: str, place: Path, pause: float, seconds: float) -> set[int]:
    """The steps that were acknowledged until a kill -9 so many seconds after the first."""
    command = [sys.executable, "-c", CHILD, which, str(place), str(pause)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdout is not None
    told = child.stdout.readline()
    timer = threading.Timer(seconds, child.kill)
    timer.start()
    told += child.stdout.read()
    child.wait()
    timer.join()
    return {int(line) for line in told.split(b"\n")[:-1]}


def main() -> None:
    """Runs the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=["cost", "list", "kill"])
    options = parser.parse_args()
    os.environ.pop("PALATE_TRACKER", None)
    print(stamp())
    folder = Path(tempfile.mkdtemp())
    try:
        if options.only in (None, "cost"):
            log_alone(folder)
            training_cost(folder, options.rounds)
        if options.only in (None, "list"):
            listing(folder, options.runs)
        if options.only in (None, "kill"):
            kill(folder, options.moments)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps({"load_after": os.getloadavg()[0]}))


if __name__ == "__main__":
    main()
