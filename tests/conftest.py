"""What holds for every test."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from palate.testing.redis_server import RedisNodes, RedisServer, installed

# Runs are kept in the homes of the tests as anywhere, but not copied to a tracker by a process of its own.
os.environ["PALATE_TRACKER"] = "none"

# Threads that wait give up their core. Else two workers, each with a thread for every core, spend their time waiting
# for each other: tests/embeddings/test_item_vectors.py took 8 s beside other work, and takes 1.5 s so.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

# No test is timed: a slow or busy machine must not turn a right answer into a failure.
settings.register_profile("palate", deadline=None)
settings.load_profile("palate")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named after their argument: packed or random ones change between the workers, which must agree."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server for all tests; each takes a prefix of its own. Tests that kill one start one of their own."""
    if not installed():
        pytest.skip("redis-server is not installed (apt-get install redis-server)")
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisNodes]:
    """A Redis Cluster of three nodes for all tests."""
    if not installed():
        pytest.skip("redis-server is not installed (apt-get install redis-server)")
    with RedisNodes(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes
