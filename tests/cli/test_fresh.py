"""palate fresh: once, following, and its status."""

import json
import signal
import subprocess
import sys
import time

from jobs.small_homes import listens_of, records
from palate.catalog.catalog import Catalog
from palate.core.home import Home
from palate.fresh.lock import FoldLock
from palate.jobs.online import catch_up
from palate.listening.log import ListeningLog
from palate.sources.world import WorldSettings

from .conftest import Palate


def append(home: Home, *minutes: int) -> int:
    """One listen each; gives the log's end."""
    item = Catalog.open(home.catalog).ids[0]
    with ListeningLog(home.log) as log:
        log.append(listens_of([("new", item, WorldSettings().end + 60.0 * minute) for minute in minutes]))
        return log.end_offset()


def test_alone_it_folds_once_and_status_reads_the_files(palate: Palate, own: Home) -> None:
    port = ("--port", "1")  # nobody listens there
    end = append(own, 1, 2, 3)
    before = json.loads(palate(own, "fresh", "status", *port, "--json").stdout)
    assert (before["running"], before["space"], before["lag_listens"]) == (False, "taste@1", 3)
    assert before["lag_seconds"] > 0
    assert json.loads(palate(own, "fresh", "--json").stdout)["offset"] == end
    text = palate(own, "fresh", "status", *port).stdout
    assert text == (
        "no server of this home answers at http://127.0.0.1:1; by the home's files taste@1 is level with the log\n"
    )


def test_it_follows_until_it_is_told_to_stop(own: Home) -> None:
    command = [sys.executable, "-m", "palate", "--home", str(own.root), "fresh", "--follow", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            for minute in (1, 2):  # the second one is logged while it follows
                end, until = append(own, minute), time.monotonic() + 60
                while records(own, "taste@1")[0] < end:
                    assert process.poll() is None
                    assert time.monotonic() < until, "it did not fold"
                    time.sleep(0.05)
            lock = FoldLock(own.online / "fold.lock")
            assert not lock.mine()
            lock.close()
        finally:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)) == (0, {"workers": 1, "lacking": {"taste@1": 0}})
    assert err.startswith("folding what is logged in ")
    assert catch_up(own).listens == 0
