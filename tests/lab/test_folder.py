"""A living keeper is told from a dead one, and nobody takes a run that somebody keeps."""

import multiprocessing
import os
import signal
import threading

import pytest

from palate.core.errors import BadInput
from palate.lab.folder import LOCK, held, take


def is_held(folder):
    with held(folder) as alive:
        return alive


def test_a_run_is_held_until_its_lock_is_closed(tmp_path):
    assert not is_held(tmp_path)
    lock = take(tmp_path)
    assert is_held(tmp_path)
    os.close(lock)
    assert not is_held(tmp_path)


def test_who_looks_does_not_hold_and_leaves_nothing(tmp_path):
    assert not is_held(tmp_path)
    assert list(tmp_path.iterdir()) == []
    os.close(take(tmp_path))
    with held(tmp_path) as first, held(tmp_path) as second:
        assert (first, second) == (False, False)


def test_a_held_run_is_refused(tmp_path):
    lock = take(tmp_path)
    with pytest.raises(BadInput, match="kept by another process"):
        take(tmp_path)
    assert is_held(tmp_path)
    os.close(lock)


def test_who_looks_only_delays_the_keeper(tmp_path):
    os.close(take(tmp_path))
    locks = []
    with held(tmp_path):
        keeper = threading.Thread(target=lambda: locks.append(take(tmp_path)))
        keeper.start()
        keeper.join(0.05)
        assert locks == []
    keeper.join()
    assert is_held(tmp_path)
    os.close(locks[0])


def keep(folder, ready):
    take(folder)
    ready.set()
    signal.pause()


def test_a_killed_keeper_holds_nothing(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    process = spawn.Process(target=keep, args=(tmp_path, ready))
    process.start()
    assert ready.wait(60)
    assert is_held(tmp_path)
    process.kill()
    process.join()
    assert not is_held(tmp_path)


def test_a_lock_that_may_only_be_read_can_be_looked_at(tmp_path):
    os.close(take(tmp_path))
    (tmp_path / LOCK).chmod(0o444)
    assert not is_held(tmp_path)
