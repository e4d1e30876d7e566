"""Workers on several machines share the partitions by leases, and take over from those that die."""

import time

import pytest

from palate.core.errors import PalateError
from palate.core.partitions import ALL, PARTITIONS
from palate.fresh import leases
from palate.fresh.leases import Leases
from palate.fresh.shares import LOOK_SECONDS
from palate.testing.redis_server import RedisServer

from .test_shares import Clock, settled


@pytest.fixture(params=["one server", pytest.param("a cluster", marks=pytest.mark.slow)])
def workers(request, tmp_path):
    """Makes workers that look again whenever they are asked after `later()`."""
    server = request.getfixturevalue("redis_server" if request.param == "one server" else "redis_nodes")
    clock, made = Clock(), []

    def worker() -> Leases:
        made.append(Leases(server.engine(str(tmp_path)), clock))
        return made[-1]

    def later() -> None:
        clock.now += LOOK_SECONDS

    yield worker, later
    for one in made:
        one.close()


@pytest.mark.parametrize("n", [1, 2, 3, 5, PARTITIONS])
def test_several_share_fairly_and_leave_nothing(workers, n):
    worker, later = workers
    mine = settled([worker() for _ in range(n)], later)
    assert sorted(partition for one in mine for partition in one) == list(ALL)
    assert max(map(len, mine)) <= -(-PARTITIONS // n)


def test_who_leaves_is_taken_over_and_who_comes_gets_a_share(workers):
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


def test_the_partitions_of_who_dies_are_free_when_the_lease_ends(workers, monkeypatch):
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.3)
    worker, later = workers
    first, second = worker(), worker()
    assert [len(one) for one in settled([first, second], later)] == [8, 8]
    mine, end = (), time.monotonic() + 30  # `second` is not asked any more: it was killed
    while len(mine) < PARTITIONS and time.monotonic() < end:
        later()
        mine = first.mine()
        time.sleep(0.02)
    assert mine == ALL


def test_without_a_server_nobody_believes_in_a_share(tmp_path, redis_server):
    clock = Clock()
    with RedisServer(tmp_path / "own") as server:
        shares = Leases(server.engine(), clock)
        assert shares.mine() == ALL
        server.kill()
        clock.now += LOOK_SECONDS
        with pytest.raises(PalateError, match="cannot be reached"):
            shares.mine()
        server.start()
        assert shares.mine() == ALL
        server.kill()
        shares.close()
