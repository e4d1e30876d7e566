"""The exposure log: what was shown is kept once, in order, with its chances, whatever dies."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.errors import BadInput, Corrupt, PalateError
from palate.listening.exposures import FILE, Exposure, ExposureLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "listening" / FILE


def exposure(number: int, **more: object) -> Exposure:
    one = Exposure(
        timestamp=1_000.0 + number,
        user_id=f"u{number % 7}",
        experiment="spread",
        variant="control",
        surface="home",
        slate_id=f"s{number}",
        item_ids=(f"i{number % 11}", "söng ☃"),
        propensities=(0.25, 1.0),
    )
    return replace(one, **more)  # type: ignore[arg-type]


def some(n: int, start: int = 0) -> list[Exposure]:
    return [exposure(number) for number in range(start, start + n)]


def test_an_empty_log_has_no_exposures(path: Path) -> None:
    with ExposureLog(path) as log:
        assert (log.append([]), log.experiments()) == (0, {})
        read = log.read("spread")
    assert (len(read), read.indptr.tolist(), read.propensity.tolist(), read.item_id) == (0, [0], [], [])


def test_every_column_comes_back_as_it_was_sent(path: Path) -> None:
    sent = [
        exposure(1),
        exposure(2, item_ids=(), propensities=()),
        exposure(
            3, variant="spread", surface="radio", item_ids=("a", "b", "c"), propensities=(0.1, float("nan"), 1e-9)
        ),
        exposure(4, propensities=()),
    ]
    with ExposureLog(path) as log:
        assert log.append(sent) == 4
    with ExposureLog(path) as log:
        read = log.read("spread")
    assert read.timestamp.tolist() == [1_001.0, 1_002.0, 1_003.0, 1_004.0]
    assert read.user_id == ["u1", "u2", "u3", "u4"]
    assert read.variant == ["control", "control", "spread", "control"]
    assert read.surface == ["home", "home", "radio", "home"]
    assert read.slate_id == ["s1", "s2", "s3", "s4"]
    assert read.indptr.tolist() == [0, 2, 2, 5, 7]
    assert read.item_id == ["i1", "söng ☃", "a", "b", "c", "i4", "söng ☃"]
    np.testing.assert_array_equal(read.propensity, [0.25, 1.0, 0.1, np.nan, 1e-9, np.nan, np.nan])


def test_a_slate_counts_once_in_each_experiment_and_the_first_stays(path: Path) -> None:
    with ExposureLog(path) as log:
        assert log.append([exposure(1), exposure(2), exposure(1, variant="spread")]) == 2
        assert log.append([exposure(1, timestamp=5.0), exposure(2), exposure(3)]) == 1
        assert log.append([exposure(1, experiment="calm")]) == 1
        assert log.experiments() == {"calm": 1, "spread": 3}
        read = log.read("spread")
    assert (read.slate_id, read.variant, read.timestamp[0]) == (["s1", "s2", "s3"], ["control"] * 3, 1_001.0)


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=6))
def test_any_appends_give_the_distinct_slates_in_first_seen_order(
    tmp_path_factory: pytest.TempPathFactory, appends: list[list[int]]
) -> None:
    path = tmp_path_factory.mktemp("exposures") / FILE
    distinct = dict.fromkeys(number for numbers in appends for number in numbers)
    with ExposureLog(path) as log:
        added = sum(log.append([exposure(number) for number in numbers]) for numbers in appends)
    with ExposureLog(path) as log:
        assert log.read("spread").slate_id == [f"s{number}" for number in distinct]
    assert added == len(distinct)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (exposure(1, timestamp=float("nan")), "finite"),
        (exposure(1, user_id=""), "user_id '' has 0 characters"),
        (exposure(1, slate_id="s" * 513), "slate_id .* has 513 characters"),
        (exposure(1, item_ids=("a", "")), "item_id '' has 0"),
        (exposure(1, propensities=(0.5,)), "1 propensities for 2 items"),
        (exposure(1, propensities=(0.5, 0.0)), "above 0 and at most 1"),
        (exposure(1, propensities=(0.5, 1.01)), "above 0 and at most 1"),
        (exposure(1, user_id="\ud800"), "UTF-8"),
    ],
)
def test_one_bad_exposure_refuses_the_whole_append(path: Path, bad: Exposure, says: str) -> None:
    with ExposureLog(path) as log:
        with pytest.raises(BadInput, match=says):
            log.append([exposure(0), bad])
        assert log.experiments() == {}
        assert log.append([exposure(0)]) == 1


def test_export_is_one_json_object_a_line(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    with ExposureLog(path) as log:
        log.append([exposure(1, propensities=(0.25, float("nan"))), exposure(2, experiment="calm")])
        assert log.export(out) == 2
        both = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        assert log.export(out, "calm") == 1
        one = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [line["experiment"] for line in both] == ["spread", "calm"]
    assert one == both[1:]
    assert both[0] == {
        "timestamp": 1_001.0, "user_id": "u1", "experiment": "spread", "variant": "control", "surface": "home",
        "slate_id": "s1", "item_ids": ["i1", "söng ☃"], "propensities": [0.25, None],
    }  # fmt: skip


def test_a_file_that_is_no_database_is_corrupt(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, not at all" * 400)
    with pytest.raises(Corrupt, match="restore it from a backup"):
        ExposureLog(path)


def test_a_log_of_a_newer_palate_is_refused(path: Path) -> None:
    ExposureLog(path).close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE meta SET value = 2 WHERE name = 'format'")
    with pytest.raises(Corrupt, match="upgrade Palate"):
        ExposureLog(path)


@pytest.mark.parametrize("damage", ["items = '[\"a\"]'", "items = 'x'", "propensities = x'00'"])
def test_a_damaged_row_is_corrupt_and_says_which(path: Path, damage: str) -> None:
    with ExposureLog(path) as log:
        log.append(some(3))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"UPDATE exposures SET {damage} WHERE slate = 's1'")
    with ExposureLog(path) as log, pytest.raises(Corrupt, match="slate 's1'"):
        log.read("spread")


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PalateError, match="check the folder's rights"):
        ExposureLog(tmp_path / "file" / FILE)


def test_threads_append_without_losing_or_repeating(path: Path) -> None:
    with ExposureLog(path) as log:

        def send(start: int) -> None:
            for first in range(start, start + 100, 10):
                log.append(some(20, first))

        threads = [threading.Thread(target=send, args=(start,)) for start in (0, 50, 100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(log.read("spread").slate_id) == sorted(f"s{number}" for number in range(210))


WRITER = """
import sys
from pathlib import Path
from palate.listening.exposures import Exposure, ExposureLog

log = ExposureLog(Path(sys.argv[1]))
print("ready", flush=True)
for b in range(100_000):
    log.append([Exposure(float(i), "u", "spread", "control", "home", f"{b}-{i}", ("a",), (0.5,)) for i in range(20)])
    print(b, flush=True)
"""


@pytest.mark.parametrize("acknowledged", [1, 30])
def test_what_was_acknowledged_survives_kill_9_exactly_once(path: Path, acknowledged: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(acknowledged + 1)]
    os.kill(process.pid, signal.SIGKILL)
    said += process.stdout.readlines()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    last = int(said[-1])
    with ExposureLog(path) as log:
        kept = log.read("spread").slate_id
    assert len(kept) in (20 * (last + 1), 20 * (last + 2))  # the batch in flight is whole or absent
    assert kept == [f"{batch}-{number}" for batch in range(len(kept) // 20) for number in range(20)]


def test_importing_it_needs_no_training_part() -> None:
    code = (
        "import sys, palate.listening.exposures, palate.core.experiment\nprint({'polars', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
