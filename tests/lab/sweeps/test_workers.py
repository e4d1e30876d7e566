"""Processes that end well, badly, or are killed; here they are a line of Python each."""

import os
import signal
import subprocess
import sys
import time

import pytest

from palate.core.errors import PalateError
from palate.lab.sweeps import workers
from palate.lab.sweeps.workers import DEATHS, run_workers

KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


def python(code):
    return [sys.executable, "-c", code]


def ended(pid, seconds=20.0):
    """Whether the process is gone within so long; it need not be a child of ours."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_all_run_at_once_each_with_one_thread(tmp_path):
    code = "import os, pathlib, sys, time\npathlib.Path(sys.argv[1]).write_text(os.environ['OMP_NUM_THREADS'])\n"
    code += "while not pathlib.Path(sys.argv[2]).exists(): time.sleep(0.01)\n"
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    run_workers([[*python(code), one, two], [*python(code), two, one]], tmp_path / "logs", lambda: 0)
    assert {(tmp_path / name).read_text() for name in ("one", "two")} == {"1"}


def test_the_last_words_of_a_worker_are_told_and_the_others_are_ended(tmp_path):
    wrong = python("import sys; print('error: the oven is cold', file=sys.stderr); sys.exit(1)")
    lasting = python(f"import os, pathlib, time; pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid())); "
                     "time.sleep(60)")  # fmt: skip
    with pytest.raises(PalateError, match=r"a worker stopped: the oven is cold; all that a worker said is in .*log"):
        run_workers([lasting, wrong], tmp_path, lambda: 0)
    pid = tmp_path / "pid"
    assert not pid.exists() or ended(int(pid.read_text()))


def test_a_killed_worker_is_started_again(tmp_path):
    mark = tmp_path / "mark"
    once = f"import pathlib; p = pathlib.Path({str(mark)!r})\nif not p.exists():\n    p.touch()\n    {KILLED}\n"
    run_workers([python(once)], tmp_path, lambda: 0)
    assert mark.exists()


def test_workers_that_are_killed_again_and_again_are_given_up(tmp_path):
    with pytest.raises(PalateError, match=f"{DEATHS} workers were killed, the last by signal 9; is memory short"):
        run_workers([python(KILLED)], tmp_path, lambda: 0)


def test_deaths_do_not_count_while_something_gets_done(tmp_path):
    """Twice as many deaths as are borne, with a trial finished before each."""
    count = tmp_path / "count"
    count.write_text("")
    code = f"import pathlib; p = pathlib.Path({str(count)!r}); n = len(p.read_text()); p.write_text('x' * (n + 1))\n"
    code += f"if n < {2 * DEATHS}:\n    {KILLED}\n"
    run_workers([python(code)], tmp_path, lambda: len(count.read_text()), every_seconds=0.0)
    assert len(count.read_text()) == 2 * DEATHS + 1


def test_ctrl_c_reaches_the_workers_and_passes_on(tmp_path):
    mark = tmp_path / "mark"
    code = "import pathlib, sys, time\ntry:\n    pathlib.Path(sys.argv[1]).touch(); time.sleep(60)\n"
    code += "except KeyboardInterrupt:\n    pathlib.Path(sys.argv[1]).write_text('gave back')\n    sys.exit(130)\n"

    def look():
        if mark.exists():
            raise KeyboardInterrupt
        return 0

    with pytest.raises(KeyboardInterrupt):
        run_workers([[*python(code), str(mark)]], tmp_path, look, every_seconds=0.0)
    assert mark.read_text() == "gave back"


def test_a_worker_ends_when_its_parent_is_killed(tmp_path):
    worker = "from palate.lab.sweeps.workers import end_with_parent as e; import os, pathlib, time; e(); "
    worker += f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid())); time.sleep(60)"
    parent = "import sys, pathlib; from palate.lab.sweeps.workers import run_workers; "
    parent += f"run_workers([[sys.executable, '-c', {worker!r}]], pathlib.Path({str(tmp_path)!r}), lambda: 0)"
    process = subprocess.Popen(python(parent))
    pid = tmp_path / "pid"
    while not pid.exists() or not pid.read_text():
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert ended(int(pid.read_text()))


def test_the_libraries_that_take_all_cores_are_held_to_one():
    assert {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"} <= set(workers.ONE_THREAD)
