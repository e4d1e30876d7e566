"""Does a sweep keep every core busy, and what does a kill cost it?

    python benchmarks/sweep.py HOME [--trials 12] [--workers 2] [--part busy|killed] [--target embeddings.users]

busy    CPU seconds of all workers over (wall seconds x cores), from the first claim to the last answer; beside it with
        the seconds that they waited for a core: what it would be with the machine to itself. Linux only
killed  kill -9 of one worker, then of the parent, then the same command again: trials lost, repeated, done again
HOME is any home with listens; it is copied and stays as it is.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from palate.lab.sweeps.reading import read_sweep
from stamp import stamp

DONE = ("complete", "pruned")


def command(home: Path, target: str, trials: int, workers: int) -> list[str]:
    told = ["--home", str(home), "lab", "sweep", target, "--trials", str(trials), "--workers", str(workers)]
    return [sys.executable, "-c", "from palate.cli import main; main()", *told]


def trials_of(home: Path, target: str) -> list[dict[str, Any]]:
    """Every trial so far; none before the study is there."""
    if not (home / "lab" / "sweeps" / target / "study.sqlite").is_file():
        return []
    return list(read_sweep(home / "lab", target)["trials"])


def finished(home: Path, target: str) -> list[dict[str, Any]]:
    return [one for one in trials_of(home, target) if one["state"] in DONE]


def workers_of(pid: int) -> list[int]:
    """The processes that work on trials, started by the process `pid`."""
    try:
        children = [(one.pid, one.cmdline()) for one in psutil.Process(pid).children()]
    except psutil.Error:
        return []
    return [child for child, told in children if "palate.jobs.sweeping.work" in told and "trials" in told]


def wanted_seconds(pid: int) -> tuple[float, float]:
    """(seconds on a core, seconds of waiting for one) of a process so far: its first thread's, which does the work."""
    ran, waited = Path(f"/proc/{pid}/schedstat").read_text().split()[:2]
    return int(ran) / 1e9, int(waited) / 1e9


def busy(home: Path, target: str, trials: int, workers: int) -> None:
    process = subprocess.Popen(command(home, target, trials, workers), stdout=subprocess.DEVNULL)
    looks: list[tuple[float, float, float]] = []  # when, seconds on a core, seconds of waiting; all workers together
    while process.poll() is None:
        with contextlib.suppress(OSError):  # one may end while it is looked at
            told = [wanted_seconds(pid) for pid in workers_of(process.pid)]
            if len(told) == workers:
                looks.append((time.time(), sum(one[0] for one in told), sum(one[1] for one in told)))
        time.sleep(0.2)
    done, cores = finished(home, target), os.cpu_count() or 1
    began, ended = min(one["ended"] - one["seconds"] for one in done), max(one["ended"] for one in done)
    first, *_, last = [look for look in looks if began <= look[0] <= ended]
    wall, ran, waited = (last[place] - first[place] for place in range(3))
    pruned = sum(one["state"] == "pruned" for one in done)
    print("| trials | pruned | wall s | CPU s | waited for a core s | cores | busy | busy or waiting for a core |")
    print("|---|---|---|---|---|---|---|---|")
    shares = f"{ran / (wall * cores):.0%} | {(ran + waited) / (wall * cores):.0%}"
    print(f"| {len(done)} | {pruned} | {wall:.1f} | {ran:.1f} | {waited:.1f} | {cores} | {shares} |")


def wait_for(home: Path, target: str, count: int) -> None:
    while len(finished(home, target)) < count:
        time.sleep(0.1)


def killed(home: Path, target: str, trials: int, workers: int) -> None:
    process = subprocess.Popen(command(home, target, trials, workers), stdout=subprocess.DEVNULL)
    wait_for(home, target, trials // 4)
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    wait_for(home, target, trials // 2)
    before = finished(home, target)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    began = time.monotonic()
    subprocess.run(command(home, target, trials, workers), check=True, stdout=subprocess.DEVNULL)
    after = finished(home, target)
    kept = {(one["number"], one["objective"]) for one in before} & {(one["number"], one["objective"]) for one in after}
    values = [tuple(one["values"].values()) for one in after]
    dead = [tuple(one["values"].values()) for one in trials_of(home, target) if one["state"] == "failed"]
    dead = [one for one in dead if len(one) == len(values[0])]  # one may be killed before it has its values
    print("| finished before the parent was killed | lost | finished in all | repeated | killed in work | done again |")
    print("|---|---|---|---|---|---|")
    repeated, again = len(values) - len(set(values)), sum(one in values for one in dead)
    print(f"| {len(before)} | {len(before) - len(kept)} | {len(after)} | {repeated} | {len(dead)} | {again} |")
    print(f"\nthe second command took {time.monotonic() - began:.0f} s, evidence included")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--target", default="embeddings.users")
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parts = {"busy": busy, "killed": killed}
    parser.add_argument("--part", choices=parts, action="append")
    chosen = parser.parse_args(arguments)
    print(stamp())
    for name in chosen.part or parts:
        with tempfile.TemporaryDirectory(prefix="palate-sweep-") as folder:
            home = Path(folder) / "home"
            shutil.copytree(chosen.home, home)
            print(f"\n{name}\n")
            parts[name](home, chosen.target, chosen.trials, chosen.workers)


if __name__ == "__main__":
    main()
