"""Measuring: what is counted, what is timed, what memory it says."""

import subprocess
import sys
import time

import pytest

from palate.lab.profile import (
    LEAST_CALLS,
    WARM_CALLS,
    Measured,
    forget_peak,
    latency_plot,
    measure,
    peak_mb,
    resident_mb,
    throughput_plot,
)

WASTE_MB = 80


def test_calls_are_counted_and_warmed_up_and_only_the_call_is_timed() -> None:
    given: list[int] = []
    called: list[int] = []

    def slowly(number: int) -> int:
        given.append(number)
        time.sleep(0.01)  # is not part of the call
        return number

    found = measure("m", "rows", 4, slowly, called.append, seconds=0.0, before_mb=0.0)
    assert found.calls == LEAST_CALLS
    assert given == called == [*range(WARM_CALLS), *range(LEAST_CALLS)]
    assert found.p50_ms <= found.p95_ms <= found.p99_ms
    assert found.rows_per_second > 4 / 0.01
    assert (found.model, found.unit, found.batch) == ("m", "rows", 4)


def test_a_call_that_waits_is_disturbed_and_its_cpu_time_is_told_apart() -> None:
    found = measure("m", "rows", 1, lambda number: number, lambda _: time.sleep(0.005), 0.0, 0.0)
    assert found.disturbed
    assert found.p50_ms >= 5.0
    assert found.own_p99_ms == found.cpu_p99_ms < found.p99_ms


def test_percentiles_and_throughput_belong_together() -> None:
    found = measure("m", "rows", 2, lambda number: number, lambda _: time.sleep(0.002), 0.0, 0.0)
    assert found.rows_per_second <= 2 / 0.002
    assert found.cpu_seconds_per_1000_rows >= 0.0
    assert found.cpu_share < 1.0


def test_memory_that_was_freed_again_is_in_the_peak() -> None:
    # In a process of its own: what other tests left behind may be given back to the system while this one measures.
    code = f"""
import numpy as np
from palate.lab.profile import measure, resident_mb

def waste(_):
    return float(np.ones({WASTE_MB} * 125_000).sum())  # 8 bytes each

waste(0)
before = resident_mb()
found = measure("m", "rows", 1, lambda number: number, waste, 0.0, before)
print(found.added_mb, found.peak_mb - before)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    added_mb, over_mb = map(float, told.stdout.split())
    assert added_mb > 0.9 * WASTE_MB
    assert over_mb >= 0


def test_a_forgotten_peak_is_the_present_memory_or_what_it_was() -> None:
    high = peak_mb()
    forget_peak()
    assert 0.0 < resident_mb() * 0.5 < peak_mb() <= high * 1.5 + 50


def line(model: str, batch: int) -> Measured:
    return Measured(model, "rows", batch, 20, 1.0, 2.0, 3.0, 100.0 * batch, 0.1, 3.0, 1.0, 50.0, 5.0)


def test_plots_name_every_model_and_a_measure() -> None:
    lines = [line("encoder", 8), line("encoder", 1), line("index", 1)]
    latency, throughput = latency_plot(lines), throughput_plot(lines)
    for drawing in (latency, throughput):
        assert drawing.startswith("<svg")
        assert "encoder" in drawing
        assert "index" in drawing
    assert "ms a call" in latency
    assert "rows a second" in throughput


@pytest.mark.parametrize(("share", "own"), [(0.95, 3.0), (1.7, 3.0), (0.5, 2.5)])
def test_which_latency_is_the_models_own(share: float, own: float) -> None:
    told = Measured("m", "rows", 1, 20, 1.0, 2.0, 3.0, 1.0, 0.1, 2.5, share, 50.0, 5.0)
    assert told.own_p99_ms == own
