"""Bad rows in every format, each with its exact line and reason; the same rows in every format read alike."""

import gzip
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.errors import BadInput
from palate.core.listens import Event, Listen, Listens, in_columns
from palate.sources.listens import read_listens
from palate.sources.rejects import Reject

NOW = 1_700_000_000.0
GOOD = {"user_id": "u", "item_id": "i", "timestamp": "1390209882"}


def read(path: Path, mapping: dict[str, str] | None = None, **options: Any) -> tuple[list[Listens], list[Reject]]:
    parts, rejects = [], []
    for listens, bad in read_listens(path, mapping or {}, NOW, **options):
        parts.append(listens)
        rejects += bad
    return parts, rejects


def reasons(path: Path) -> list[tuple[int, str]]:
    return [(one.line, one.reason) for one in read(path)[1]]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows as text in csv, as they are in jsonl and parquet; packed when the name ends in .gz."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if path.suffix == ".parquet":
        pl.DataFrame({name: [row.get(name) for row in rows] for name in names}, strict=False).write_parquet(path)
        return path
    if ".jsonl" in path.name:
        text = "".join(json.dumps(row) + "\n" for row in rows)
    else:
        filled = [{name: row.get(name) for name in names} for row in rows]
        text = pl.DataFrame(filled, schema=dict.fromkeys(names, pl.String), strict=False).write_csv()
    packed = gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode()
    path.write_bytes(packed)
    return path


def same(left: Listens, right: Listens) -> bool:
    names = ("user_id", "item_id", "session_id", "surface", "context_id", "event_id")
    arrays = ("timestamp", "event", "seconds_played", "duration_seconds")
    return all(getattr(left, name) == getattr(right, name) for name in names) and all(
        np.array_equal(getattr(left, name), getattr(right, name), equal_nan=name != "event") for name in arrays
    )


BAD_VALUES = [
    ({"user_id": ""}, "user_id is missing"),
    ({"user_id": "   "}, "user_id is missing"),
    ({"item_id": ""}, "item_id is missing"),
    ({"timestamp": ""}, "timestamp is missing"),
    ({"timestamp": "soon"}, "timestamp 'soon' is not a time; unix seconds or ISO 8601 is needed"),
    ({"timestamp": "2014-02-30"}, "timestamp '2014-02-30' is not a time; unix seconds or ISO 8601 is needed"),
    ({"timestamp": "nan"}, "timestamp 'nan' is not a time; unix seconds or ISO 8601 is needed"),
    ({"timestamp": "-5"}, "timestamp '-5' is before 1970"),
    ({"timestamp": "1969-12-31"}, "timestamp '1969-12-31' is before 1970"),
    ({"timestamp": "1700086401"}, "timestamp '1700086401' is in the future"),
    (
        {"timestamp": "1390209882000"},
        "timestamp '1390209882000' looks like milliseconds; unix seconds or ISO 8601 is needed",
    ),
    (
        {"timestamp": "1390209882000000"},
        "timestamp '1390209882000000' looks like microseconds; unix seconds or ISO 8601 is needed",
    ),
    ({"event": "listen"}, "event 'listen'"),
    ({"seconds_played": "-3"}, "seconds_played is negative ('-3')"),
    ({"seconds_played": "long"}, "seconds_played is 'long', not a finite number"),
    ({"seconds_played": "nan"}, "seconds_played is 'nan', not a finite number"),
    ({"duration_seconds": "inf"}, "duration_seconds is 'inf', not a finite number"),
    ({"duration_seconds": "1390209882"}, "duration_seconds is '1390209882', more than 3.16224e+07"),
    ({"user_id": "u" * 513}, "user_id is 513 characters long; at most 512 are allowed"),
    ({"item_id": "i" * 1_000_000}, "item_id is 1000000 characters long; at most 512 are allowed"),
]


@pytest.mark.parametrize("name", ["l.csv", "l.csv.gz", "l.jsonl", "l.ndjson.gz", "l.parquet"])
@pytest.mark.parametrize(("wrong", "reason"), BAD_VALUES, ids=[str(wrong)[:40] for wrong, _ in BAD_VALUES])
def test_a_bad_value_costs_its_row_and_says_why(tmp_path: Path, name: str, wrong: dict[str, str], reason: str) -> None:
    parts, rejects = read(write(tmp_path / name.replace("ndjson", "jsonl"), [GOOD, GOOD | wrong, GOOD]))
    assert [len(part) for part in parts] == [2]
    assert [one.line for one in rejects] == [2 if "csv" not in name else 3]
    assert rejects[0].reason.replace("event is ", "event ").startswith(reason)
    assert len(rejects[0].row) <= 200


HEADER = b"user_id,item_id,timestamp\n"
CSV_LINES = [
    (b"u,i\n", [(2, "has 2 cells where the header has 3")]),
    (b"u,i,5,x\n", [(2, "has 4 cells where the header has 3")]),
    (b"u,\xff\xfe,5\n", [(2, "is not UTF-8")]),
    (b"u,i\0,5\n", [(2, "holds a NUL byte")]),
    (b'u,"i"x,5\n', [(2, "has text after a closing quote; is a quote left open or not doubled?")]),
    (b'u,"i,5\n', [(2, "opens a quote that is never closed")]),
    (b'u,"i,5\nu,i,5\n"x",i,5\n', [(2, "has text after a closing quote; is a quote left open or not doubled?")]),
    (b'u,"i,5\nu,i"\n', [(2, "has 2 cells where the header has 3 (a quote opened here closes 1 lines below)"),
                         (3, "has 2 cells where the header has 3")]),
    (b'u,"i\nj",5\n', [(2, "item_id holds a line break; is a quote left open?")]),
    (b"\n \nu,i\n", [(4, "has 2 cells where the header has 3")]),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "expected"), CSV_LINES, ids=[str(lines) for lines, _ in CSV_LINES])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_csv_lines_that_are_no_rows(tmp_path: Path, lines: bytes, expected: list[tuple[int, str]], end: bytes) -> None:
    path = tmp_path / "l.csv"
    path.write_bytes((HEADER + lines + b"v,good,7\n").replace(b"\n", end))
    parts, rejects = read(path)
    assert [(one.line, one.reason) for one in rejects] == expected
    assert parts[-1].item_id[-1] == "good"


def test_an_open_quote_costs_one_line_and_not_the_file(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_bytes(HEADER + b'u,"open,5\n' + b"u,i,5\n" * 5_000 + b'u,"closed",5\n')
    parts, rejects = read(path)
    assert [(one.line, one.reason) for one in rejects] == [(2, "opens a quote that is not closed within 1,000 lines")]
    assert sum(map(len, parts)) == 5_001


JSON_LINES = [
    (b'{"user_id": "u", \n', "is not valid JSON: "),
    (b"[1, 2]\n", "holds a list, not a JSON object"),
    (b"3\n", "holds a number, not a JSON object"),
    (b"null\n", "holds null, not a JSON object"),
    (b'{"user_id": "\xff"}\n', "is not UTF-8"),
    (b'{"user_id": "\0"}\n', "holds a NUL byte"),
    (b'{"user_id": ["u"], "item_id": "i", "timestamp": 5}\n', "user_id is a list, not text or a whole number"),
    (b'{"user_id": true, "item_id": "i", "timestamp": 5}\n', "user_id is true, not text or a whole number"),
    (b'{"user_id": "u", "item_id": {"a": 1}, "timestamp": 5}\n', "item_id is an object, not text or a whole number"),
    (b'{"user_id": "u", "item_id": 5.5, "timestamp": 5}\n', "item_id is 5.5, not text or a whole number"),
    (b'{"user_id": "u", "item_id": 1e30, "timestamp": 5}\n', "item_id is 1e+30, too large a number to be exact"),
    (b'{"user_id": "u", "item_id": "a\\u0000b", "timestamp": 5}\n', "item_id holds a NUL character"),
    (b'{"user_id": "u", "item_id": "i"}\n', "timestamp is missing"),
    (b'{"user_id": "u", "item_id": "i", "timestamp": [5]}\n', "timestamp is a list, not a time"),
    (b'{"user_id": "u", "item_id": "i", "timestamp": true}\n', "timestamp is true, not a number"),
    (b'{"user_id": "u", "item_id": "i", "timestamp": 5, "event": 1}\n', "event is a number; choose from play, skip"),
]


@pytest.mark.parametrize(("line", "reason"), JSON_LINES, ids=[str(line) for line, _ in JSON_LINES])
def test_json_lines_that_are_no_rows(tmp_path: Path, line: bytes, reason: str) -> None:
    good = json.dumps(GOOD).encode() + b"\n"
    path = tmp_path / "l.jsonl"
    path.write_bytes(b"\n" + good + line + good)
    parts, rejects = read(path)
    assert [len(part) for part in parts] == [2]
    assert [one.line for one in rejects] == [3]
    assert rejects[0].reason.startswith(reason)


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pl.Series("user_id", [["a"], ["b"]]), "user_id is a list, not text or a whole number"),
        (pl.Series("user_id", [5.5, math.inf]), "user_id is 5.5, not text or a whole number"),
        (pl.Series("user_id", [b"\xff", b"\xfe"]), "user_id is not UTF-8"),
        (pl.Series("timestamp", [math.nan, None]), "timestamp is missing"),
        (pl.Series("timestamp", [math.inf, -math.inf]), "timestamp is infinite, not a finite number"),
        (pl.Series("seconds_played", [math.inf, -1.0]), "seconds_played is infinite, not a finite number"),
    ],
)
def test_typed_parquet_cells_that_cannot_be_used(tmp_path: Path, column: pl.Series, reason: str) -> None:
    frame = pl.DataFrame({name: [value] * 2 for name, value in GOOD.items()}).with_columns(column)
    frame.write_parquet(tmp_path / "l.parquet")
    found = reasons(tmp_path / "l.parquet")
    assert [line for line, _ in found] == [1, 2]
    assert found[0][1] == reason


def test_known_listens_from_a_csv(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text(
        "\ufeffuser_id,item_id,timestamp,event,seconds_played,duration_seconds,surface,id\n"
        " 5.0 ,007,2014-01-20T10:11:12.5+02:00,SKIP,3,3:47,,e1\n"
        "5,ä,1390209882,,,,home,\n"
    )
    (listens,), rejects = read(path)
    expected = in_columns([
        Listen("5", "007", 1390205472.5, Event.SKIP, 3.0, 227.0, event_id="e1"),  # type: ignore[arg-type]
        Listen("5", "ä", 1390209882.0, surface="home"),  # type: ignore[arg-type]
    ])  # fmt: skip
    assert not rejects
    assert same(listens, expected)


def test_gaps_in_pandas_float_columns_are_unknown(tmp_path: Path) -> None:
    frame = {"user_id": [7.0, math.nan], "item_id": [1, 2], "timestamp": [5, 6], "seconds_played": [math.nan, 3.0]}
    pl.DataFrame(frame).write_parquet(tmp_path / "l.parquet")
    (listens,), rejects = read(tmp_path / "l.parquet")
    assert (listens.user_id, listens.item_id) == (["7"], ["1"])
    assert math.isnan(listens.seconds_played[0])
    assert [(one.line, one.reason) for one in rejects] == [(2, "user_id is missing")]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_typed_times_of_any_unit(tmp_path: Path, unit: Any, zone: str | None) -> None:
    moment = datetime(2014, 1, 20, 10, 11, 12, 500_000, tzinfo=UTC)
    times = pl.Series("timestamp", [moment]).cast(pl.Datetime(unit, "UTC")).dt.convert_time_zone(zone or "UTC")
    times = times if zone else times.dt.replace_time_zone(None)
    pl.DataFrame({"user_id": ["u"], "item_id": ["i"]}).with_columns(times).write_parquet(tmp_path / "l.parquet")
    (listens,), _ = read(tmp_path / "l.parquet")
    assert listens.timestamp.tolist() == [1390212672.5]


def test_milliseconds_played_become_seconds(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text("user,track_id,ts,ms_played\nu,i,2014-01-20,1500\n")
    (listens,), _ = read(path)
    (mapped,), _ = read(path, {"seconds_played": "ms_played"})
    assert listens.seconds_played.tolist() == mapped.seconds_played.tolist() == [1.5]
    assert listens.timestamp.tolist() == [1390176000.0]


def test_chunks_are_bounded_and_keep_the_order(tmp_path: Path) -> None:
    rows = [GOOD | {"item_id": str(number)} for number in range(10)]
    for name in ("l.csv", "l.jsonl", "l.parquet"):
        parts, _ = read(write(tmp_path / name, rows), chunk_rows=4)
        assert [len(part) for part in parts] == [4, 4, 2]
        assert [item for part in parts for item in part.item_id] == [str(number) for number in range(10)]


def test_rejects_of_later_chunks_keep_their_lines(tmp_path: Path) -> None:
    rows = [GOOD | {"user_id": "" if number in (1, 7) else "u"} for number in range(10)]
    for name, first in (("l.csv", 2), ("l.jsonl", 1), ("l.parquet", 1)):
        rejects = read(write(tmp_path / name, rows), chunk_rows=4)[1]
        assert [one.line for one in rejects] == [first + 1, first + 7]
        assert all("1390209882" in one.row for one in rejects)


def test_a_column_that_jsonl_brings_late_is_read(tmp_path: Path) -> None:
    from palate.sources.tables.jsonl import JsonLines

    path = write(tmp_path / "l.jsonl", [GOOD, GOOD, GOOD | {"surface": "home"}])
    assert "surface" not in JsonLines(path, block_bytes=100).columns
    (listens,), _ = read(path)
    assert listens.surface == [None, None, "home"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("l.xlsx", b"x", "is of an unknown kind; its name must end in .csv"),
        ("l.csv", b"", "is empty"),
        ("l.csv", b"\n\n", "is empty; a header line"),
        ("l.jsonl", b"\n \n", "is empty; one JSON object"),
        ("l.csv", b"5879,4666,1390209882\n", "has no column for user_id; its columns are: 5879, 4666, 1390209882"),
        ("l.csv", b"user_id,item_id,timestamp,item_id\n1,2,3,4\n", "more than one column named 'item_id'"),
        ("l.csv", "user_id,item_id".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        ("l.csv.gz", gzip.compress(HEADER + b"u,i,5\n" * 99, mtime=0)[:-12], "is damaged after"),
        ("l.csv.gz", HEADER, "is damaged after 0 unpacked bytes"),
        ("l.parquet", b"PAR1 but no more", "cannot be read as parquet"),
        ("l.jsonl", b'{"item_id": "i", "timestamp": 5}\n', "has no column for user_id"),
    ],
)
def test_files_that_are_no_tables(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInput, match=message):
        read(tmp_path / name)


def test_a_missing_file_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a file"):
        read_listens(tmp_path / "no.csv", {}, NOW)


def test_a_header_alone_holds_no_listens(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_bytes(HEADER.rstrip(b"\n"))
    parts, rejects = read(tmp_path / "l.csv")
    assert sum(map(len, parts)) == len(rejects) == 0


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
ids = st.one_of(words.filter(str.strip), st.integers(-(2**60), 2**60).map(str))
seconds = st.none() | st.floats(0.0, 1e6).map(lambda value: round(value, 3))
rows_strategy = st.lists(
    st.fixed_dictionaries(
        {"user_id": ids, "item_id": ids, "timestamp": st.floats(0, NOW), "seconds_played": seconds},
        optional={"event": st.sampled_from([event.word for event in Event]), "session_id": ids, "surface": words},
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=40, deadline=None)
@given(rows_strategy)
def test_the_same_rows_read_alike_in_every_format(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("formats")
    names = ("l.csv", "l.csv.gz", "l.jsonl", "l.jsonl.gz", "l.parquet")
    read_back = [read(write(folder / name, rows)) for name in names]
    assert all(not rejects for _, rejects in read_back)
    first = read_back[0][0][0]
    assert len(first) == len(rows)
    assert first.timestamp.tolist() == [row["timestamp"] for row in rows]
    for (listens,), _ in read_back[1:]:
        assert same(first, listens)
