"""Listeners' attributes: texts beside a history, a table that merges and survives, numbers and dates out of text."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.artefacts import write_arrays
from palate.core.clock import Calendar
from palate.core.errors import BadInput, Corrupt
from palate.core.home import Home
from palate.listening.listeners import ListenerColumns, ListenerTable, number_of, read_listeners

texts = st.none() | st.text(max_size=5)
told = st.lists(st.tuples(st.sampled_from("abcde"), texts, texts), max_size=12)


def table_at(path: Path, **rows: dict[str, str | None]) -> None:
    """Writes listeners by id with what is known of them."""
    names = {name for row in rows.values() for name in row}
    with ListenerTable.changing(path) as table:
        table.upsert(list(rows), {name: [row.get(name) for row in rows.values()] for name in names})


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1990", 1990.0),
        ("-2.5e3", -2500.0),
        ("1970-01-02", 86_400.0),
        ("1970-01-01T02:00:00+02:00", 0.0),
        ("1970-01-01 00:00:01.5", 1.5),
        ("1e999", np.nan),
        ("2014-02-30", np.nan),
        ("nan", np.nan),
        ("SE", np.nan),
        ("", np.nan),
        (None, np.nan),
    ],
)
def test_texts_as_numbers(text: str | None, number: float) -> None:
    np.testing.assert_equal(number_of(text), number)


def test_a_column_as_numbers_and_an_unknown_column() -> None:
    columns = ListenerColumns({"born": ["1990", None, "no"]})
    np.testing.assert_array_equal(columns.number("born"), [1990.0, np.nan, np.nan])
    with pytest.raises(BadInput, match="no column 'age'; there are: born"):
        columns.number("age")


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(BadInput, match="every column needs one for each listener"):
        ListenerColumns({"a": ["1"], "b": []})


def test_listeners_are_taken_in_any_order_and_unknown_ones_are_empty() -> None:
    columns = ListenerColumns({"country": ["SE", None, "DE"]})
    assert columns.take([2, -1, 0, 2]).values == {"country": ["DE", None, "SE", "DE"]}
    assert ListenerColumns({}).take(np.array([0, 1])).values == {}


def test_account_created_moves_into_home_time() -> None:
    columns = ListenerColumns({"account_created": ["1970-01-02", "100", None], "country": ["SE", "DE", None]})
    moved = columns.in_home_time(Calendar(((200.0, 1_200.0),)))
    np.testing.assert_array_equal(moved.number("account_created"), [85_400.0, 100.0, np.nan])
    assert moved.values["country"] == columns.values["country"]
    assert ListenerColumns({}).in_home_time(Calendar()).values == {}


@settings(max_examples=25)  # each writes a file durably
@given(st.dictionaries(st.text(max_size=4), st.lists(texts, min_size=3, max_size=3), max_size=4))
def test_saved_then_loaded_equals(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, list[str | None]]
) -> None:
    path = tmp_path_factory.mktemp("saved") / "listeners.npz"
    ListenerColumns(values).save(path)
    assert ListenerColumns.load(path).values == values


def test_a_later_value_replaces_and_an_empty_one_erases_nothing(tmp_path: Path) -> None:
    table = ListenerTable(tmp_path / "t.npz")
    assert table.upsert(["ana", "bo"], {"country": ["SE", "DE"]}) == 2
    assert table.upsert(["ana", "bo", "ana"], {"country": ["SE", None, "NO"], "device": [None, None, "car"]}) == 1
    assert table.upsert(["ana", "bo"], {"country": ["NO", "DE"]}) == 0
    assert table.upsert(["cy"], {}) == 1
    columns = table.columns_for(["cy", "bo", "nobody", "ana"])
    assert columns.values == {"country": [None, "DE", None, "NO"], "device": [None, None, None, "car"]}
    assert table.columns_for(["bo"]).values == {"country": ["DE"]}


@given(st.lists(told, max_size=4))
def test_the_table_is_what_a_dictionary_would_be(chunks: list[list[tuple[str, str | None, str | None]]]) -> None:
    table, by_hand = ListenerTable(Path("never-written")), {}
    for rows in chunks:
        before = {user: dict(known) for user, known in by_hand.items()}
        for user, *values in rows:
            known = by_hand.setdefault(user, {})
            known.update({name: text for name, text in zip("xy", values, strict=True) if text is not None})
        ids = [user for user, *_ in rows]
        changed = table.upsert(ids, {"x": [row[1] for row in rows], "y": [row[2] for row in rows]})
        assert (changed > 0) == (by_hand != before) or len(ids) > len(set(ids))
    users = list("abcdef")
    found = table.columns_for(users).values
    for place, user in enumerate(users):
        for name in "xy":
            assert found.get(name, [None] * 6)[place] == by_hand.get(user, {}).get(name)


def test_a_home_gives_its_listeners_in_the_order_that_is_asked(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert read_listeners(home, ["ana", "bo"]).values == {}
    table_at(home.listeners, ana={"country": "SE"}, bo={"country": "DE"})
    table_at(home.listeners, cy={"country": "FR"}, ana={"device": "car"})
    found = read_listeners(home, ["bo", "new", "ana", "cy"]).values
    assert found == {"country": ["DE", None, "SE", "FR"], "device": [None, None, "car", None]}


def test_an_error_while_changing_keeps_the_table_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "listeners.npz"
    table_at(path, ana={"country": "SE"})
    with pytest.raises(ValueError, match="shorter"), ListenerTable.changing(path) as table:
        table.upsert(["ana", "bo"], {"country": ["XX"]})
    assert ListenerTable.open(path).columns_for(["ana"]).values == {"country": ["SE"]}


def test_a_writer_that_is_killed_leaves_the_old_table_and_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "listeners.npz"
    table_at(path, ana={"country": "SE"})
    program = (
        "import os, signal, sys; from pathlib import Path; from palate.listening.listeners import ListenerTable\n"
        "with ListenerTable.changing(Path(sys.argv[1])) as table:\n"
        "    table.upsert(['ana'], {'country': ['XX']}); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=60)
    assert done.returncode == -9
    table_at(path, bo={"country": "DE"})
    assert ListenerTable.open(path).columns_for(["ana", "bo"]).values == {"country": ["SE", "DE"]}


def test_a_newer_or_damaged_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "listeners.npz"
    write_arrays(path, format=np.array(99))
    with pytest.raises(Corrupt, match=r"listeners\.npz has format 99, and this Palate reads up to 1; upgrade"):
        ListenerTable.open(path)
    path.write_bytes(b"half")
    with pytest.raises(Corrupt, match="cannot be read"):
        ListenerTable.open(path)
