"""Importing listeners: counted rows, merged tables, and a simulated world's file as it is."""

from pathlib import Path

import polars as pl
import pytest

from palate.core.errors import BadInput
from palate.core.home import Home
from palate.jobs import demo
from palate.jobs.importing import import_listeners
from palate.listening.listeners import read_listeners

from .small_homes import empty_home

NOW = 1_700_000_000.0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return empty_home(tmp_path / "home")


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_listeners_are_merged_and_twice_equals_once(home: Home, tmp_path: Path) -> None:
    first = written(tmp_path / "a.csv", "user_id,country", "ana,SE", "bo,DE", ",FR", "ana,SE")
    report = import_listeners(home, [first], {}, strict=False, now=NOW)
    assert (report.rows, report.accepted, report.duplicates, report.rejected) == (4, 2, 1, 1)
    assert report.reasons == {"user_id is missing": 1}
    assert report.rejects_file is not None
    assert report.rejects_file.parent == home.rejects
    second = written(tmp_path / "b.csv", "user_id,country,device", "ana,,car", "bo,NO,", "ana,,car")
    report = import_listeners(home, [second], {}, strict=True, now=NOW)
    assert (report.accepted, report.duplicates) == (2, 1)
    assert import_listeners(home, [second], {}, strict=False, now=NOW).accepted == 0
    found = read_listeners(home, ["bo", "ana"]).values
    assert found == {"country": ["NO", "SE"], "device": [None, "car"]}


def test_strict_and_an_unreadable_file_change_nothing(home: Home, tmp_path: Path) -> None:
    good = written(tmp_path / "a.csv", "user_id,country", "ana,SE")
    bad = written(tmp_path / "b.csv", "user_id,country", "bo,DE", ",FR")
    with pytest.raises(BadInput, match=r"b\.csv line 3: user_id is missing"):
        import_listeners(home, [good, bad], {}, strict=True, now=NOW)
    with pytest.raises(BadInput, match=r"none\.csv is not a file"):
        import_listeners(home, [good, tmp_path / "none.csv"], {}, strict=False, now=NOW)
    assert read_listeners(home, ["ana", "bo"]).values == {}


def test_a_simulated_world_is_imported_as_it_is(home: Home, world: Path) -> None:
    truth = pl.read_parquet(world / "listeners.parquet")
    report = import_listeners(home, [world / "listeners.parquet"], {}, strict=True, now=NOW)
    assert (report.rows, report.accepted) == (len(truth), len(truth))
    columns = read_listeners(home, truth["user_id"].to_list())
    assert list(columns.values) == truth.columns[1:]
    assert columns.values["country"] == truth["country"].to_list()
    assert columns.values["languages"] == ["|".join(many) for many in truth["languages"]]
    assert columns.number("account_created").tolist() == truth["account_created"].to_list()


def test_the_demo_imports_the_listeners_once(home: Home, world: Path) -> None:
    demo._import(home, world)
    assert read_listeners(home, ["sim-user-0001"]).values["country"] != [None]
    home.listeners.unlink()
    demo._import(home, world)
    assert not home.listeners.exists()
