"""The fast path takes nothing that the exact one would read otherwise, wherever the blocks are cut."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from palate.core.errors import BadInput
from palate.sources.rejects import Reject
from palate.sources.tables import delimited
from palate.sources.tables.delimited import Delimited


def read(path: Path, fast: bool = True, block_bytes: int = 2**20) -> tuple[list[tuple[Any, ...]], list[Reject]]:
    """(line, cells) of every row, with "" for an empty cell; and the rejects."""
    table = Delimited(path, fast, block_bytes)
    found: list[tuple[Any, ...]] = []
    rejects: list[Reject] = []
    for rows in table.rows(table.columns, 10**9):
        columns = [list(rows.cells[name]) for name in table.columns]
        found += [
            (int(line), *(cell or "" for cell in cells)) for line, *cells in zip(rows.lines, *columns, strict=True)
        ]
        rejects += rows.rejects
    return found, rejects


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("delimited")


ALPHABET = b'a|bb|,|,|,|\n|\n|"|""|\r\n| |\xff|\0|\xc3\xa4|\r'.split(b"|")
pieces = st.lists(st.sampled_from(ALPHABET), max_size=60)


@settings(max_examples=400, deadline=None)
@given(body=pieces, block_bytes=st.sampled_from([7, 64, 2**20]))
@example(body=[b'"', b"a", b"\n", b"bb", b",", b"\n"], block_bytes=7)
@example(body=[b'"a""b"', b",", b"c", b",", b"d\n"], block_bytes=7)
def test_fast_equals_exact_on_any_bytes(folder: Path, body: list[bytes], block_bytes: int) -> None:
    path = folder / "any.csv"
    path.write_bytes(b"x,y,z\n" + b"".join(body))
    assert read(path, True, block_bytes) == read(path, False, 2**20)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(
        st.tuples(*[st.text(st.sampled_from('ab,"\n ä;'), max_size=6)] * 3).filter(
            lambda row: any(map(str.strip, row))
        ),
        max_size=12,
    ),
    fast=st.booleans(),
    block_bytes=st.sampled_from([16, 2**20]),
)
def test_what_csv_writes_is_read_back(folder: Path, rows: list[tuple[str, ...]], fast: bool, block_bytes: int) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([("x", "y", "z"), *rows])
    path = folder / "written.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    found, rejects = read(path, fast, block_bytes)
    assert [row[1:] for row in found] == rows
    assert rejects == []
    starts = [2 + sum(cell.count("\n") for row in rows[:n] for cell in row) + n for n in range(len(rows))]
    assert [row[0] for row in found] == starts


def test_every_line_is_read_or_rejected(folder: Path) -> None:
    path = folder / "lines.csv"
    path.write_bytes(b'x,y\n1,"2\n3,4\n"5",6\n7,8"\n"9,\n')
    found, rejects = read(path)
    assert found == [(3, "3", "4"), (4, "5", "6"), (5, "7", '8"')]
    assert [one.line for one in rejects] == [2, 6]
    assert [one.row for one in rejects] == ['1,"2', '"9,']


def test_well_formed_files_take_the_fast_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(data: bytes, *arguments: Any) -> Any:
        assert not data, "the exact path was taken"
        return slow(data, *arguments)

    slow = delimited._slow
    path = folder / "plain.csv"
    for body in (b"a,b\r\nc,\r\n", b'"a","b,""c"\n"d\ne",f\n', b"a,\xc3\xa4"):
        path.write_bytes(b"x,y\n" + body)
        expected = read(path, fast=False)
        with monkeypatch.context() as patch:
            patch.setattr(delimited, "_slow", refuse)
            assert read(path) == expected


@pytest.mark.parametrize(
    ("name", "header", "columns"),
    [
        ("a.tsv", b"x\ty,z", ["x", "y,z"]),
        ("a.csv", b"x;y;z", ["x", "y", "z"]),
        ("a.csv", b"x\ty", ["x", "y"]),
        ("a.csv", b'\xef\xbb\xbf"x, y",z;w', ["x, y", "z;w"]),
        ("a.csv", b"\n\n x , y", ["x", "y"]),
    ],
)
def test_headers(folder: Path, name: str, header: bytes, columns: list[str]) -> None:
    (folder / name).write_bytes(header + b"\n")
    assert Delimited(folder / name).columns == columns


@pytest.mark.parametrize("header", [b'"x,y\n1,2\n', b"x,\xff\n"])
def test_a_header_that_cannot_be_read(folder: Path, header: bytes) -> None:
    (folder / "a.csv").write_bytes(header)
    with pytest.raises(BadInput, match="the header line cannot be read"):
        Delimited(folder / "a.csv")


def test_one_column_needs_no_separator(folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"x\na\n\nb\n")
    assert read(folder / "a.csv") == ([(2, "a"), (4, "b")], [])


def test_a_line_without_end_is_rejected_in_bounded_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palate.sources.tables.blocks.MAX_LINE_BYTES", 2_000)
    path = folder / "long.csv"
    path.write_bytes(b'x,y\na,"b\n' + b"c" * 9_000 + b"\nd,e\n")
    found, rejects = read(path, block_bytes=500)
    assert found == [(4, "d", "e")]
    assert [(one.line, one.reason[:30]) for one in rejects] == [
        (2, "opens a quote that is never cl"),
        (3, "the line is longer than 16,777"),
    ]
