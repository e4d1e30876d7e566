"""palate fresh: once, or on and on; what it could not fold, and the second try."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from palate.core.home import Home
from palate.core.listens import Listen, in_columns
from palate.embeddings.states import UserState
from palate.listening.log import ListeningLog
from palate.store.records import OnlineStore

from .conftest import Palate

ITEM = "sim-track-00001"


def play(home: Home, *users: str) -> None:
    with ListeningLog(home.log) as log:
        log.append(in_columns([Listen(user, ITEM, time.time()) for user in users]))  # type: ignore[arg-type]


def spoil(home: Home, user: str) -> None:
    """Makes the stored record of a listener none."""
    with OnlineStore(home.online / "records") as store:
        store.put_many("taste@1", {user: b"no state at all"}, store.offset("taste@1"))


def told(palate: Palate, home: Home, *words: str) -> dict:
    found = palate(home, "fresh", *words, "--json")
    assert found.exit_code == 0, found.stderr
    return json.loads(found.stdout)


def test_what_cannot_be_folded_is_listed_and_comes_back_with_a_retry(palate, own):
    assert told(palate, own, "dead") == {"letters": []}
    assert "nothing to do" in palate(own, "fresh", "retry").stdout
    spoil(own, "poisoned")
    play(own, "poisoned", "well")
    assert told(palate, own)["listeners"] == 1
    (letter,) = told(palate, own, "dead")["letters"]
    with ListeningLog(own.log) as log:
        assert letter["offset"] == log.end_offset() - 1
    assert (letter["space"], letter["reason"].partition(":")[0]) == ("taste@1", "Corrupt")
    text = palate(own, "fresh", "dead").stdout
    assert f"taste@1  offset {letter['offset']}  Corrupt: a user state" in text
    assert "1 listen in no record; mend the cause, then run `palate fresh retry`" in text
    assert told(palate, own, "retry") == {"spaces": {"taste@1": {"mended": 1, "failed": 0, "gone": 0}}}
    assert told(palate, own, "dead") == {"letters": []}
    with OnlineStore(own.online / "records") as store:
        state = store.get("taste@1", "poisoned")
    assert state is not None
    assert UserState.unpack(state).record.plays.tolist() == [1]


def test_a_retry_that_fails_again_says_so(palate, own):
    vectors = np.load(own.spaces / "taste@1" / "listened.npy")
    np.save(own.spaces / "taste@1" / "listened.npy", np.full_like(vectors, np.nan))
    play(own, "u", "v")
    assert told(palate, own)["listens"] == 2
    found = palate(own, "fresh", "retry")
    assert found.exit_code == 1
    assert "taste@1: 0 listens in the records now, 2 failed again" in found.stdout
    assert "`palate fresh dead` says why" in found.stderr
    np.save(own.spaces / "taste@1" / "listened.npy", vectors)
    assert "taste@1: 2 listens in the records now, 0 failed again" in palate(own, "fresh", "retry").stdout


def test_letters_of_a_version_without_records_are_forgotten(palate, own):
    from palate.fresh.dead import FILE, DeadLetters

    with DeadLetters(own.online / FILE) as dead:
        dead.add("taste@9", 0, [1, 2], "any")
    assert told(palate, own, "retry") == {"spaces": {"taste@9": {"mended": 0, "failed": 0, "gone": 2}}}
    assert told(palate, own, "dead") == {"letters": []}


def test_workers_without_follow_are_refused(palate, own):
    found = palate(own, "fresh", "--workers", "2")
    assert found.exit_code == 1
    assert "give --follow too" in found.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_follow_folds_until_it_is_told_to_stop(own, number):
    code = "from palate.cli import main; main()"
    command = [sys.executable, "-c", code, "--home", str(own.root), "fresh", "--follow", "--json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith(f"folding what is logged in {own.root} with 1 worker")
    play(own, "followed")
    with OnlineStore(own.online / "records", readonly=True) as store:
        end = time.monotonic() + 60
        while store.get("taste@1", "followed") is None:
            assert time.monotonic() < end
            time.sleep(0.05)
    process.send_signal(number)
    stdout, _ = process.communicate(timeout=60)
    assert (process.returncode, json.loads(stdout)) == (0, {"workers": 1, "lacking": {"taste@1": 0}})
