"""Deleted users: nothing of them is taken in again, their listens are holes, everybody else's stay what they were."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.ids import ItemId, UserId
from palate.core.listens import Listen, in_columns
from palate.listening.deleted import FILE, DeletedUsers
from palate.listening.exposures import Exposure, ExposureLog
from palate.listening.listeners import ListenerTable
from palate.listening.log import ListeningLog


def listen(user: str, item: str, at: float, **more: object) -> Listen:
    return Listen(UserId(user), ItemId(item), at, **more)  # type: ignore[arg-type]


def held(log: ListeningLog, after: int = 0) -> list[tuple[int, str, str, float]]:
    return [
        row
        for batch in log.replay(after)
        for row in zip(batch.offsets.tolist(), batch.user_id, batch.item_id, batch.timestamp.tolist(), strict=True)
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite"


def test_nobody_is_deleted_where_there_is_no_file(tmp_path: Path) -> None:
    deleted = DeletedUsers(tmp_path / FILE)
    assert deleted.standing("ana").before == -math.inf
    assert deleted.left_out(["ana"], np.zeros(1)) is None
    assert not (tmp_path / FILE).exists()


def test_the_file_recognises_an_id_and_does_not_hold_it(tmp_path: Path) -> None:
    DeletedUsers(tmp_path / FILE).delete(["ana-of-the-hill"])
    assert b"ana" not in (tmp_path / FILE).read_bytes()
    again = DeletedUsers(tmp_path / FILE)
    assert (again.standing("ana-of-the-hill").deleted, again.standing("bo").deleted) == (True, False)


def test_two_files_call_one_id_differently(tmp_path: Path) -> None:
    for name in ("one", "two"):
        DeletedUsers(tmp_path / name / FILE).delete(["ana"], at=1.0)
    one, two = ((tmp_path / name / FILE).read_text().splitlines()[1] for name in ("one", "two"))
    assert one != two


def test_after_allow_what_is_dated_before_stays_out(tmp_path: Path) -> None:
    deleted = DeletedUsers(tmp_path / FILE)
    deleted.delete(["ana"])
    assert deleted.left_out(["ana", "bo"], np.array([5.0, 5.0])).tolist() == [True, False]  # type: ignore[union-attr]
    assert deleted.allow("ana", past=False, at=100.0)
    times = np.array([99.0, 100.0, 99.0])
    assert deleted.left_out(["ana", "ana", "bo"], times).tolist() == [True, False, False]  # type: ignore[union-attr]
    assert not deleted.allow("ana", past=False), "she is not deleted any more"


def test_allow_with_the_past_lets_everything_back(tmp_path: Path) -> None:
    deleted = DeletedUsers(tmp_path / FILE)
    deleted.delete(["ana"])
    assert deleted.allow("ana", past=True)
    assert deleted.left_out(["ana"], np.array([-1e9])) is None


def test_a_torn_line_is_passed_over_and_closed(tmp_path: Path) -> None:
    deleted = DeletedUsers(tmp_path / FILE)
    deleted.delete(["ana"])
    with (tmp_path / FILE).open("a") as file:
        file.write('{"move": "del')
    deleted.delete(["bo"])
    assert [deleted.standing(user).deleted for user in ("ana", "bo", "cy")] == [True, True, False]


def test_an_open_log_leaves_out_who_is_deleted_elsewhere(path: Path) -> None:
    with ListeningLog(path) as log:
        log.append(in_columns([listen("ana", "x", 1.0), listen("bo", "x", 1.0)]))
        DeletedUsers(path.parent / FILE).delete(["ana"])
        appended = log.append(in_columns([listen("bo", "y", 2.0), listen("ana", "y", 2.0), listen("bo", "x", 1.0)]))
    assert (appended.accepted, appended.left_out, appended.duplicates) == (1, 1, 1)
    assert appended.offsets.tolist() == [3, -1, 0]


def test_erasing_leaves_holes_and_nothing_else(path: Path) -> None:
    with ListeningLog(path) as log:
        log.append(
            in_columns([listen("ana", "x", 1.0, context_id="of ana"), listen("bo", "x", 2.0), listen("ana", "y", 9.0)])
        )
        assert log.erase(["ana", "nobody"]) == {"ana": 2, "nobody": 0}
        assert held(log) == [(2, "bo", "x", 2.0)]
        assert (log.end_offset(), log.last_time, log.user_ids()) == (3, 2.0, ["", "bo"])
        assert list(log.listens_of("ana")) == []
        history = log.history(np.array([0, 1], np.int32), 2)
        assert (history.user.tolist(), history.item.tolist(), history.timestamp.tolist()) == ([1], [0], [2.0])
        assert log.append(in_columns([listen("bo", "z", 3.0)])).offsets.tolist() == [4], "offsets are not given twice"
        assert held(log, after=2) == [(4, "bo", "z", 3.0)]


def test_a_log_of_holes_alone_is_empty(path: Path) -> None:
    with ListeningLog(path) as log:
        log.append(in_columns([listen("ana", "x", 1.0)]))
        log.erase(["ana"])
        assert (held(log), log.last_time, log.end_offset()) == ([], None, 1)
        assert len(log.history(np.zeros(1, np.int32), 1)) == 0
        assert log.calendar().pauses == log.mend_pauses().pauses == ()


def test_an_erased_listen_may_be_sent_again_and_counts(path: Path) -> None:
    sent = in_columns([listen("ana", "x", 1.0), listen("bo", "x", 1.0)])
    with ListeningLog(path) as log:
        log.append(sent)
        log.erase(["ana"])
        appended = log.append(sent)
        assert appended.offsets.tolist() == [3, 0]
        assert log.user_ids() == ["", "bo", "ana"]


def test_another_process_that_knew_the_row_gives_a_new_one(path: Path) -> None:
    with ListeningLog(path) as server, ListeningLog(path) as other:
        server.append(in_columns([listen("ana", "x", 1.0)]))
        deleted = DeletedUsers(path.parent / FILE)
        deleted.delete(["ana"])
        other.erase(["ana"])
        deleted.allow("ana", past=False, at=10.0)
        server.append(in_columns([listen("ana", "x", 11.0)]))
        assert held(server) == [(2, "ana", "x", 11.0)]


def test_no_byte_of_the_id_is_left_after_shredding(path: Path) -> None:
    victim = "victim-of-the-test-0001"
    with ListeningLog(path) as log:
        for part in range(20):
            users = [f"victim-of-the-test-{one:04d}" for one in range(1, 300)]
            log.append(in_columns([listen(user, f"i{part}", part, session_id=user) for user in users]))
        log.erase([victim])
        log.shred()
        files = [file for file in path.parent.iterdir() if victim.encode() in file.read_bytes()]
        assert files == []
        assert len(held(log)) == 20 * 298


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 5), st.integers(0, 99)), max_size=8), max_size=6
    ),
    st.sets(st.sampled_from("abcd")),
)
def test_everybody_elses_listens_are_as_before(tmp_path_factory, pieces, gone) -> None:  # type: ignore[no-untyped-def]
    with ListeningLog(tmp_path_factory.mktemp("log") / "log.sqlite") as log:
        for piece in pieces:
            log.append(in_columns([listen(user, str(item), float(at)) for user, item, at in piece]))
        before, end, items = held(log), log.end_offset(), np.arange(len(log.item_ids()), dtype=np.int32)
        old = log.history(items, len(items))
        told = log.erase(sorted(gone))
        assert held(log) == [row for row in before if row[1] not in gone]
        assert told == {user: sum(row[1] == user for row in before) for user in gone}
        assert log.end_offset() == end
        new = log.history(items, len(items))
        kept = [row for row in range(len(old)) if old.users[old.user[row]] not in gone]
        assert [new.users[row] for row in new.user] == [old.users[old.user[row]] for row in kept]
        np.testing.assert_array_equal(new.timestamp, old.timestamp[kept])


def test_attributes_and_exposures_of_the_deleted_are_not_taken_in(tmp_path: Path) -> None:
    DeletedUsers(tmp_path / FILE).delete(["ana"])
    table = ListenerTable(tmp_path / "listeners.npz")
    assert table.upsert(["bo", "ana", "cy"], {"country": ["SE", "DE", "FR"]}) == 2
    assert table.columns_for(["ana", "bo", "cy"]).values == {"country": [None, "SE", "FR"]}
    with ExposureLog(tmp_path / "exposures.sqlite") as shown:
        told = [Exposure(1.0, UserId(user), "trial", "a", "home", f"slate of {user}", ("x",)) for user in ("ana", "bo")]
        assert shown.append(told) == 1
        assert shown.shown_to("ana") == []
        assert [one["slate_id"] for one in shown.shown_to("bo")] == ["slate of bo"]
        assert shown.erase(["bo", "nobody"]) == {"bo": 1, "nobody": 0}
        shown.shred()
        assert shown.experiments() == {}
    assert b"slate of bo" not in (tmp_path / "exposures.sqlite").read_bytes()


def test_a_forgotten_listener_leaves_the_others_attributes_where_they_are(tmp_path: Path) -> None:
    table = ListenerTable(tmp_path / "listeners.npz")
    table.upsert(["ana", "bo", "cy"], {"country": ["SE", None, "FR"], "device": [None, "tv", None]})
    assert table.of("cy") == {"country": "FR"}
    assert table.forget(["ana", "nobody"]) == 1
    table.save()
    again = ListenerTable.open(tmp_path / "listeners.npz")
    assert (len(again), again.of("ana"), again.of("bo"), again.of("cy")) == (2, {}, {"device": "tv"}, {"country": "FR"})
