"""Memberships with known answers, one row each or a list in one row."""

import json
from pathlib import Path

import polars as pl
import pytest

from palate.core.errors import BadInput
from palate.core.items import Membership
from palate.sources.playlists import read_playlists
from palate.sources.rejects import Reject


def read(path: Path) -> tuple[list[Membership], list[Reject]]:
    members, rejects = [], []
    for some, bad in read_playlists(path, {}):
        members += some
        rejects += bad
    return members, rejects


def member(playlist: str, item: str, position: int, **more: object) -> Membership:
    return Membership(playlist, item, position, **more)  # type: ignore[arg-type]


def test_one_row_a_membership(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(
        "playlist_id,playlist_name,track_id,added,removed\n"
        "p,Hits,a,2014-01-20,\nq,,b,,\np,Hits,c,2014-01-20,2014-01-21\np,,d,2014-01-21,2014-01-20\np,,,,\n"
    )
    members, rejects = read(path)
    assert members == [
        member("p", "a", 0, name="Hits", added=1390176000.0),
        member("q", "b", 0),
        member("p", "c", 1, name="Hits", added=1390176000.0, removed=1390262400.0),
    ]
    assert [(one.line, one.reason) for one in rejects] == [(5, "removed is before added"), (6, "item_id is missing")]


def test_positions_of_the_file_are_kept(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("playlist_id,item_id,position,owner\np,a,7,u\np,b,,u\np,c,-1,u\n")
    members, rejects = read(tmp_path / "p.csv")
    assert members == [member("p", "a", 7, owner="u"), member("p", "b", 1, owner="u")]
    assert [one.reason for one in rejects] == ["position is negative ('-1')"]


def test_one_row_a_playlist(tmp_path: Path) -> None:
    rows = [
        {"playlist_id": 1, "name": "Mix", "items": ["a", 5, {"track_id": "c", "added": "2014-01-20"}]},
        {"playlist_id": 2, "tracks": ["a"]},
        {"playlist_id": 2, "items": ["a", None, [1], "b"]},
        {"playlist_id": 3},
        {"playlist_id": 3, "items": 7},
        {"playlist_id": 3, "items": []},
    ]
    path = tmp_path / "p.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    members, rejects = read(path)
    assert members == [
        member("1", "a", 0, name="Mix"),
        member("1", "5", 1, name="Mix"),
        member("1", "c", 2, name="Mix", added=1390176000.0),
        member("2", "a", 0),
        member("2", "b", 1),
    ]
    assert [(one.line, one.reason) for one in rejects] == [
        (2, "item_id is missing"),
        (3, "items[1] has no id"),
        (4, "item_id is missing"),
        (5, "items is a number, not a list"),
    ]


def test_lists_in_parquet_and_in_csv(tmp_path: Path) -> None:
    pl.DataFrame({"pid": [1], "tracks": [["a", "b"]]}).write_parquet(tmp_path / "p.parquet")
    (tmp_path / "p.csv").write_text('pid,tracks\n1,"[""a"", ""b""]"\n')
    assert read(tmp_path / "p.parquet") == read(tmp_path / "p.csv") == ([member("1", "a", 0), member("1", "b", 1)], [])


def test_a_file_without_items(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("playlist_id,what\n1,2\n")
    with pytest.raises(BadInput, match="has no column for item_id or items; its columns are: playlist_id, what"):
        read(tmp_path / "p.csv")
