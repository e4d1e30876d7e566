"""The log: what is accepted stays, once, in order, whoever else writes and whatever dies."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput, Corrupt, PalateError
from palate.core.ids import ItemId, UserId
from palate.core.listens import Event, Listen, Listens, in_columns
from palate.listening import log as log_module
from palate.listening.log import ListeningLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "listening" / "log.sqlite"


def listen(user: str, item: str, timestamp: float, **more: object) -> Listen:
    return Listen(UserId(user), ItemId(item), timestamp, **more)  # type: ignore[arg-type]


def plain(n: int, start: int = 0) -> Listens:
    """n different listens: 7 listeners, 11 items, one a second."""
    numbers = range(start, start + n)
    return in_columns([listen(f"u{i % 7}", f"i{i % 11}", 1_000.0 + i, seconds_played=i % 5) for i in numbers])


def held(log: ListeningLog, after: int = 0) -> list[tuple[int, str, str, float]]:
    """What the log holds: (offset, user, item, time)."""
    return [
        row
        for batch in log.replay(after)
        for row in zip(batch.offsets.tolist(), batch.user_id, batch.item_id, batch.timestamp.tolist(), strict=True)
    ]


def test_an_empty_log_has_no_listens_and_no_last_time(path: Path) -> None:
    with ListeningLog(path) as log:
        assert (log.end_offset(), log.last_time, held(log), log.user_ids(), log.item_ids()) == (0, None, [], [], [])
        appended = log.append(in_columns([]))
        assert (appended.first_offset, appended.last_offset, appended.accepted, appended.duplicates) == (0, 0, 0, 0)
        history = log.history(np.empty(0, np.int32), 0)
        assert (len(history), history.users, history.n_items) == (0, [], 0)


def test_every_column_comes_back_as_it_was_sent(path: Path) -> None:
    sent = [
        listen("ana", "song", 12.5, event=Event.SKIP, seconds_played=3.5, duration_seconds=200.0, surface="home"),
        listen("bo", "söng ☃", -1.0, event=Event.SAVE, context_id="playlist:1", session_id="s"),
        listen("ana", "song", 13.0),
    ]
    with ListeningLog(path) as log:
        appended = log.append(in_columns(sent))
        assert (appended.first_offset, appended.last_offset) == (1, 3)
    with ListeningLog(path) as log:
        (batch,) = log.replay(0)
    assert batch.offsets.tolist() == appended.offsets.tolist() == [1, 2, 3]
    assert batch.user_id == ["ana", "bo", "ana"]
    assert batch.item_id == ["song", "söng ☃", "song"]
    assert batch.timestamp.tolist() == [12.5, -1.0, 13.0]
    assert batch.event.tolist() == [Event.SKIP, Event.SAVE, Event.PLAY]
    np.testing.assert_array_equal(batch.seconds_played, [3.5, np.nan, np.nan])
    np.testing.assert_array_equal(batch.duration_seconds, [200.0, np.nan, np.nan])
    assert (batch.session < 0).tolist() == [False, True, False]
    assert batch.surface == ["home", None, None]
    assert batch.context_id == [None, "playlist:1", None]


def test_optional_texts_that_nobody_sent_are_none(path: Path) -> None:
    with ListeningLog(path) as log:
        log.append(plain(3))
        (batch,) = log.replay(0)
    assert batch.surface is None
    assert batch.context_id is None


def test_texts_keep_their_rows_when_a_short_batch_grows(path: Path) -> None:
    with ListeningLog(path) as log:
        for i in range(5):
            log.append(in_columns([listen("u", "i", i, surface="home" if i % 2 else None)]))
        (batch,) = log.replay(1)
    assert batch.surface == ["home", None, "home", None]


def test_the_same_listens_twice_change_nothing(path: Path) -> None:
    with ListeningLog(path) as log:
        first = log.append(plain(100))
        before = path.read_bytes(), held(log)
        again = log.append(plain(100))
        assert (first.accepted, first.duplicates) == (100, 0)
        assert (again.accepted, again.duplicates, again.offsets.tolist()) == (0, 100, [0] * 100)
        assert again.first_offset == again.last_offset == 100
        assert (path.read_bytes(), held(log)) == before


def test_each_sent_listen_is_answered_with_its_offset(path: Path) -> None:
    a, b, c = (listen("u", item, 1.0) for item in "abc")
    with ListeningLog(path) as log:
        assert log.append(in_columns([a, b, a])).offsets.tolist() == [1, 2, 0]
        appended = log.append(in_columns([c, a, c, b]))
    assert appended.offsets.tolist() == [3, 0, 0, 0]
    assert (appended.first_offset, appended.last_offset, appended.accepted, appended.duplicates) == (3, 3, 1, 3)


def test_an_event_id_decides_what_is_a_repeat(path: Path) -> None:
    with ListeningLog(path) as log:
        log.append(in_columns([listen("u", "a", 1.0, event_id="e1"), listen("u", "a", 1.0, event_id="e2")]))
        assert log.append(in_columns([listen("u", "b", 9.0, event_id="e1")])).duplicates == 1
        assert log.append(in_columns([listen("u", "a", 1.0)])).accepted == 1
        assert log.end_offset() == 3


@pytest.mark.parametrize("other", [("v", "i", 1.0, 0), ("u", "j", 1.0, 0), ("u", "i", 1.5, 0), ("u", "i", 1.0, 1)])
def test_another_listener_item_time_or_event_is_another_listen(path: Path, other: tuple[str, str, float, int]) -> None:
    user, item, timestamp, event = other
    with ListeningLog(path) as log:
        log.append(in_columns([listen("u", "i", 1.0)]))
        assert log.append(in_columns([listen(user, item, timestamp, event=Event(event))])).accepted == 1


few = st.tuples(
    st.sampled_from(["u", "v", "w"]),
    st.sampled_from(["i", "j"]),
    st.sampled_from([-0.0, 0.0, 1.0, 2.5]),
    st.sampled_from([None, None, "e", "f"]),
)


@settings(max_examples=60)
@given(st.lists(st.lists(few, max_size=12), max_size=8))
def test_any_appends_give_the_distinct_events_in_first_seen_order(
    tmp_path_factory: pytest.TempPathFactory, appends: list[list[tuple[str, str, float, str | None]]]
) -> None:
    path = tmp_path_factory.mktemp("log") / "log.sqlite"
    distinct: dict[object, tuple[str, str, float]] = {}
    with ListeningLog(path) as log:
        for rows in appends:
            log.append(in_columns([listen(u, i, t, event_id=event_id) for u, i, t, event_id in rows]))
            for user, item, timestamp, event_id in rows:
                distinct.setdefault(event_id or (user, item, timestamp), (user, item, timestamp))
        expected = [(offset, *event) for offset, event in enumerate(distinct.values(), 1)]
        assert held(log) == expected
    with ListeningLog(path) as log:
        assert held(log) == expected


def test_one_append_equals_many(tmp_path: Path) -> None:
    with ListeningLog(tmp_path / "one") as one, ListeningLog(tmp_path / "many") as many:
        one.append(plain(700))
        for start in range(0, 700, 10):
            many.append(plain(10, start))
        assert held(one) == held(many)


@pytest.mark.parametrize("after", [-5, 0, 1, 255, 256, 257, 699, 700, 900])
def test_replay_begins_after_any_offset(path: Path, after: int) -> None:
    with ListeningLog(path) as log:
        for start in range(0, 700, 7):
            log.append(plain(7, start))
        assert [offset for offset, *_ in held(log, after)] == list(range(max(after, 0) + 1, 701))


def test_replay_gives_batches_of_bounded_size(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "BATCH_RECORDS", 100)
    with ListeningLog(path) as log:
        log.append(plain(1_000))
        sizes = [len(batch) for batch in log.replay(0)]
    assert sizes == [100] * 10


def test_single_events_share_batches(path: Path) -> None:
    with ListeningLog(path) as log:
        for i in range(600):
            log.append(plain(1, i))
        assert [offset for offset, *_ in held(log)] == list(range(1, 601))
    with closing(sqlite3.connect(path)) as db, db:
        assert [count for (count,) in db.execute("SELECT count FROM batches")] == [256, 256, 88]
    db.close()


def test_last_time_is_the_latest_not_the_last(path: Path) -> None:
    with ListeningLog(path) as log:
        log.append(in_columns([listen("u", "i", 50.0), listen("u", "i", 90.0)]))
        log.append(in_columns([listen("u", "i", 70.0)]))
        assert log.last_time == 90.0


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (listen("u", "i", float("nan")), "listen 1 has the time nan"),
        (listen("u", "i", float("inf")), "finite"),
        (listen("", "i", 1.0), "1 to 512"),
        (listen("u", "i" * 513, 1.0), "513 characters"),
        (listen("u", "\ud800", 1.0), "UTF-8"),
        (listen("u", "i", 1.0, event=77), "event 77 is unknown"),
    ],
)
def test_one_bad_listen_refuses_the_whole_append(path: Path, bad: Listen, says: str) -> None:
    with ListeningLog(path) as log:
        with pytest.raises(BadInput, match=says):
            log.append(in_columns([listen("new", "new", 1.0), bad]))
        assert (log.end_offset(), log.user_ids(), log.item_ids()) == (0, [], [])
        assert log.append(plain(3)).offsets.tolist() == [1, 2, 3]
        assert log.user_ids() == ["u0", "u1", "u2"]


def test_columns_of_different_lengths_are_refused(path: Path) -> None:
    listens = plain(3)
    with ListeningLog(path) as log, pytest.raises(BadInput, match="timestamp has 2 rows where user_id has 3"):
        log.append(Listens(listens.user_id, listens.item_id, listens.timestamp[:2], *(listens.event,) * 3))  # type: ignore[arg-type]


def test_a_file_that_is_no_database_is_corrupt(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, not at all" * 400)
    with pytest.raises(Corrupt, match="restore it from a backup"):
        ListeningLog(path)


def test_a_damaged_batch_is_corrupt_and_says_where(path: Path) -> None:
    with ListeningLog(path) as log:
        log.append(plain(300))
        log.append(plain(300, 300))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE batches SET columns = zeroblob(10) WHERE first_offset = 301")
    db.close()
    with ListeningLog(path) as log:
        with pytest.raises(Corrupt, match="batch at offset 301"):
            held(log)
        with pytest.raises(Corrupt, match="batch at offset 301"):
            log.history(np.arange(11, dtype=np.int32), 11)


def test_a_log_of_a_newer_palate_is_refused(path: Path) -> None:
    ListeningLog(path).close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE meta SET value = 99 WHERE name = 'format'")
    db.close()
    with pytest.raises(Corrupt, match="upgrade Palate"):
        ListeningLog(path)


def test_a_full_disk_writes_nothing_and_says_so(path: Path) -> None:
    with ListeningLog(path) as log:
        log.append(plain(10))
        with log._database.read() as db:
            pages = db.execute("PRAGMA page_count").fetchone()[0]
        with log._database.write() as db:
            db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(PalateError, match="is full and nothing was written"):
            log.append(plain(50_000, 10))
        assert log.end_offset() == 10
        with log._database.write() as db:
            db.execute("PRAGMA max_page_count = 1000000")
        assert log.append(plain(50_000, 10)).accepted == 50_000


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PalateError, match="check the folder's rights"):
        ListeningLog(tmp_path / "file" / "log.sqlite")


def test_a_reader_does_not_wait_for_a_writer(path: Path) -> None:
    with ListeningLog(path) as log, ListeningLog(path) as other:
        log.append(plain(5))
        with log._database.write() as db:
            db.execute("INSERT INTO seen VALUES(1)")
            assert other.end_offset() == 5
            assert len(held(log)) == 5
            ListeningLog(path).close()


def test_threads_append_without_losing_or_repeating(path: Path) -> None:
    with ListeningLog(path) as log:

        def send(start: int) -> None:
            for first in range(start, start + 200, 10):
                log.append(plain(20, first))

        threads = [threading.Thread(target=send, args=(start,)) for start in (0, 100, 200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rows = held(log)
    assert [offset for offset, *_ in rows] == list(range(1, 411))
    assert {timestamp for *_, timestamp in rows} == {1_000.0 + i for i in range(410)}


WRITER = """
import sys
from pathlib import Path
from palate.core.listens import Listen, in_columns
from palate.listening.log import ListeningLog

path, name, batches = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
log = ListeningLog(path)
print("ready", flush=True)
for b in range(batches):
    log.append(in_columns([Listen(f"{name}{i % 3}", f"i{b % 50}", 1000.0 * b + i) for i in range(100)]))
    print(b, flush=True)
log.close()
"""


def writer(path: Path, name: str, batches: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(batches)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("acknowledged", [1, 20, 60])
def test_what_was_acknowledged_survives_kill_9_exactly_once(path: Path, acknowledged: int) -> None:
    process = writer(path, "u", 100_000)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(acknowledged + 1)]
    os.kill(process.pid, signal.SIGKILL)
    said += process.stdout.readlines()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    last = int(said[-1])
    with ListeningLog(path) as log:
        end = log.end_offset()
        assert end in (100 * (last + 1), 100 * (last + 2))  # the batch in flight is whole or absent
        rows = held(log)
        assert [offset for offset, *_ in rows] == list(range(1, end + 1))
        assert [t for *_, t in rows] == [1000.0 * b + i for b in range(end // 100) for i in range(100)]
        for b in range(last + 1):
            sent = [listen(f"u{i % 3}", f"i{b % 50}", 1000.0 * b + i) for i in range(100)]
            assert log.append(in_columns(sent)).duplicates == 100
        assert held(log) == rows


def test_processes_append_at_once(path: Path) -> None:
    processes = [writer(path, name, 40) for name in ("a", "b", "c")]
    assert [process.communicate(timeout=120)[0].split()[-1] for process in processes] == ["39"] * 3
    with ListeningLog(path) as log:
        rows = held(log)
        users = log.user_ids()
    assert [offset for offset, *_ in rows] == list(range(1, 3 * 40 * 100 + 1))
    assert len({row[1:] for row in rows}) == len(rows)
    assert sorted(users) == sorted(f"{name}{i}" for name in "abc" for i in range(3))
    for name in "abc":
        times = [t for _, user, _, t in rows if user.startswith(name)]
        assert all(earlier < later for earlier, later in pairwise(times))


def test_history_is_in_time_order_with_catalogue_rows(path: Path) -> None:
    with ListeningLog(path) as log:
        log.append(in_columns([listen("u", "a", 30.0, seconds_played=4.0), listen("v", "b", 10.0, event=Event.SKIP)]))
        log.append(in_columns([listen("u", "c", 10.0), listen("u", "unknown", 20.0), listen("w", "b", 40.0)]))
        assert log.item_ids() == ["a", "b", "c", "unknown"]
        history = log.history(np.array([5, 7, 6, -1], np.int32), 9)
        before = log.history(np.array([5, 7, 6, -1], np.int32), 9, until=30.0)
        short = log.history(np.array([5], np.int32), 9)
    assert history.timestamp.tolist() == [10.0, 10.0, 30.0, 40.0]
    assert history.item.tolist() == [7, 6, 5, 7]
    assert [history.users[row] for row in history.user] == ["v", "u", "u", "w"]
    assert history.event.tolist() == [Event.SKIP, Event.PLAY, Event.PLAY, Event.PLAY]
    np.testing.assert_array_equal(history.seconds_played, [np.nan, np.nan, 4.0, np.nan])
    assert history.n_items == 9
    assert before.timestamp.tolist() == [10.0, 10.0]
    assert short.item.tolist() == [5]
    assert [column.dtype for column in (history.user, history.item, history.session)] == [np.int32, np.int32, np.int64]


def test_a_pause_shifts_the_history_and_keeps_the_log(path: Path) -> None:
    month = 30 * DAY_SECONDS
    with ListeningLog(path) as log:
        log.append(in_columns([listen("u", "a", 0.0), listen("u", "a", month + 60.0)]))
        log.add_pause(0.0, month)
        history = log.history(np.zeros(1, np.int32), 1)
        assert [t for *_, t in held(log)] == [0.0, month + 60.0]
    assert history.timestamp.tolist() == [0.0, 60.0]
    assert history.session[0] != history.session[1]  # a minute apart at home, a month in the world


def test_pauses_merge_and_short_ones_are_not_kept(path: Path) -> None:
    day = DAY_SECONDS
    with ListeningLog(path) as log:
        assert log.add_pause(0.0, 27 * day).pauses == ()
        log.add_pause(100 * day, 130 * day)
        log.add_pause(0.0, 40 * day)
        assert log.add_pause(100 * day, 140 * day).pauses == ((0.0, 40 * day), (100 * day, 140 * day))
        assert log.add_pause(30 * day, 110 * day).pauses == ((0.0, 140 * day),)
        with pytest.raises(BadInput, match="must end after it starts"):
            log.add_pause(5.0, 5.0)
    with ListeningLog(path) as log:
        assert log.calendar().home_time(150 * day) == 10 * day


def test_named_sessions_are_kept_and_belong_to_one_listener(path: Path) -> None:
    rows = [("u", "s"), ("v", "s"), ("u", "s"), ("u", "t"), ("u", None), ("v", None)]
    sent = [listen(user, "i", 10_000.0 * t, session_id=name) for t, (user, name) in enumerate(rows)]
    with ListeningLog(path) as log:
        log.append(in_columns(sent))
        session = log.history(np.zeros(1, np.int32), 1).session.tolist()
    assert session[0] == session[2]
    assert len(set(session)) == 5
