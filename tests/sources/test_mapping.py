"""Columns found by name, by other name, and by hand."""

import re
from pathlib import Path

import pytest

from palate.core.errors import BadInput
from palate.sources.mapping import ITEM_FIELDS, LISTEN_FIELDS, PLAYLIST_FIELDS, divisor, parse_mapping, resolve


def test_the_short_names_and_the_long() -> None:
    assert parse_mapping("user=DJ, item=Artist,timestamp=AirDate") == {
        "user_id": "DJ",
        "item_id": "Artist",
        "timestamp": "AirDate",
    }
    assert parse_mapping("duration_seconds=a=b,key=,attributes.plays=n") == {
        "duration_seconds": "a=b",
        "key": "",
        "attributes.plays": "n",
    }
    assert parse_mapping(None) == parse_mapping("") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("singer=Artist", "cannot fill 'singer'; choose from user_id, item_id, timestamp"),
        ("user", "'user' is not target=column"),
        ("=DJ", "'=DJ' is not target=column"),
        ("user=a,user_id=b", "names user_id twice"),
        ("attributes.=n", "cannot fill 'attributes.'"),
    ],
)
def test_mappings_that_make_no_sense(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse_mapping(text)


def found(columns: str, mapping: str = "", loose: bool = False) -> dict[str, str]:
    return resolve(LISTEN_FIELDS, parse_mapping(mapping), columns.split(), "f.csv", loose)


def test_own_names_come_before_other_names() -> None:
    assert found("user_id item_id song_id timestamp id") == {
        "user_id": "user_id",
        "item_id": "item_id",
        "timestamp": "timestamp",
        "event_id": "id",
    }
    assert found("User Track_ID ts") == {"user_id": "User", "item_id": "Track_ID", "timestamp": "ts"}


def test_a_column_mapped_by_hand_serves_nothing_else() -> None:
    assert "event_id" not in found("user_id id timestamp", "item=id")
    assert "surface" not in found("user_id item_id timestamp surface", "surface=")


def test_rows_that_name_their_own_columns_may_bring_more() -> None:
    assert found("user item_id ts", loose=True)["surface"] == "surface"
    assert "id" not in found("user item_id ts", "item=item_id", loose=True)


@pytest.mark.parametrize(
    ("columns", "mapping", "message"),
    [
        ("user_id timestamp", "", "has no column for item_id; its columns are: user_id, timestamp"),
        ("user_id timestamp x", "item=y", "has no column 'y' for item_id; its columns are: user_id, timestamp, x"),
        ("user_id track_id song_id ts", "", "track_id and song_id could both be item_id; say which with --map item_id"),
        ("user_id item_id item_id ts", "", "more than one column named 'item_id'"),
        ("user_id item_id ts", "title=ts", "--map title does not belong to this kind of file"),
    ],
)
def test_files_that_do_not_fit(columns: str, mapping: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        found(columns, mapping)


def test_milliseconds_are_known_by_name() -> None:
    assert divisor(ITEM_FIELDS, "duration_seconds", {"duration_seconds": "Duration_MS"}) == 1000.0
    assert divisor(ITEM_FIELDS, "duration_seconds", {"duration_seconds": "length"}) == 1.0


def test_every_name_is_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "howto" / "import.md").read_text(encoding="utf-8")
    words = set(re.findall(r"[a-z_]+", page))
    fields = (*LISTEN_FIELDS, *ITEM_FIELDS, *PLAYLIST_FIELDS)
    assert [name for one in fields for name in (one.name, *one.names) if name not in words] == []
