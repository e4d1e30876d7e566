"""Workers without a server keep the records level, share the listeners, and stop when they are told to."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.homes import copy_space
from palate.core.errors import BadInput, MissingHome
from palate.core.home import Home
from palate.core.listens import Listen, in_columns
from palate.embeddings.space import Spaces
from palate.embeddings.states import UserState
from palate.fresh.lock import FoldLock
from palate.jobs.following import follow, follow_with, lacking
from palate.jobs.online import catch_up
from palate.listening.log import ListeningLog
from palate.privacy.delete import delete
from palate.store.records import OnlineStore

USERS = [f"new-{number}" for number in range(40)]
CODE = """
import sys
from pathlib import Path
from palate.core.home import Home
from palate.jobs.following import follow_with
if __name__ == "__main__":
    follow_with(Home(Path(sys.argv[1])), int(sys.argv[2]))
"""


def played(home: Home, users: list[str], item: int) -> None:
    """Logs a play of each of them now."""
    listens = [Listen(user, f"sim-track-{item:05d}", time.time()) for user in users]  # type: ignore[arg-type]
    with ListeningLog(home.log) as log:
        log.append(in_columns(listens))


def level(home: Home) -> bool:
    return not any(lacking(home).values())


def plays(home: Home, space: str = "taste@1") -> dict[str, int]:
    """What the records say of USERS."""
    with OnlineStore(home.online / "records", readonly=True) as store:
        found = {user: store.get(space, user) for user in USERS}
    return {user: int(UserState.unpack(one).record.plays.sum()) for user, one in found.items() if one is not None}


def eventually(what: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def following(home: Home, workers: int = 1) -> Iterator["subprocess.Popen[bytes]"]:
    """So many of them in a process group of their own, which ends with the block."""
    script = home.root / "follow.py"  # what is spawned has to find it
    script.write_text(CODE, encoding="utf-8")
    command = [sys.executable, str(script), str(home.root), str(workers)]
    with subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.terminate()  # nothing happens when it has ended
            process.wait(60)


def workers_of(pid: int) -> list[int]:
    """The processes that `follow_with` started, without multiprocessing's own helper."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            found.append(int(child))
    return found


def gone(pid: int) -> bool:
    """Ended; one whose parent was killed may stay as a name without a process until somebody waits for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_worker_folds_what_is_logged_into_every_version_in_use(own):
    with following(own) as process:
        played(own, USERS, 1)
        assert eventually(lambda: level(own))
        copy_space(own.spaces / "taste@1", own.spaces / "taste@2")
        Spaces(own.spaces).propose("taste@2", why="test")
        assert eventually(lambda: lacking(own) == {"taste@1": 0, "taste@2": 0})
        process.terminate()
        assert process.wait(60) == 0
    assert plays(own) == plays(own, "taste@2") == dict.fromkeys(USERS, 1)


@pytest.mark.slow
def test_two_workers_share_and_one_that_dies_is_replaced(own):
    with following(own, 2) as process:
        assert eventually(lambda: len(workers_of(process.pid)) == 2)
        first = workers_of(process.pid)
        played(own, USERS, 1)
        assert eventually(lambda: level(own))
        os.kill(first[0], signal.SIGKILL)
        played(own, USERS, 2)
        assert eventually(lambda: level(own))
        assert eventually(lambda: len(set(workers_of(process.pid)) - {first[0]}) == 2)
        second = workers_of(process.pid)
        process.terminate()
        assert process.wait(60) == 0
    assert eventually(lambda: all(map(gone, second)), 10)
    assert plays(own) == dict.fromkeys(USERS, 2)


@pytest.mark.slow
def test_workers_end_when_the_one_who_started_them_is_killed(own):
    with following(own, 2) as process:
        assert eventually(lambda: len(workers_of(process.pid)) == 2 and busy(own))
        workers = workers_of(process.pid)
        process.kill()
        assert eventually(lambda: all(map(gone, workers)), 20)


def test_a_deletion_that_is_asked_for_is_carried_out_by_a_worker_that_runs(own):
    played(own, USERS, 1)
    catch_up(own)
    with following(own):
        assert eventually(lambda: busy(own))
        (done,) = delete(own, [USERS[0]], wait_seconds=60)
        assert done.done
        assert (done.found["records"], done.found["listens"]) == (1, 1)
    assert plays(own).keys() == set(USERS[1:])


def busy(home: Home) -> bool:
    """Whether somebody leads."""
    lock = FoldLock(home.online / "fold.lock")
    try:
        return not lock.mine()
    finally:
        lock.close()


def test_what_is_lacking_is_counted_by_version(own):
    assert lacking(own) == {"taste@1": 0}
    played(own, USERS, 1)
    assert lacking(own) == {"taste@1": len(USERS)}


def test_impossible_numbers_of_workers_and_no_home_are_refused(own, tmp_path):
    for number in (0, 17):
        with pytest.raises(BadInput, match="give 1 to 16"):
            follow_with(own, number)
    with pytest.raises(MissingHome):
        follow(Home(tmp_path / "nowhere"), lambda: True)
