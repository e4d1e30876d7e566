"""Both logs do what folding and serving ask of a log."""

from pathlib import Path

import pytest

from palate.listening.log import ListeningLog
from palate.listening.redis_log import RedisLog
from palate.testing.logs import EventLogContract
from palate.testing.redis_server import RedisNodes, RedisServer


class TestListeningLog(EventLogContract):
    def make(self, path: Path) -> ListeningLog:
        return ListeningLog(path)


class TestRedisLog(EventLogContract):
    @pytest.fixture(autouse=True)
    def _server(self, redis_server: RedisServer) -> None:
        self.server = redis_server

    def make(self, path: Path) -> RedisLog:
        return RedisLog(self.server.engine(prefix=str(path)), ListeningLog(path))


@pytest.mark.slow
class TestRedisLogOfACluster(EventLogContract):
    @pytest.fixture(autouse=True)
    def _nodes(self, redis_nodes: RedisNodes) -> None:
        self.nodes = redis_nodes

    def make(self, path: Path) -> RedisLog:
        return RedisLog(self.nodes.engine(prefix=str(path)), ListeningLog(path))
