"""Workers share the partitions fairly, take over from those that die, and wait while a deletion is under way."""

import subprocess
import sys
import threading
import time

import pytest

from palate.core.partitions import ALL, PARTITIONS, partition_of, partitions_of
from palate.fresh.lock import Rounds
from palate.fresh.shares import LOOK_SECONDS, Shares


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def workers(tmp_path):
    """Makes workers that look again whenever they are asked after `later()`."""
    clock, made = Clock(), []

    def worker() -> Shares:
        made.append(Shares(tmp_path / "fold", clock))
        return made[-1]

    def later() -> None:
        clock.now += LOOK_SECONDS

    yield worker, later
    for one in made:
        one.close()


def settled(shares: list[Shares], later) -> list[tuple[int, ...]]:
    for _ in range(3):
        later()
        mine = [one.mine() for one in shares]
    return mine


def test_one_worker_has_everything(workers):
    worker, _ = workers
    assert worker().mine() == ALL


@pytest.mark.parametrize("n", [2, 3, 5, PARTITIONS])
def test_several_share_fairly_and_leave_nothing(workers, n):
    worker, later = workers
    mine = settled([worker() for _ in range(n)], later)
    assert sorted(partition for one in mine for partition in one) == list(ALL)
    assert max(map(len, mine)) <= -(-PARTITIONS // n)


def test_who_dies_is_taken_over_and_who_comes_gets_a_share(workers):
    worker, later = workers
    first, second = worker(), worker()
    assert [len(one) for one in settled([first, second], later)] == [8, 8]
    second.close()
    assert settled([first], later) == [ALL]
    third = worker()
    assert [len(one) for one in settled([first, third], later)] == [8, 8]


def test_more_workers_than_partitions_wait_with_nothing(workers):
    worker, later = workers
    mine = settled([worker() for _ in range(PARTITIONS + 2)], later)
    assert sorted(map(len, mine)) == [0, 0] + [1] * PARTITIONS


def test_a_killed_process_leaves_its_share_to_the_others(workers, tmp_path):
    worker, later = workers
    mine = worker()
    code = (
        "import sys, time; from pathlib import Path; from palate.fresh.shares import Shares\n"
        f"shares = Shares(Path({str(tmp_path / 'fold')!r}))\n"
        "while len(shares.mine()) < 8: time.sleep(.01)\n"
        "print('has its share', flush=True); time.sleep(60)"
    )
    assert mine.mine() == ALL
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 30
        while len(mine.mine()) > 8 and time.monotonic() < end:
            later()
            time.sleep(0.01)
        assert other.stdout is not None
        assert other.stdout.readline() == "has its share\n"
        assert len(mine.mine()) == 8
    finally:
        other.kill()
        other.wait()
        assert other.stdout is not None
        other.stdout.close()
    assert settled([mine], later) == [ALL]


def test_a_listener_is_always_in_the_same_partition():
    assert [partition_of(one) for one in ("ann", "bob", "ü", "")] == [3, 0, 5, 0]  # stored: must never change
    users = [f"user-{number}" for number in range(10_000)]
    found = partitions_of(users)
    assert found.tolist() == [partition_of(one) for one in users]
    sizes = [int((found == partition).sum()) for partition in ALL]
    assert min(sizes) > 500
    assert max(sizes) < 750


def test_rounds_run_beside_each_other_and_not_beside_a_deletion(tmp_path):
    rounds, told = Rounds(tmp_path / "fold"), []

    def delete() -> None:
        with Rounds(tmp_path / "fold").held_up():
            told.append("deletion")

    with rounds.one(), Rounds(tmp_path / "fold").one():
        deletion = threading.Thread(target=delete)
        deletion.start()
        time.sleep(0.1)
        told.append("rounds")
    deletion.join(10)
    assert told == ["rounds", "deletion"]
    with rounds.one():
        told.append("again")
    assert told[-1] == "again"
