"""Items with known answers, from rows that repeat, lists written as text, and every unit."""

import json
from pathlib import Path

import polars as pl
import pytest

from palate.core.items import Item, Kind
from palate.sources.items import artists_of, genres_of, read_items
from palate.sources.mapping import parse_mapping
from palate.sources.rejects import Reject


def read(path: Path, mapping: str = "") -> tuple[list[Item], list[Reject]]:
    items, rejects = [], []
    for some, bad in read_items(path, parse_mapping(mapping)):
        items += some
        rejects += bad
    return items, rejects


def test_rows_of_one_item_are_put_together(tmp_path: Path) -> None:
    path = tmp_path / "songs.csv"
    path.write_text(
        "track_id,track_name,track_artist,track_album_name,track_album_release_date,playlist_genre,"
        "playlist_subgenre,tempo,key,loudness,duration_ms\n"
        'a,,"Earth, Wind & Fire",,1978,pop,dance pop,120.5,-1,-3,194754\n'
        "b,B,,,,,,0,,,\n"
        "a,September,X,The Best,2019-06-14,pop,disco,99,5,-4,\n"
    )
    items, rejects = read(path)
    assert not rejects
    assert items == [
        Item(
            "a",  # type: ignore[arg-type]
            title="September",
            artists=("Earth, Wind & Fire",),
            collection="The Best",
            genres=("pop", "dance pop", "disco"),
            released=252460800.0,
            duration_seconds=194.754,
            attributes={"tempo_bpm": 120.5, "key": 5.0, "loudness_db": -3.0},
        ),
        Item("b", title="B"),  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize(
    ("text", "artists"),
    [
        ("Snakehips;Tinashe; Chance", ["Snakehips", "Tinashe", "Chance"]),
        ("['A', \"B's\"]", ["A", "B's"]),
        ('["A", "B, C"]', ["A", "B, C"]),
        ("[untitled]", ["[untitled]"]),
        ("Tyler, The Creator", ["Tyler, The Creator"]),
        ("Sia|Diplo", ["Sia", "Diplo"]),
        ("M|O|O|N", ["M|O|O|N"]),
        ("Division | North", ["Division | North"]),
        ("[" * 5_000 + "]", ["[" * 5_000 + "]"]),
        (";", []),
    ],
)
def test_artists_in_one_text(text: str, artists: list[str]) -> None:
    assert artists_of(text) == artists


def test_genres_in_one_text() -> None:
    assert genres_of("pop, dance pop|edm;pop") == ["pop", "dance pop", "edm", "pop"]
    assert genres_of("['hip hop, old', 'rap']") == ["hip hop, old", "rap"]


def test_json_lists_kinds_and_flags(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "kind": "Podcast", "artists": ["A", {"name": "B"}], "explicit": True, "language": "en"},
        {"id": 2, "kind": "audiobook", "available": 0, "title": 1984, "duration": "1:02:03"},
        {"id": 1, "explicit": False},
        {"id": 3, "kind": "video"},
        {"id": 4, "artists": [3]},
        {"id": 5, "genres": {"a": 1}},
        {"title": "nothing"},
    ]
    path = tmp_path / "items.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    items, rejects = read(path)
    assert items == [
        Item("1", Kind.EPISODE, artists=("A", "B"), explicit=True, language="en"),  # type: ignore[arg-type]
        Item("2", Kind.AUDIOBOOK, title="1984", available=False, duration_seconds=3723.0),  # type: ignore[arg-type]
    ]
    assert [(one.line, one.reason.partition(";")[0]) for one in rejects] == [
        (4, "kind is 'video'"),
        (5, "artists lists a number, not text"),
        (6, "genres is an object, not text or a list of text"),
        (7, "item_id is missing"),
    ]


def test_typed_lists_and_dates_from_parquet(tmp_path: Path) -> None:
    frame = pl.DataFrame({"item_id": [7], "artists": [["A", "B"]], "released": ["2014-01-20"], "plays": [3]})
    frame.with_columns(pl.col("released").str.to_date()).write_parquet(tmp_path / "i.parquet")
    items, _ = read(tmp_path / "i.parquet", "attributes.plays=plays")
    assert items == [
        Item("7", artists=("A", "B"), released=1390176000.0, attributes={"plays": 3.0})  # type: ignore[arg-type]
    ]


def test_a_column_that_is_no_number_can_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "i.csv").write_text("item_id,key\n1,C#m\n")
    assert [one.reason for one in read(tmp_path / "i.csv")[1]] == ["key is 'C#m', not a finite number"]
    assert len(read(tmp_path / "i.csv", "key=")[0]) == 1
