"""The answer log: what was answered comes back as it was, once, whatever dies; what is deleted or old does not."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.errors import Corrupt
from palate.core.settings import read_settings
from palate.core.slate import Shelf, Slate, SlateItem
from palate.listening import airing
from palate.listening.airing import Airing
from palate.listening.deleted import DeletedUsers
from palate.listening.slates import FILE, NOBODY, Answered, SlateLog, SlateSettings, is_sampled

HOUR = 3_600.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "listening" / FILE


def item(number: int) -> SlateItem:
    evidence = [{"type": "popular", "plays": number, "days": 7}]
    return SlateItem(f"i{number}", "track", number / 3, "popular", f"Heard {number} times.", evidence, "söng ☃", ("A",))


def answered(slate_id: str, user: str | None = "u1", time: float = 1_000.0, shown: int = 2, ranks: int = 5) -> Answered:
    """A slate of items 0, 1, ... whose rows are 10, 11, ..., with further ranks behind them."""
    slate = Slate(
        slate_id, "for_you", user, "taste@1", 12.5, False, [item(number) for number in range(shown)],
        {"retrieved": 9}, {"heard before": 2}, 77,
    )  # fmt: skip
    rows = np.arange(10, 10 + ranks, dtype=np.int32)
    scores = np.arange(ranks, 0, -1).astype(np.float32) / 3
    sources = tuple("again" if rank % 2 else "popular" for rank in range(ranks))
    return Answered(slate, time, time - 500.0, rows, scores, np.full(ranks, -1, np.int32), sources, offers=scores / 7)


def same(one: Answered | None, other: Answered) -> None:
    assert one is not None
    for name in Answered.__dataclass_fields__:
        value, wanted = getattr(one, name), getattr(other, name)
        if isinstance(wanted, np.ndarray):
            np.testing.assert_array_equal(value, wanted)
            assert value.dtype == wanted.dtype
        else:
            assert value == wanted, name


def test_an_empty_log_knows_nothing(path: Path) -> None:
    with SlateLog(path) as log:
        assert (log.append([]), log.find("s"), list(log.read()), log.counts(0.0)) == (0, None, [], {})
        rows, times = log.aired("u1", "for_you", 0.0)
    assert (rows.dtype, rows.shape, times.dtype, times.shape) == (np.int32, (0,), np.float64, (0,))


def test_an_answer_comes_back_as_it_was(path: Path) -> None:
    plain, full = answered("plain"), answered("full", user="u2")
    shelf = Shelf(
        "again", "Again", "You played these.", full.slate.items[:1], [{"type": "window", "plays": 3, "days": 7}]
    )
    full = replace(
        full, slate=replace(full.slate, shelves=[shelf], note="Short.", stranger=True, taste_age_seconds=None),
        ask={"seeds": ["i1"], "steer": {"adventure": 0.5, "energy": None}}, named=("u3", "u4"),
        features=np.array([[1.0, np.nan], [0.25, -3.0]], np.float32), names=("taste_score", "own_plays"),
    )  # fmt: skip
    nobodys = answered("nobody's", user=None, shown=0, ranks=0)
    sent = [plain, full, nobodys]
    with SlateLog(path) as log:
        assert log.append(sent) == 3
    with SlateLog(path) as log:
        for one in sent:
            same(log.find(one.slate.slate_id), one)
        for one, found in zip(sent, log.read(), strict=True):
            same(found, one)
        assert [one.slate.slate_id for one in log.shown_to("u2")] == ["full"]
        assert log.counts(0.0) == {"for_you": (3, 3)}
        assert log.counts(1_000.1) == {}


def test_the_same_answer_again_is_counted_and_not_kept_twice(path: Path) -> None:
    with SlateLog(path) as log:
        assert log.append([answered("s", time=1_000.0), answered("s", time=1_010.0)]) == 1
        assert log.append([answered("s", time=1_020.0)]) == 0
        found = log.find("s")
        assert found is not None
        assert (found.answers, found.timestamp, log.counts(1_015.0)) == (3, 1_000.0, {"for_you": (1, 3)})
        assert log.aired("u1", "for_you", 0.0)[1].tolist() == [1_020.0, 1_020.0]


def test_features_of_two_versions_keep_their_own_names(path: Path) -> None:
    one = replace(answered("old"), features=np.ones((2, 1), np.float32), names=("a",))
    two = replace(answered("new"), features=np.zeros((2, 3), np.float32), names=("a", "b", "c"))
    with SlateLog(path) as log:
        log.append([one, two, replace(one, slate=replace(one.slate, slate_id="third"))])
        assert [(found.names, found.features.shape) for found in log.read() if found.features is not None] == [
            (("a",), (2, 1)), (("a", "b", "c"), (2, 3)), (("a",), (2, 1)),
        ]  # fmt: skip


def test_what_was_shown_is_known_by_listener_surface_and_hour(path: Path) -> None:
    day = 1_000 * HOUR
    other = answered("c", user="u2", time=day)
    with SlateLog(path) as log:
        log.append([answered("a", time=day + 5.9), answered("b", time=day + 2 * HOUR, shown=1), other])
        log.append([], [Airing("u1", "for_you", day + 60.0, np.array([11, 12, -1], np.int32))])
        log.append([], [Airing("u1", "radio", day, np.array([99], np.int32))])
        rows, times = log.aired("u1", "for_you", day)
        shown = sorted(zip(rows.tolist(), times.tolist(), strict=True))
        assert shown == [(10, day + 5), (10, day + 2 * HOUR), (11, day + 60), (12, day + 60)]
        assert log.aired("u1", "for_you", day + HOUR)[0].tolist() == [10]
        assert log.aired("u1", "radio", day)[0].tolist() == [99]
        assert log.aired("u2", "radio", day)[0].tolist() == []
        told = [(one.user, one.surface, one.time, one.rows.tolist()) for one in log.airings(day)]
    assert told == [
        ("u1", "for_you", day, [10, 11, 12]), ("u1", "for_you", day + 2 * HOUR, [10]), ("u1", "radio", day, [99]),
        ("u2", "for_you", day, [10, 11]),
    ]  # fmt: skip


def test_one_hour_keeps_what_was_shown_last(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airing, "MOST_ITEMS", 3)
    with SlateLog(path) as log:
        for second in range(5):
            log.append([], [Airing("u", "radio", float(second), np.array([second], np.int32))])
        assert log.aired("u", "radio", 0.0)[0].tolist() == [2, 3, 4]


airings = st.builds(
    lambda user, surface, time, rows: Airing(user, surface, float(time), np.array(rows, np.int32)),
    st.sampled_from(["u1", "u2"]), st.sampled_from(["radio", "home"]), st.integers(0, 20_000),
    st.lists(st.integers(-1, 6), max_size=4),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(airings, max_size=20), st.integers(0, 5))
def test_the_memory_is_what_a_list_would_hold(
    tmp_path_factory: pytest.TempPathFactory, shown: list[Airing], cut: int
) -> None:
    wanted: dict[tuple[str, str, int, int], float] = {}
    for one in shown:
        for row in one.rows[one.rows >= 0].tolist():
            key = (one.user, one.surface, row, int(one.time // HOUR))
            wanted[key] = max(one.time, wanted.get(key, 0.0))
    with SlateLog(tmp_path_factory.mktemp("log") / FILE) as log:
        log.append([], shown[:cut])
        log.append([], shown[cut:])
        for user in ("u1", "u2"):
            for surface in ("radio", "home"):
                rows, times = log.aired(user, surface, 0.0)
                found = {
                    (user, surface, row, int(time // HOUR)): time
                    for row, time in zip(rows.tolist(), times.tolist(), strict=True)
                }
                assert found == {key: time for key, time in wanted.items() if key[:2] == (user, surface)}
                assert len(rows) == len(found)


def test_a_deleted_listener_leaves_nothing_and_nothing_comes_back(path: Path) -> None:
    blend = replace(answered("blend", user="other"), named=("victim",), ask={"others": ["victim"]})
    with SlateLog(path) as log:
        log.append([answered("mine", user="victim"), answered("other's", user="other"), blend])
        assert log.erase(["victim", "nobody"]) == {"victim": 2, "nobody": 0}
        assert [one.slate.slate_id for one in log.read()] == ["other's"]
        assert log.aired("victim", "for_you", 0.0)[0].tolist() == []
        log.shred()
        assert b"victim" not in path.read_bytes()
        DeletedUsers.beside(path).delete(["victim"])
        turned = [Airing("victim", "for_you", 2_000.0, np.array([1], np.int32))]
        assert log.append([answered("late", user="victim"), blend, answered("fine", user="other")], turned) == 1
        assert [one.slate.slate_id for one in log.read()] == ["other's", "fine"]
    assert b"victim" not in path.read_bytes()


def test_old_answers_are_forgotten_by_when_they_were_given_last(path: Path) -> None:
    with SlateLog(path) as log:
        log.append([answered("old", time=1_000.0), answered("again", time=1_000.0), answered("new", time=9 * HOUR)])
        log.append([answered("again", time=9 * HOUR), answered("nobody's", user=None, time=1_000.0)])
        assert log.prune(8 * HOUR) == 2
        assert [one.slate.slate_id for one in log.read()] == ["again", "new"]
        assert set(log.aired("u1", "for_you", 0.0)[1].tolist()) == {9 * HOUR}
        assert log.aired(NOBODY, "for_you", 0.0)[0].tolist() == []


def test_the_share_of_slates_with_features_is_the_share_of_their_ids() -> None:
    ids = [f"slate-{number}" for number in range(10_000)]
    chosen = {one for one in ids if is_sampled(one, 0.1)}
    assert 900 < len(chosen) < 1_100  # ten standard deviations of a fair draw are 300
    assert chosen <= {one for one in ids if is_sampled(one, 0.2)}
    assert not any(is_sampled(one, 0.0) for one in ids)
    assert all(is_sampled(one, 1.0) for one in ids)


def test_a_damaged_answer_says_what_to_do(path: Path) -> None:
    with SlateLog(path) as log:
        log.append([answered("s")])
        with closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE slates SET ranks = x'00'")
            db.commit()
        with pytest.raises(Corrupt, match=r"slate 's' .* delete it"):
            log.find("s")


@pytest.mark.parametrize(("key", "value"), [("keep_days", "-1"), ("features_share", "1.5"), ("in_memory", "0")])
def test_settings_that_cannot_be_are_refused(tmp_path: Path, key: str, value: str) -> None:
    toml = tmp_path / "palate.toml"
    toml.write_text(f"[slates]\n{key} = {value}\n")
    with pytest.raises(ValueError, match=rf"\[slates\] {key} = "):
        read_settings(toml).section(SlateSettings)


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_slates import answered
from palate.listening.slates import SlateLog
with SlateLog(Path(sys.argv[1])) as log:
    number = 0
    while True:
        log.append([answered(f"s{number + i}", time=1_000.0 + number) for i in range(3)])
        number += 3
        print(number, flush=True)
"""


@pytest.mark.slow
def test_a_killed_writer_loses_nothing_that_it_acknowledged(path: Path) -> None:
    for _ in range(2):
        path.unlink(missing_ok=True)
        command = [sys.executable, "-c", WRITER, str(path), str(Path(__file__).parent)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            said = [int(writer.stdout.readline()) for _ in range(20)]
            os.kill(writer.pid, signal.SIGKILL)
            said += [int(line) for line in writer.stdout.read().splitlines()]
        with SlateLog(path) as log:
            found = [one.slate.slate_id for one in log.read()]
        assert found[: said[-1]] == [f"s{number}" for number in range(said[-1])]
        assert len(found) - said[-1] in (0, 3), "the batch in flight is whole or absent"
        for extra in ("-wal", "-shm"):
            Path(f"{path}{extra}").unlink(missing_ok=True)
