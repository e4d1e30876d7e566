"""A server in a process of its own, for tests that need the real one."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from palate.core.home import Home

CODE = """
import sys
from pathlib import Path
from palate.api.serve import run
from palate.api.settings import ServerSettings
from palate.core.home import Home
root, port, workers, log = sys.argv[1:]
run(Home(Path(root)), port=int(port), workers=int(workers), settings=ServerSettings(log_requests=log == "True"))
"""


@dataclass
class Running:
    """A server that is ready. `said` is what it wrote to stderr, once it has ended."""

    process: "subprocess.Popen[str]"
    port: int
    said: str = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> Any:
        with urlopen(self.address + path, timeout=10) as answer:
            return json.loads(answer.read())

    def post(self, events: list[dict[str, Any]]) -> Any:
        body, headers = json.dumps({"events": events}).encode(), {"Content-Type": "application/json"}
        with urlopen(Request(f"{self.address}/v1/events", body, headers), timeout=10) as answer:
            return json.loads(answer.read())

    def children(self) -> list[int]:
        """Its worker processes."""
        folder = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in folder.read_text().split()]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(home: Home, workers: int = 1, log_requests: bool = False) -> Iterator[Running]:
    """Starts a server, waits until it is ready, and ends it with SIGTERM."""
    port = free_port()
    command = [sys.executable, "-c", CODE, str(home.root), str(port), str(workers), str(log_requests)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        server = Running(process, port)
        try:
            _wait_until_ready(server)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)  # nothing happens when it has ended
            _, server.said = process.communicate(timeout=60)


def _wait_until_ready(server: Running) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            server.get("/health/ready")
        except (URLError, ConnectionError):
            assert server.process.poll() is None, server.process.communicate()[1]
            assert time.monotonic() < end, "the server did not become ready"
            time.sleep(0.05)
        else:
            return
