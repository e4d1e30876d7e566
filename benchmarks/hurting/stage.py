"""A home, and the processes over it that are to be hurt: the real `palate serve` and `palate fresh --follow`."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from hurting.engines import Engine
from palate.core.errors import Unavailable
from palate.core.home import Home
from palate.embeddings.space import Spaces
from palate.fresh.engine import open_log, open_store
from served import free_port

PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.02
STOP_SECONDS = 60.0


def eventually(what: Callable[[], bool], why: str) -> None:
    """Returns when it has become true; SystemExit when that takes longer than PATIENCE_SECONDS."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not what():
        if time.monotonic() > end:
            raise SystemExit(f"after {PATIENCE_SECONDS:.0f} s still not: {why}")
        time.sleep(POLL_SECONDS)


def trained_home(folder: Path) -> Home:
    """A small simulated world, imported and trained: 200 listeners, 800 items, 20,000 listens."""
    from palate.jobs.chain import train
    from palate.jobs.importing import import_items, import_listens, import_playlists
    from palate.sources.world import WorldSettings, simulate

    os.environ.setdefault("PALATE_TRACKER", "none")  # no copy of the run in a process of its own
    world, home = folder / "world", Home(folder / "home")
    simulate(WorldSettings(listeners=200, items=800, listens=20_000, playlists=60), seed=1).write(world)
    home.root.mkdir(parents=True)
    home.settings.write_text("[items]\ndim = 32\niterations = 3\n[ranker]\ncuts = 2\nrounds = 20\n", encoding="utf-8")
    import_items(home, [world / "items.parquet"], {}, True, time.time())
    import_playlists(home, [world / "playlists.parquet"], {}, True, time.time())
    import_listens(home, [world / "listens.parquet"], {}, True, time.time())
    train(home)
    return home


@dataclass
class Stage:
    """One home and what runs over it. Everything that was started ends with `over`."""

    home: Home
    engine: Engine
    random: Random
    port: int = field(default_factory=free_port)
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @contextmanager
    def moved(self, root: Path) -> Iterator["Stage"]:
        """The same over a copy of the home somewhere else."""
        shutil.copytree(self.home.root, root)
        other = Stage(Home(root), self.engine, self.random)
        try:
            yield other
        finally:
            other.over()

    def palate(self, *words: str) -> "subprocess.Popen[bytes]":
        """A command over the home, in a process group of its own; what it says goes to `said.txt` beside the home."""
        command = [sys.executable, "-c", "from palate.cli import main; main()", "--home", str(self.home.root), *words]
        with (self.home.root.parent / "said.txt").open("ab") as said:
            process = subprocess.Popen(
                command, stdout=said, stderr=said, env=os.environ | {"OMP_NUM_THREADS": "1"}, start_new_session=True
            )
        self.running.append(process)
        return process

    def serve(self) -> "subprocess.Popen[bytes]":
        """A server that has begun to start; `ready` waits for it."""
        return self.palate("serve", "--port", str(self.port))

    def ready(self) -> None:
        """Waits until the server answers that it is ready."""
        eventually(lambda: self.get("/health/ready")[0] == 200, "the server is ready")

    def level(self) -> None:
        """Waits until the records contain the whole log."""
        eventually(lambda: self.lacking() == 0, "the records are level with the log")

    def lacking(self) -> float:
        """How many listens the live version's records lack; infinity while the engine cannot be asked."""
        try:
            with open_log(self.home) as log, open_store(self.home, readonly=True) as store:
                return log.lacking(store.standing(Spaces(self.home.spaces).live.label).offsets)
        except Unavailable:
            return math.inf

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON; 0 when nobody answers."""
        return self._ask(Request(f"http://127.0.0.1:{self.port}{path}"))

    def post(self, events: list[dict[str, Any]]) -> tuple[int, Any]:
        """The same for POST /v1/events."""
        body, headers = json.dumps({"events": events}).encode(), {"Content-Type": "application/json"}
        return self._ask(Request(f"http://127.0.0.1:{self.port}/v1/events", body, headers))

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        """SIGKILL for a process and for all that it started, at once."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, process: "subprocess.Popen[bytes]") -> None:
        """SIGTERM, and waits for the end."""
        process.terminate()
        process.wait(STOP_SECONDS)

    def over(self) -> None:
        """Ends what still runs."""
        for process in self.running:
            if process.poll() is None:
                self.kill(process)

    @staticmethod
    def _ask(request: Request) -> tuple[int, Any]:
        try:
            with urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except HTTPError as error:
            return error.code, json.loads(error.read() or b"null")
        except (URLError, ConnectionError, TimeoutError):
            return 0, None


def family(pid: int) -> list[int]:
    """The processes that a process started, and theirs."""
    try:
        told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:  # it has ended
        return []
    children = [int(child) for child in told.split()]
    return [*children, *(one for child in children for one in family(child))]
