"""How long do the metrics take for a million listeners, and how long elsewhere?

    python benchmarks/metrics_speed.py [--users 1000000] [--against 20000]

Made-up lists of 100 from a catalogue of 100,000 items, about twelve targets a listener, one in four of them on her
list. The first table is one process on one core that loads the lists from disk, the second the same four metrics (ndcg,
recall, mrr, hit rate at 10 and 100) in other libraries where they are installed: pytrec_eval (in the dev extra) and
ranx (pip install ranx), without the time to bring lists and targets into their form. The floor is the time to read the
lists and targets from memory once.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.evaluation import metrics
from stamp import stamp

N, ITEMS, TARGETS, K = 100, 99_991, 12, (10, 100)  # a prime number of items: any stride visits all of them
ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
NAMES = ("ranked", "indptr", "items")
Case = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]


def made_up(users: int) -> Case:
    """Lists without repetition, and the targets of each; ten thousand listeners at a time."""
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(ITEMS).astype(np.int32)
    ranked = np.empty((users, N), np.int32)
    for first in range(0, users, 10_000):
        size = (min(10_000, users - first), 1)
        ranked[first : first + 10_000] = shuffled[
            (rng.integers(0, ITEMS, size) + rng.integers(1, ITEMS, size) * np.arange(N)) % ITEMS
        ]
    sizes = rng.geometric(1 / TARGETS, users)
    owner = np.repeat(np.arange(users), sizes)
    items = rng.integers(0, ITEMS, len(owner)).astype(np.int32)
    on_list = np.flatnonzero(rng.random(len(owner)) < 0.25)
    items[on_list] = ranked[owner[on_list], rng.integers(0, N, len(on_list))]
    keys = np.unique(owner * ITEMS + items)
    indptr = np.searchsorted(keys, np.arange(users + 1) * ITEMS)
    return ranked, indptr, (keys % ITEMS).astype(np.int32)


def head(what: str) -> str:
    """The first two lines of a table. Seconds of processor do not grow with what else the machine does."""
    return f"| {what} | seconds | of processor |\n|---|---|---|"


def timed(name: str, call: Callable[..., Any], *arguments: object) -> Any:
    """What the call gives; prints a line of the table."""
    start, busy = time.perf_counter(), time.process_time()
    result = call(*arguments)
    print(f"| {name} | {time.perf_counter() - start:.2f} | {time.process_time() - busy:.2f} |", flush=True)
    return result


def accuracy(ranked: NDArray[np.int32], indptr: NDArray[np.int64], items: NDArray[np.int32]) -> dict[str, float]:
    """The four metrics at each k, in the mean over listeners."""
    hit, sizes = metrics.hits(ranked, indptr, items), np.diff(indptr)
    means = {}
    for k in K:
        means |= {
            f"ndcg@{k}": metrics.ndcg(hit, sizes, k).mean(),
            f"recall@{k}": metrics.recall_uncapped(hit, sizes, k).mean(),
            f"mrr@{k}": metrics.mrr(hit, k).mean(),
            f"hit_rate@{k}": metrics.hit_rate(hit, k).mean(),
        }
    return means


def everything(folder: Path) -> None:
    """The process of the first table."""
    ranked, indptr, items = timed("load", lambda: [np.load(folder / f"{name}.npy") for name in NAMES])
    timed("floor: read all of it once", lambda: [part.view(np.uint8).view(np.int32).max() for part in (ranked, items)])
    heard_by = np.random.default_rng(1).geometric(1e-3, ITEMS).clip(max=len(ranked))
    timed("hits, ndcg, recall, mrr, hit_rate at 10 and 100", accuracy, ranked, indptr, items)
    timed("hits alone", metrics.hits, ranked, indptr, items)
    catalogue = np.arange(ITEMS)
    for k in K:
        timed(f"coverage@{k}", metrics.coverage, ranked, catalogue, k)
        timed(f"popularity@{k}", metrics.popularity, ranked, heard_by, len(ranked), k)
        timed(f"novelty@{k}", metrics.novelty, ranked, heard_by, len(ranked), k)
    few = ranked[: len(ranked) // 10]
    vectors = np.random.default_rng(2).normal(size=(ITEMS, 64)).astype(np.float32)
    labels = np.random.default_rng(3).integers(0, 50, ITEMS)
    history = metrics.label_counts(np.repeat(np.arange(len(few)), 20), few[:, :20].reshape(-1), labels, (len(few), 50))
    timed("a tenth of the listeners: diversity@10, 64 dimensions", metrics.diversity, few, vectors, 10)
    timed("a tenth of the listeners: calibration@10, 50 labels", metrics.calibration, few, labels, history, 10)
    timed("a tenth of the listeners: overlap@10", metrics.overlap, few, few[:, ::-1], 10)


def trec_eval(ranked: NDArray[np.int32], indptr: NDArray[np.int64], items: NDArray[np.int32]) -> dict[str, float]:
    """The same with pytrec_eval; its reciprocal rank has no k, so the last one is that of the whole list."""
    import pytrec_eval

    relevant, run = as_dicts(ranked, indptr, items)
    cuts = ",".join(map(str, K))
    measures = {f"ndcg_cut.{cuts}", f"recall.{cuts}", f"success.{cuts}", "recip_rank"}
    said = timed("pytrec_eval", pytrec_eval.RelevanceEvaluator(relevant, measures).evaluate, run).values()
    names = {f"ndcg@{k}": f"ndcg_cut_{k}" for k in K} | {f"recall@{k}": f"recall_{k}" for k in K}
    names |= {f"hit_rate@{k}": f"success_{k}" for k in K} | {f"mrr@{K[-1]}": "recip_rank"}
    return {ours: float(np.mean([one[theirs] for one in said])) for ours, theirs in names.items()}


def ranx(ranked: NDArray[np.int32], indptr: NDArray[np.int64], items: NDArray[np.int32]) -> dict[str, float]:
    """The same with ranx; the first call compiles, the second is what it takes."""
    from ranx import Qrels, Run, evaluate

    relevant, run = (kind(one) for kind, one in zip((Qrels, Run), as_dicts(ranked, indptr, items), strict=True))
    names = [f"{name}@{k}" for name in ("ndcg", "recall", "mrr", "hit_rate") for k in K]
    timed("ranx, compiling", evaluate, relevant, run, names)
    return dict(timed("ranx", evaluate, relevant, run, names))


def as_dicts(
    ranked: NDArray[np.int32], indptr: NDArray[np.int64], items: NDArray[np.int32]
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
    """Targets and lists as other libraries take them."""
    wanted = np.split(items, indptr[1:-1])
    relevant = {str(row): {str(item): 1 for item in one.tolist()} for row, one in enumerate(wanted)}
    lists = enumerate(ranked.tolist())
    run = {str(row): {str(item): float(N - at) for at, item in enumerate(one)} for row, one in lists}
    return relevant, run


def compared(users: int) -> None:
    """The second table; ends with an error where another library says something else."""
    case = made_up(users)
    ours = timed("palate", accuracy, *case)
    for name, elsewhere in (("pytrec_eval", trec_eval), ("ranx", ranx)):
        if importlib.util.find_spec(name) is None:
            print(f"| {name} | not installed | |")
            continue
        for metric, value in elsewhere(*case).items():
            if abs(value - ours[metric]) > 1e-9:
                raise SystemExit(f"{name} says {metric} = {value}, palate {ours[metric]}")


def child(role: str, folder: str, users: int) -> tuple[str, float]:
    """This file again, in another role: its line of the table and peak megabytes."""
    command = [sys.executable, __file__, "--role", role, "--folder", folder, "--users", str(users)]
    start = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | ONE_CORE)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the process that was to {role} ended with status {status}")
    line = f"{time.perf_counter() - start:.2f} | {used.ru_utime + used.ru_stime:.2f}"
    return line, used.ru_maxrss / 1024


def main() -> None:
    """Plays the role that the command line names; without one, prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--role", choices=["make", "measure"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--against", type=int, default=20_000)
    options = parser.parse_args()
    if options.role == "make":
        for name, part in zip(NAMES, made_up(options.users), strict=True):
            np.save(options.folder / name, part)
        return
    if options.role == "measure":
        everything(options.folder)
        return

    print(stamp())
    with tempfile.TemporaryDirectory() as folder:
        child("make", folder, options.users)  # not in this process: a child's peak is at least that of its parent
        print(
            f"| {options.users:,} listeners, {N} places, {ITEMS:,} items | seconds | of processor |\n|---|---|---|",
            flush=True,
        )
        took, megabytes = child("measure", folder, options.users)
    print(f"| whole process | {took} |\n\npeak {megabytes:.0f} MB")
    print(
        f"\n| ndcg, recall, mrr, hit_rate of {options.against:,} listeners | seconds | of processor |\n|---|---|---|",
        flush=True,
    )
    compared(options.against)


if __name__ == "__main__":
    main()
