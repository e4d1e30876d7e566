"""The processes that work on a sweep: each on one core, replaced when killed, gone when their parent is.

A worker reads its standard input, to which nobody writes: it ends when the parent does, whatever ended that.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from palate.core.errors import PalateError

# One core a worker: BLAS, OpenMP (implicit, faiss, lightgbm) and polars would each take all of them.
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS",
        "POLARS_MAX_THREADS",
    ),
    "1",
)  # fmt: skip
DEATHS = 6  # of workers, one after another without a finished trial in between, until the sweep gives up
LOOK_SECONDS = 0.25
ENDING_SECONDS = 10.0  # to give back its trial after Ctrl-C
ERROR = "error: "  # begins the last line of a worker that could not go on


def run_workers(
    commands: Sequence[Sequence[str]], logs: Path, look: Callable[[], int], every_seconds: float = 1.0
) -> None:
    """Runs each command in a process of its own until all have ended well.

    look: called every so many seconds; gives how much is done. A killed worker is started again, and PalateError is
    raised when DEATHS are killed while nothing gets done, or when one ends with an error, which is told. Ctrl-C ends
    all of them and passes on.
    """
    logs.mkdir(parents=True, exist_ok=True)
    files = [logs / f"worker-{number}.log" for number in range(len(commands))]
    alive = {number: _start(command, files[number]) for number, command in enumerate(commands)}
    deaths, done, looked = 0, look(), time.monotonic()
    try:
        while alive:
            time.sleep(LOOK_SECONDS)
            if time.monotonic() - looked >= every_seconds:
                now, looked = look(), time.monotonic()
                deaths, done = (0, now) if now > done else (deaths, done)
            for number, process in list(alive.items()):
                code = process.poll()
                if code is None:
                    continue
                del alive[number]
                _close(process)
                if code > 0:
                    raise PalateError(f"{_last_words(files[number])}; all that a worker said is in {files[number]}")
                if code < 0:
                    deaths += 1
                    if deaths == DEATHS:
                        raise PalateError(f"{deaths} workers were killed, the last by signal {-code}; is memory short?")
                    alive[number] = _start(commands[number], files[number])
    finally:
        _end(list(alive.values()))
    look()


def _start(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as file:
        return subprocess.Popen(
            list(command), stdin=subprocess.PIPE, stdout=file, stderr=file, env=os.environ | ONE_THREAD,
            start_new_session=True,  # a Ctrl-C at the terminal reaches the parent only, which ends them in order
        )  # fmt: skip


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.send_signal(signal.SIGINT)
    until = time.monotonic() + ENDING_SECONDS
    for process in processes:
        try:
            process.wait(max(until - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _close(process)


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return f"a worker stopped: {lines[-1].removeprefix(ERROR)}" if lines else "a worker stopped without a word"


def end_with_parent() -> None:
    """Called by a worker as it begins: from then on it ends when its parent does, and at the parent's SIGINT.

    A shell starts what runs in the background with SIGINT ignored, and that is inherited.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
