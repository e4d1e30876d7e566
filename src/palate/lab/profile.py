"""How fast and how heavy a function is, over batch sizes: timed calls, CPU time and memory of this process.

Meant for a process that does nothing else (jobs/subjects.py), so that the memory is the model's own.
"""

import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from palate.core.markup import Html
from palate.lab.plots import line_plot

LEAST_CALLS, MOST_CALLS = 20, 50_000  # fewer have no 95th percentile; more add nothing to a 99th
WARM_CALLS = 3
LEAST_CPU_SHARE = 0.8  # with five jobs on two cores for_you had 0.1, and a p99 of 167 ms for 3 ms of work
STATUS, FORGET_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Measured:
    """One model at one batch size.

    calls             how many were timed, one after the other, after three that were not
    p50_ms, ..        percentiles over those calls of the wall time of one; of fewer than 100 calls the 99th is nearly
                      the slowest
    rows_per_second   rows of all calls over their wall time; a row is what `unit` says
    cpu_seconds_per_1000_rows  CPU time of all threads of the process
    cpu_p99_ms        99th percentile of the CPU time of a call
    cpu_share         CPU time over wall time of all calls; well below 1 when other work had the cores, or the disk
    peak_mb           most resident memory while it was called, warming up included
    added_mb          of that, what was not there before the model was opened
    """

    model: str
    unit: str
    batch: int
    calls: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    rows_per_second: float
    cpu_seconds_per_1000_rows: float
    cpu_p99_ms: float
    cpu_share: float
    peak_mb: float
    added_mb: float

    @property
    def disturbed(self) -> bool:
        """Whether calls waited for the cores so much that their wall time says nothing about the model."""
        return self.cpu_share < LEAST_CPU_SHARE

    @property
    def own_p99_ms(self) -> float:
        """p99 of the wall time of a call; of its CPU time when it was disturbed."""
        return self.cpu_p99_ms if self.disturbed else self.p99_ms

    @property
    def own_rows_per_second(self) -> float:
        """Rows over the wall time; over the CPU time when it was disturbed."""
        return 1e3 / max(self.cpu_seconds_per_1000_rows, 1e-12) if self.disturbed else self.rows_per_second


def measure(
    model: str,
    unit: str,
    batch: int,
    given: Callable[[int], Any],
    call: Callable[[Any], object],
    seconds: float,
    before_mb: float,
) -> Measured:
    """Calls `call(given(n))` for n = 0, 1, ... during about `seconds`, and at least 20 times; only the call is timed.

    before_mb: resident memory before the model was opened (`resident_mb`).
    """
    forget_peak()
    for number in range(WARM_CALLS):
        call(given(number))
    walls: list[float] = []
    cpus: list[float] = []
    end = time.monotonic() + seconds
    while len(walls) < LEAST_CALLS or (time.monotonic() < end and len(walls) < MOST_CALLS):
        rows = given(len(walls))
        cpu_start, start = time.process_time(), time.perf_counter()
        call(rows)
        walls.append(time.perf_counter() - start)
        cpus.append(time.process_time() - cpu_start)
    p50, p95, p99 = (float(one) for one in np.percentile(walls, [50, 95, 99]) * 1e3)
    n_rows, wall, cpu, peak = batch * len(walls), sum(walls), sum(cpus), peak_mb()
    return Measured(
        model, unit, batch, len(walls), p50, p95, p99, n_rows / wall, cpu / n_rows * 1e3,
        float(np.percentile(cpus, 99)) * 1e3, cpu / wall, peak, max(peak - before_mb, 0.0),
    )  # fmt: skip


def resident_mb() -> float:
    """Resident memory of this process, in MB of a million bytes; pages of mapped files count once they were read."""
    return float(psutil.Process().memory_info().rss / 1e6)


def peak_mb() -> float:
    """The most that was resident since `forget_peak`, or since the process began where peaks cannot be forgotten."""
    if STATUS.is_file():  # not getrusage: on Linux a child begins with the peak of the process that started it
        for line in STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6


def forget_peak() -> None:
    """Makes the present memory the peak so far. Linux only; elsewhere peaks grow from batch to batch."""
    try:
        FORGET_PEAK.write_text("5", encoding="ascii")  # proc(5): 5 resets the peak resident set
    except OSError:
        return


def latency_plot(lines: Sequence[Measured]) -> Html:
    """p50 and p99 of each model over batch size, both axes logarithmic; one batch size is a dot."""
    series = [
        (f"{model} {name}", [float(one.batch) for one in own], [getattr(one, f"{name}_ms") for one in own])
        for model, own in _by_model(lines).items()
        for name in ("p50", "p99")
    ]
    return line_plot(series, x="batch size", y="ms a call", is_log_x=True, is_log_y=True)


def throughput_plot(lines: Sequence[Measured]) -> Html:
    """Rows a second of each model over batch size, both axes logarithmic."""
    series = [
        (f"{model}, {own[0].unit}", [float(one.batch) for one in own], [one.rows_per_second for one in own])
        for model, own in _by_model(lines).items()
    ]
    return line_plot(series, x="batch size", y="rows a second", is_log_x=True, is_log_y=True)


def _by_model(lines: Sequence[Measured]) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {}
    for one in sorted(lines, key=lambda line: line.batch):
        found.setdefault(one.model, []).append(one)
    return found
