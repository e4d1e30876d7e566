"""Files of listeners: any columns, as texts with known answers."""

import json
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from palate.core.errors import BadInput
from palate.sources.listeners import read_listeners
from palate.sources.mapping import parse_mapping
from palate.sources.rejects import Reject

Values = dict[str, list[str | None]]


def read(path: Path, mapping: str = "") -> tuple[list[str], Values, list[Reject]]:
    users: list[str] = []
    values: Values = {}
    rejects: list[Reject] = []
    for some, bad in read_listeners(path, parse_mapping(mapping, free=True)):
        users += some.user_id
        for name, texts in some.values.items():
            values.setdefault(name, []).extend(texts)
        rejects += bad
    return users, values, rejects


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_every_column_of_a_csv_is_kept_under_its_own_name(tmp_path: Path) -> None:
    path = written(tmp_path / "l.csv", "username,Country,account type,", "ana, SE ,free,x", "7,,paid,y")
    users, values, rejects = read(path)
    assert (users, rejects) == (["ana", "7"], [])
    assert values == {"Country": ["SE", None], "account type": ["free", "paid"]}


def test_typed_columns_become_texts(tmp_path: Path) -> None:
    path = tmp_path / "l.parquet"
    pl.DataFrame(
        {
            "user_id": [1, 2, 3],
            "born": [1990.0, None, 2001.5],
            "paying": [True, None, False],
            "languages": [["en", "sv"], [], None],
            "created": [datetime(2014, 1, 20, 10, 11, 12), None, datetime(2015, 1, 1)],
            "plan": pl.Series(["a", None, "b"], dtype=pl.Categorical),
        }
    ).write_parquet(path)
    assert read(path) == (
        ["1", "2", "3"],
        {
            "born": ["1990", None, "2001.5"],
            "paying": ["true", None, "false"],
            "languages": ["en|sv", None, None],
            "created": ["2014-01-20T10:11:12", None, "2015-01-01T00:00:00"],
            "plan": ["a", None, "b"],
        },
        [],
    )


def test_rows_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    rows = [{"user_id": "a", "n": 1}, {"user_id": "", "n": 2}, {"user_id": "b", "n": {"x": 1}}, {"user_id": "c"},
            {"user_id": "d", "n": [[1]]}]  # fmt: skip
    users, values, rejects = read(written(tmp_path / "l.jsonl", *map(json.dumps, rows)))
    assert (users, values) == (["a", "c"], {"n": ["1", None]})
    assert [(one.line, one.reason) for one in rejects] == [
        (2, "user_id is missing"),
        (3, "n is an object, not text"),
        (5, "n is a list of lists or objects; plain values are needed"),
    ]


def test_a_mapping_renames_and_leaves_out(tmp_path: Path) -> None:
    path = written(tmp_path / "l.csv", "Kunde,Land,email", "ana,SE,a@b")
    assert read(path, "user=Kunde,country=Land,email=") == (["ana"], {"country": ["SE"]}, [])


@pytest.mark.parametrize(
    ("head", "mapping", "said"),
    [
        ("name,country", "", "no column for user_id; its columns are: name, country"),
        ("user,listener", "", "user and listener could both be user_id"),
        ("user,country", "land=Land", "no column 'Land' for land"),
        ("user,country,Land", "country=Land", "has a column 'country' already; leave out --map country=Land"),
        ("user,country,country", "", "more than one column named 'country'"),
    ],
)
def test_columns_that_cannot_be_told_apart_stop_the_import(tmp_path: Path, head: str, mapping: str, said: str) -> None:
    path = written(tmp_path / "l.csv", head, ",".join("x" * len(head.split(","))))
    with pytest.raises(BadInput, match=said):
        read(path, mapping)


def test_only_files_of_listeners_take_any_target() -> None:
    with pytest.raises(BadInput, match="--map cannot fill 'country'"):
        parse_mapping("country=Land")
