"""One at a time, also between threads, and free again after a kill."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from palate.core.errors import BadInput
from palate.core.locks import alone

HOLDING = """
import sys
from pathlib import Path
from palate.core.locks import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_next_one_waits(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with alone(tmp_path / "new" / ".lock"):
            order.append("second")

    with alone(tmp_path / "new" / ".lock"):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.2)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_a_refusal_is_raised_instead_of_waiting_and_an_error_gives_the_lock_back(tmp_path: Path) -> None:
    refusal = BadInput("taken")
    with alone(tmp_path / ".lock", refusal), pytest.raises(BadInput, match="taken"), alone(tmp_path / ".lock", refusal):
        pytest.fail("two were inside")
    with pytest.raises(OSError, match="broken"), alone(tmp_path / ".lock", refusal):
        raise OSError("broken")
    with alone(tmp_path / ".lock", refusal):
        assert (tmp_path / ".lock").is_file()


def test_a_killed_holder_gives_it_back(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDING, str(tmp_path / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BadInput, match="taken"), alone(tmp_path / ".lock", BadInput("taken")):
            pytest.fail("two were inside")
        os.kill(holder.pid, signal.SIGKILL)
        with alone(tmp_path / ".lock"):
            assert holder.wait() == -signal.SIGKILL
