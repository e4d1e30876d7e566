"""Rejects are appended to one readable csv."""

import csv
from pathlib import Path

from palate.sources.rejects import Reject, cut, write_rejects


def test_rejects_are_appended_under_one_header(tmp_path: Path) -> None:
    path = tmp_path / "rejects" / "today.csv"
    first, second = Reject("a.csv", 2, "is, bad", 'u,"i\n'), Reject("a.csv", 9, "is worse", "x\udcff")
    assert write_rejects(path, [first]) == 1
    assert write_rejects(path, []) == 0
    assert write_rejects(path, [second]) == 1
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["file", "line", "reason", "row"],
        ["a.csv", "2", "is, bad", 'u,"i\n'],
        ["a.csv", "9", "is worse", "x?"],
    ]


def test_no_rejects_make_no_file(tmp_path: Path) -> None:
    assert write_rejects(tmp_path / "none.csv", []) == 0
    assert not (tmp_path / "none.csv").exists()


def test_cut() -> None:
    assert cut("a" * 200) == "a" * 200
    assert cut("a" * 201) == "a" * 199 + "…"
