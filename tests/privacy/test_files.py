"""Tables that lie in a home lose the rows of the deleted and keep all others as they were."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from palate.core.home import Home
from palate.privacy import files


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_parquet_file_loses_their_rows(home: Home) -> None:
    path = home.root / "recs.parquet"
    pl.DataFrame({"user_id": ["ana", "bo", "ana"], "rank": [1, 1, 2]}).write_parquet(path)
    assert files.tables(home) == [path]
    assert files.forget(path, ["ana"])
    assert pl.read_parquet(path).rows() == [("bo", 1)]
    assert not files.forget(path, ["ana"]), "nothing of them is left"


def test_a_playlist_without_an_owner_stays(home: Home) -> None:
    path = home.root / "playlists.parquet"
    pl.DataFrame({"item_id": ["x", "y", "z"], "owner": ["ana", None, "bo"]}).write_parquet(path)
    assert files.forget(path, ["ana"])
    assert pl.read_parquet(path)["item_id"].to_list() == ["y", "z"]


def test_csv_and_jsonl_lose_their_rows(home: Home) -> None:
    table, lines = home.root / "a.csv", home.root / "b.jsonl"
    table.write_text('item_id,user_id,note\nx,ana,"a, b"\nx,bo,"ana, said\nso"\n')
    lines.write_text('{"user_id": "ana"}\n{"user_id": "bo", "friend": "ana"}\nno json\n')
    assert files.forget(table, ["ana"])
    assert files.forget(lines, ["ana"])
    assert table.read_text() == 'item_id,user_id,note\nx,bo,"ana, said\nso"\n'
    assert lines.read_text() == '{"user_id": "bo", "friend": "ana"}\nno json\n'


def test_an_export_of_theirs_goes_and_other_json_stays(home: Home) -> None:
    mine, other = home.root / "ana.json", home.root / "other.json"
    mine.write_text(json.dumps({"user_id": "ana", "listens": []}))
    other.write_text(json.dumps(["ana"]))
    assert [files.forget(path, ["ana"]) for path in (mine, other)] == [True, False]
    assert (mine.exists(), other.exists()) == (False, True)


def test_what_killed_writers_left_goes_and_what_is_being_written_stays(home: Home) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left, busy = home.root / f".log.npz.{dead.pid}.tmp", home.root / f".log.npz.{os.getpid()}.tmp"
    folder = home.root / f".taste@1.{dead.pid}.tmp"
    left.touch()
    busy.touch()
    folder.mkdir()
    files.sweep_temporaries(home)
    assert [path.exists() for path in (left, busy, folder)] == [False, True, False]
