"""A `palate serve` in a process of its own, a client of it, and what it costs: what the benchmarks over HTTP share."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import numpy as np

from palate.core.home import Home

READY_SECONDS = 60.0


class Connection:
    """One keep-alive HTTP/1.1 connection; a second request waits for the answer to the first."""

    def __init__(self, port: int) -> None:
        self.port, self.turn = port, asyncio.Lock()
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body."""
        async with self.turn:
            if self.streams is None:
                self.streams = await asyncio.open_connection("127.0.0.1", self.port)
            reader, writer = self.streams
            head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(answer.partition("content-length: ")[2].partition("\r\n")[0])
            return int(answer.split(" ", 2)[1]), await reader.readexactly(length)


@dataclass(frozen=True)
class Server:
    """Where a server answers, and the process whose costs are to be measured."""

    port: int
    pid: int


@contextmanager
def copied(source: Path, *left_out: str) -> Iterator[Home]:
    """A copy of a home to write to, without the files and folders of these names; gone when the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        yield Home(Path(shutil.copytree(source, Path(folder) / "home", ignore=shutil.ignore_patterns(*left_out))))


@contextmanager
def served(home: Home) -> Iterator[Server]:
    """A server over a home that is ready; ended with the block. SystemExit when it does not become ready."""
    port = free_port()
    command = [sys.executable, "-m", "palate", "--home", str(home.root), "serve", "--port", str(port)]
    process = subprocess.Popen(command)
    try:
        _until_ready(process, port)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait()


def _until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not become ready; its own words are above")


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def family(parent: int) -> list[dict[str, str]]:
    """/proc's status of a process and its children."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue  # it has ended
        if parent in (int(fields["PPid"]), int(fields["Pid"])):
            found.append(fields)
    return found


def resident_mb(parent: int) -> float:
    """Memory of a process and its children in MB."""
    return sum(int(fields.get("VmRSS", "0 kB").split()[0]) for fields in family(parent)) / 1024


def cpu_seconds(parent: int) -> float:
    """Processor time that a process and its children have taken: what other programs on the machine do not change."""
    ticks = 0
    for fields in family(parent):
        times = Path(f"/proc/{fields['Pid']}/stat").read_text().rpartition(")")[2].split()
        ticks += int(times[11]) + int(times[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def quantiles(spent: list[float]) -> str:
    """p50, p95, p99 and the greatest."""
    return "p50 {:.1f}, p95 {:.1f}, p99 {:.1f}, max {:.1f} ms".format(*np.percentile(spent, [50, 95, 99, 100]))
