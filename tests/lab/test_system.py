"""What a process takes of the machine is told again and again, and once at the end; what cannot be read is left out."""

import os
import stat
import threading

import psutil
import pytest

from palate.lab.system import Sampler


def sampled(seconds, wait_for=1):
    told, enough = [], threading.Event()

    def tell(values):
        told.append(values)
        if len(told) >= wait_for:
            enough.set()

    sampler = Sampler(tell, seconds)
    if wait_for > 1:
        assert enough.wait(30)
    sampler.stop()
    sampler.stop()
    return told


def test_a_short_run_is_read_once():
    (read,) = sampled(60.0)
    assert read["rss_mb"] == pytest.approx(psutil.Process().memory_info().rss / 1e6, rel=0.5)
    assert read["cpu_percent"] >= 0.0
    assert read["threads"] >= 2
    assert 0.0 <= read["machine_memory_percent"] <= 100.0
    assert all(isinstance(value, float) for value in read.values())


def test_a_long_run_is_read_again_and_again():
    assert len(sampled(0.01, wait_for=5)) >= 6


def nvidia(tmp_path, monkeypatch, script):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def test_gpus_are_read_where_there_are_some(tmp_path, monkeypatch):
    nvidia(tmp_path, monkeypatch, "echo '37, 1024'; echo '[N/A], 2048'")
    (read,) = sampled(60.0)
    assert {name: value for name, value in read.items() if name.startswith("gpu")} == {
        "gpu0_percent": 37.0, "gpu0_memory_mb": 1024.0, "gpu1_memory_mb": 2048.0,
    }  # fmt: skip


def test_a_driver_that_is_not_there_is_asked_once(tmp_path, monkeypatch):
    nvidia(tmp_path, monkeypatch, f"echo asked >> {tmp_path}/asked; exit 9")
    told = sampled(0.01, wait_for=3)
    assert not any(name.startswith("gpu") for read in told for name in read)
    assert (tmp_path / "asked").read_text() == "asked\n"


def test_a_machine_that_hides_itself_stops_nothing(monkeypatch):
    def hidden(self):
        raise psutil.AccessDenied(1)

    monkeypatch.setattr(Sampler, "read", hidden)
    assert sampled(0.01) == []
