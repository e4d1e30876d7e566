"""Where a home keeps its log and its records while it is hurt: its own files, a Redis server, a Redis Cluster."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from palate.core.home import Home
from palate.jobs.online import catch_up
from palate.listening.engine import EngineSettings
from palate.testing.redis_server import RedisNodes, RedisServer, installed


class Skipped(Exception):
    """What was asked for cannot be had on this machine; the message says why."""


class Engine(Protocol):
    """One of them."""

    name: str

    @contextmanager
    def under(self, home: Home) -> Iterator[None]:
        """Inside the block it runs, and the home is switched to it. Skipped where it cannot."""
        ...


class Embedded:
    """SQLite and LMDB files in the home."""

    name = "embedded"

    @contextmanager
    def under(self, home: Home) -> Iterator[None]:
        """Nothing has to run."""
        yield


class OneRedis:
    """A Redis server that syncs at every write."""

    name = "Redis"

    @contextmanager
    def under(self, home: Home) -> Iterator[None]:
        """Starts it beside the home, and makes the records in it."""
        with RedisServer(_folder(home)) as self.server:
            switch(home, self.server.settings())
            yield

    def restart(self) -> None:
        """After `server.kill()`: the same server over the same files."""
        self.server.start()


class RedisCluster:
    """Three such servers."""

    name = "Redis Cluster"

    @contextmanager
    def under(self, home: Home) -> Iterator[None]:
        """Starts them beside the home, and makes the records in them."""
        with RedisNodes(_folder(home)) as self.cluster:
            switch(home, self.cluster.settings())
            yield

    def replace(self, number: int) -> None:
        """A node that was killed comes back as another server: its files were moved, and it has another port."""
        old = self.cluster.nodes[number]
        folder = old.folder.with_name(f"{old.folder.name}-moved")
        shutil.move(old.folder, folder)
        self.cluster.nodes[number] = RedisServer(folder, old.options)


def switch(home: Home, settings: EngineSettings) -> None:
    """What docs/rooms/engines.md says: [engine] in palate.toml; records are then made from the home's log."""
    lines = [
        "[engine]", 'kind = "redis"', f'url = "{settings.url}"', f"cluster = {str(settings.cluster).lower()}",
        f'prefix = "{settings.prefix}"',
    ]  # fmt: skip
    with home.settings.open("a", encoding="utf-8") as toml:
        toml.write("\n" + "\n".join(lines) + "\n")
    catch_up(home)


def _folder(home: Home) -> Path:
    if not installed():
        raise Skipped("redis-server is not installed")
    return home.root.parent / "redis"
