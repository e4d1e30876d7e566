"""A deleted listener is nowhere: proven by a search of every byte of the home, also after kills."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from jobs.small_homes import copied
from palate.core.errors import PalateError
from palate.core.home import Home
from palate.core.ids import ItemId, UserId
from palate.core.listens import Listen, in_columns
from palate.core.locks import alone
from palate.embeddings.inputs import Inputs
from palate.embeddings.space import Spaces
from palate.fresh.lock import FoldLock
from palate.jobs.chain import train
from palate.jobs.online import catch_up
from palate.lab.listening_tests.shelf import open_test
from palate.listening.deleted import DeletedUsers
from palate.listening.exposures import ExposureLog
from palate.listening.listeners import read_listeners
from palate.listening.log import ListeningLog
from palate.listening.slates import SlateLog
from palate.privacy.allow import allow
from palate.privacy.asked import ask, pending
from palate.privacy.delete import delete, outcome
from palate.privacy.export import export, holds_anything
from palate.privacy.snapshots import snapshots
from palate.store.records import OnlineStore

from .places import ITEMS, VICTIM, places

LIVE_PLACES = ("catalog/playlists.parquet", "lab/listening/lists/answers.jsonl", "lab/listening/lists/test.json",
               "listening/daily.sqlite", "listening/exposures.sqlite", "listening/listeners.npz",
               "listening/log.sqlite", "listening/slates.sqlite", "listening/weekly.sqlite", "online/playlists.npz",
               "online/records/data.mdb", "recs.parquet")  # fmt: skip


def states(home: Home) -> dict[str, bytes]:
    """Every listener's state in the live space but the victim's."""
    label = Spaces(home.spaces).live.label
    with OnlineStore(home.online / "records", readonly=True) as store:
        return {user: store.get(label, user) or b"" for user in store.users(label) if user != VICTIM}


def test_the_search_finds_the_victim_wherever_they_left_a_trace(lived_in: Home) -> None:
    found = places(lived_in, VICTIM)
    assert [place for place in LIVE_PLACES if place not in found] == []
    assert any(place.startswith("listening/rejects/") for place in found)
    assert sum(place.endswith("inputs/history.npz") for place in found) == 1
    assert sum(place.endswith("inputs/playlists.npz") for place in found) == 1


def test_after_deletion_no_byte_of_the_home_holds_the_id(home: Home) -> None:
    others = states(home)
    (told,) = delete(home, [VICTIM])
    assert places(home, VICTIM) == []
    assert told.done
    assert told.found == {"listens": 41, "exposures": 1, "slates": 2, "weekly": 1, "daily": 1, "attributes": 1,
                          "records": 1, "playlists": 1,
                          "snapshots": 1, "tests": 1, "files": 1}  # fmt: skip
    assert states(home) == others, "nobody else's record changes"
    assert not holds_anything(export(home, VICTIM))
    assert pending(home) == []


def test_everything_goes_on_afterwards(home: Home) -> None:
    delete(home, [VICTIM])
    assert read_listeners(home, ["somebody-else"]).values == {"country": ["DE"]}
    with ExposureLog(home.listening / "exposures.sqlite") as shown:
        assert shown.read("trial").user_id == ["somebody-else"]
    with SlateLog(home.listening / "slates.sqlite") as answers:
        assert [one.slate.user_id for one in answers.read()] == ["somebody-else"], "bo's slate named the victim"
    test = open_test(home, "lists")
    answers = {answer.case: answer.value for answer in test.book.answers()}
    assert {case.id for case in test.test.cases} == set(answers)
    assert answers.pop("somebody-else") == ("right",)
    assert list(answers.values()) == [("left",)]
    with ListeningLog(home.log) as log:
        log.append(in_columns([Listen(UserId("new"), ItemId(ITEMS[0]), time.time())]))
    assert catch_up(home).offset == catch_up(home).offset
    space, worked = train(home)
    assert (space.label, worked) == ("taste@2", True)
    assert places(home, VICTIM) == []


def test_folding_reaches_the_end_of_a_log_that_ends_in_holes(home: Home) -> None:
    delete(home, [VICTIM])
    with ListeningLog(home.log) as log:
        assert catch_up(home).offset == log.end_offset()


def test_snapshots_keep_everybody_elses_rows(home: Home) -> None:
    (folder,) = snapshots(home)
    before = Inputs.load(folder)
    delete(home, [VICTIM])
    after = Inputs.load(folder)
    row = before.history.users.index(VICTIM)
    kept = before.history.user != row
    assert after.history.users[row] == ""
    assert after.history.users[:row] == before.history.users[:row]
    np.testing.assert_array_equal(after.history.item, before.history.item[kept])
    np.testing.assert_array_equal(after.history.timestamp, before.history.timestamp[kept])
    assert after.listeners.values["country"][row] is None
    assert len(before.playlists) - len(after.playlists) == 1


def test_an_import_of_the_same_listens_does_not_bring_them_back(home: Home) -> None:
    mine = in_columns(
        [Listen(UserId(VICTIM), ItemId(ITEMS[0]), 1_000.0), Listen(UserId("new"), ItemId(ITEMS[0]), 1_000.0)]
    )
    delete(home, [VICTIM])
    with ListeningLog(home.log) as log:
        assert (log.append(mine).accepted, log.append(mine).left_out) == (1, 1)
    assert places(home, VICTIM) == []
    assert allow(home, VICTIM)
    with ListeningLog(home.log) as log:
        assert log.append(mine).left_out == 1, "what is dated before stays out"
        again = log.append(in_columns([Listen(UserId(VICTIM), ItemId(ITEMS[0]), time.time() + 1.0)]))
        assert again.accepted == 1
    assert not allow(home, VICTIM), "they are not deleted any more"


def test_a_stranger_can_be_deleted_and_twice(home: Home) -> None:
    for _ in range(2):
        (told,) = delete(home, ["never-heard-of"])
        assert (told.done, sum(told.found.values())) == (True, 0)


def test_several_at_once_are_counted_each(home: Home) -> None:
    told = {one.user_id: one.found for one in delete(home, [VICTIM, "somebody-else", VICTIM])}
    assert told[VICTIM]["listens"] == 41
    assert (told["somebody-else"]["listens"], told["somebody-else"]["exposures"]) == (0, 1)
    assert places(home, "somebody-else") == []


def test_a_training_under_way_holds_the_rest_up_and_answers_are_a_strangers(home: Home) -> None:
    with alone(home.jobs / ".lock"):
        (told,) = delete(home, [VICTIM])
        assert not told.done
        assert told.found["listens"] == 41
        with OnlineStore(home.online / "records", readonly=True) as store:
            assert store.get("taste@1", VICTIM) is None
        with pytest.raises(PalateError, match="still being deleted"):
            allow(home, VICTIM)
    (told,) = delete(home, [VICTIM])
    assert (told.done, told.found["listens"], told.found["snapshots"]) == (True, 41, 1)
    assert places(home, VICTIM) == []


def test_a_training_that_began_before_publishes_nothing_of_them(home: Home) -> None:
    """The snapshot was taken with the victim, and the run is killed; they leave; it is run to its end."""
    for published in home.jobs.glob("*/published.json"):
        published.unlink()
    ask(home, [VICTIM])
    train(home)
    with OnlineStore(home.online / "records", readonly=True) as store:
        assert [store.get(space, VICTIM) for space in store.spaces()] == [None] * len(store.spaces())


def test_a_server_that_does_not_get_on_is_named_and_the_request_stays(home: Home) -> None:
    lock = FoldLock(home.online / "fold.lock")
    assert lock.mine()
    with pytest.raises(PalateError, match="stays in force"):
        delete(home, [VICTIM], wait_seconds=0.2)
    lock.close()
    assert [one.user_id for one in pending(home)] == [VICTIM]
    assert DeletedUsers.of(home).standing(VICTIM).deleted
    delete(home, ["somebody-else"])
    assert outcome(home, VICTIM).done, "whoever deletes next finishes it"
    assert places(home, VICTIM) == []


CODE = """
import sys
from pathlib import Path
from palate.core.home import Home
from palate.privacy.delete import delete
print("go", flush=True)
delete(Home(Path(sys.argv[1])), [sys.argv[2]])
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_killed_at_any_moment_it_is_finished_by_the_next(lived_in: Home, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    home, kills = copied(lived_in, tmp_path / "home"), 0
    others = states(home)
    while True:
        command = [sys.executable, "-c", CODE, str(home.root), VICTIM]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(float(rng.uniform(0.0, 0.15 * (1 + kills / 4))))
            process.kill()
        if process.returncode != -signal.SIGKILL:
            break
        kills += 1
        assert states(home) == others, "a killed deletion leaves a home that works"
        with ListeningLog(home.log) as log:
            assert sum(len(batch) for batch in log.replay(0)) > 0
        assert kills < 60, "it does not get on"
    assert process.returncode == 0
    assert kills >= 3
    assert outcome(home, VICTIM).done
    assert places(home, VICTIM) == []
    assert states(home) == others
