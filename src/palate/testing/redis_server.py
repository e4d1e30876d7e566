"""Real Redis servers for tests and benchmarks: one, or a cluster of three, on free ports, with everything on disk."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

from palate.core.errors import PalateError
from palate.listening.engine import EngineSettings, RedisEngine

PROGRAM = "redis-server"
START_SECONDS, POLL_SECONDS = 30.0, 0.02
SLOTS, NODES = 16_384, 3
BUS_PORT = 10_000  # a cluster's nodes speak with each other on their port plus this


def installed() -> bool:
    """Whether this machine has a Redis server."""
    return shutil.which(PROGRAM) is not None


class RedisServer:
    """A server of one's own, append-only and synced at every write; a context manager that kills it at the end.

    folder  where its files are; started again there, it holds what it held
    options arguments of redis-server beyond those, e.g. ("--maxmemory", "10mb")
    """

    def __init__(self, folder: Path, options: tuple[str, ...] = (), port: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.options = folder, options
        self.port = _free_port() if port is None else port
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """What `[engine] url` says of it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def settings(self, prefix: str = "palate") -> EngineSettings:
        """What palate.toml says of it."""
        return EngineSettings("redis", self.url, prefix=prefix)

    def engine(self, prefix: str = "palate") -> RedisEngine:
        """A connection to it."""
        return RedisEngine(self.settings(prefix))

    def start(self) -> None:
        """Starts it, and waits until it answers. PalateError when it does not."""
        arguments = {
            "port": self.port, "bind": "127.0.0.1", "dir": self.folder, "appendonly": "yes", "appendfsync": "always",
            "save": "", "logfile": self.folder / "redis.log",
        }  # fmt: skip
        command = [PROGRAM, *(text for name, value in arguments.items() for text in (f"--{name}", str(value)))]
        self._process = subprocess.Popen([*command, *self.options], stdout=subprocess.DEVNULL)
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > end or self._process.poll() is not None:
                raise PalateError(f"{PROGRAM} did not start; see {self.folder / 'redis.log'}")
            time.sleep(POLL_SECONDS)

    def kill(self) -> None:
        """Kills it at once (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> "RedisServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as line:
                line.sendall(b"PING\r\n")
                return line.recv(64).startswith(b"+PONG")
        except OSError:
            return False


class RedisNodes:
    """A cluster of three primaries; a context manager that kills them at the end."""

    def __init__(self, folder: Path) -> None:
        self.nodes = [
            RedisServer(folder / f"node-{number}", ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000"))
            for number in range(NODES)
        ]
        each = -(-SLOTS // NODES)
        engines = [node.engine() for node in self.nodes]
        for number, engine in enumerate(engines):
            slots = range(number * each, min((number + 1) * each, SLOTS))
            engine.one("CLUSTER", "ADDSLOTS", *slots)
            engine.one("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            for other in self.nodes[:number]:
                engine.one("CLUSTER", "MEET", "127.0.0.1", other.port)
        end = time.monotonic() + START_SECONDS
        while not all(_whole(engine) for engine in engines):
            if time.monotonic() > end:
                raise PalateError(f"the nodes of the cluster in {folder} did not find each other")
            time.sleep(POLL_SECONDS)
        for engine in engines:
            engine.close()

    def settings(self, prefix: str = "palate") -> EngineSettings:
        """What palate.toml says of it."""
        return EngineSettings("redis", self.nodes[0].url, cluster=True, prefix=prefix)

    def engine(self, prefix: str = "palate") -> RedisEngine:
        """A connection to it."""
        return RedisEngine(self.settings(prefix))

    def __enter__(self) -> "RedisNodes":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in self.nodes:
            node.kill()


def _whole(engine: RedisEngine) -> bool:
    """Whether a node knows all the others and all slots are given."""
    told = engine.one("CLUSTER", "INFO")
    lines = told if isinstance(told, dict) else dict(one.split(":") for one in told.decode().split())
    return str(lines["cluster_state"]) == "ok" and str(lines["cluster_known_nodes"]) == str(NODES)


def _free_port() -> int:
    """A port that is free, and whose cluster bus port exists and is free."""
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            if port + BUS_PORT > 65_535:
                port -= 2 * BUS_PORT
            try:
                for one in (port, port + BUS_PORT):
                    with socket.socket() as line:
                        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                        line.bind(("127.0.0.1", one))
            except OSError:
                continue
            return port
