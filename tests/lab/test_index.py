"""The index gives back what it was given, or nothing; it never fails."""

import sqlite3

import pytest

from palate.lab.index import Index, mark


@pytest.fixture
def index(tmp_path):
    return Index(tmp_path / "index.sqlite")


def test_what_is_written_is_read(index):
    assert index.read() == {}
    index.write([("a", (1, 2), b"x"), ("b", (3, 4), b"y")])
    index.write([("a", (5, 6), b"z")], gone=["b"])
    assert index.read() == {"a": ((5, 6), b"z")}


def test_nothing_to_write_makes_no_file(index, tmp_path):
    index.write([])
    assert list(tmp_path.iterdir()) == []


def test_a_mark_changes_when_the_journal_does(tmp_path):
    path = tmp_path / "j"
    assert mark(path) == (0, 0)
    path.write_bytes(b"a\n")
    first = mark(path)
    path.write_bytes(b"a\nb\n")
    assert first[0] == 2
    assert mark(path) != first


@pytest.mark.parametrize("damage", [b"", b"no database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_damaged_index_is_empty_and_made_again(index, tmp_path, damage):
    index.write([("a", (1, 2), b"x")])
    (tmp_path / "index.sqlite").write_bytes(damage)
    assert index.read() == {}
    index.write([("b", (1, 2), b"y")])  # may only take the damage away
    index.write([("b", (1, 2), b"y")])
    assert index.read() == {"b": ((1, 2), b"y")}


def test_an_index_of_another_version_is_made_again(index, tmp_path):
    with sqlite3.connect(tmp_path / "index.sqlite") as db:
        db.execute("CREATE TABLE runs(id TEXT, other)")
    db.close()
    assert index.read() == {}
    index.write([("b", (1, 2), b"y")])
    assert index.read() == {"b": ((1, 2), b"y")}


def test_a_locked_index_is_left_alone(index, tmp_path, monkeypatch):
    monkeypatch.setattr("palate.lab.index.WAIT_SECONDS", 0.01)
    index.write([("a", (1, 2), b"x")])
    db = sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    index.write([("b", (1, 2), b"y")])
    assert index.read() == {}
    db.execute("ROLLBACK")
    db.close()
    assert index.read() == {"a": ((1, 2), b"x")}


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    index = Index(tmp_path / "missing" / "index.sqlite")
    index.write([("a", (1, 2), b"x")])
    assert index.read() == {}
