"""Vectorised equals scalar: a column gives what its values give one by one."""

import math
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from palate.sources.cells import (
    Cells,
    Column,
    id_of,
    read_flags,
    read_ids,
    read_numbers,
    read_seconds,
    read_texts,
    series_of,
)
from palate.sources.times import read_releases, read_times

DIGITS = st.text(st.sampled_from("0123456789.+-eE:TZ _nafi\t٣"), max_size=12)
TIMES = st.builds(
    "{}-{}-{}{}{}:{}:{}{}{}".format,
    st.sampled_from(["2014", "1969", "0000", "2038", "20"]),
    st.sampled_from(["01", "2", "12", "13"]),
    st.sampled_from(["01", "29", "30", "31", "32"]),
    st.sampled_from(["T", " ", "t", ""]),
    st.sampled_from(["00", "23", "24", "5"]),
    st.sampled_from(["00", "59", "60"]),
    st.sampled_from(["00", "59", "60"]),
    st.sampled_from(["", ".5", ".123456", ".1234567", ","]),
    st.sampled_from(["", "Z", "+02:00", "-11:30", "+0200", "z", "+24:00", " UTC"]),
)
SPACED = st.text(st.sampled_from("a5.0 \t\n\x0b\x1c\x85\xa0\u200b\u3000\0"), max_size=8)
NUMBERS = st.lists(st.none() | st.floats(), min_size=1, max_size=8)
WHOLE = st.lists(st.none() | st.integers(-(2**62), 2**62), min_size=1, max_size=8)


def read_moments(cells: Cells, name: str) -> Column:
    return read_times(cells, name, latest=1.7e9, required=True)


READERS: list[Callable[[Cells, str], Column]] = [
    read_ids, read_seconds, read_numbers, read_moments, read_flags, read_texts, read_releases,
]  # fmt: skip


def alike(left: Column, right: Column) -> bool:
    values = zip(left.values.to_list(), right.values.to_list(), strict=True)
    return left.problems == right.problems and all(one == other for one, other in values)


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=150, deadline=None)
@given(values=st.lists(st.none() | DIGITS | TIMES | SPACED, min_size=1, max_size=8))
@example(values=["2014-01-20T10:11:12.250+02:00", "2014-01-20", "2014-01-20 10:11:12Z", "1390209882", "5.0"])
@example(values=["1e400", "nan", "inf", ".5", "5.", "+3", "1_000", "3:47", "0x10", "-0"])
def test_text_columns(reader: Callable[[Cells, str], Column], values: list[str | None]) -> None:
    assert alike(reader(pl.Series(values, dtype=pl.String), "x"), reader(values, "x"))


@pytest.mark.parametrize("reader", [read_ids, read_seconds, read_numbers, read_moments])
@settings(max_examples=100, deadline=None)
@given(values=NUMBERS | WHOLE)
def test_number_columns(reader: Callable[[Cells, str], Column], values: list[Any]) -> None:
    cells = series_of(values)
    assert isinstance(cells, pl.Series)
    column, one_by_one = reader(cells, "x"), reader(values, "x")
    assert column.values.to_list() == one_by_one.values.to_list()
    assert column.problems.keys() == one_by_one.problems.keys()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("5.0", "5"), (" 5 ", "5"), (5, "5"), (5.0, "5"), (-5.0, "-5"), ("05.0", "05"), ("5.00", "5.00"), ("5.5", "5.5"),
     ("x.0", "x.0"), (2**70, str(2**70)), (None, None), (math.nan, None), ("", None), (b"a", "a")],
)  # fmt: skip
def test_known_ids(value: Any, expected: str | None) -> None:
    assert id_of(value) == expected


def test_known_seconds() -> None:
    cells = pl.Series(["3:47", "1:02:03", "0:05.5", "227", "", "3:60"])
    column = read_seconds(cells, "x")
    assert column.values.to_list() == [227.0, 3723.0, 5.5, 227.0, None, None]
    assert list(column.problems) == [5]


def test_known_flags() -> None:
    assert read_flags(pl.Series(["yes", "FALSE", "1", None]), "x").values.to_list() == [True, False, True, None]
    assert read_flags(pl.Series([1.0, 0.0, math.nan]), "x").values.to_list() == [True, False, None]
    assert read_flags([True, 0, "no"], "x").values.to_list() == [True, False, False]
    assert read_flags(pl.Series([2]), "x").problems[0].startswith("x is '2'; choose from")


def test_mixed_columns_stay_lists() -> None:
    assert series_of([1, "a"]) == [1, "a"]
    assert series_of([2**70]) == [2**70]
    assert read_ids(series_of([1, "a", 2**70, None]), "x").values.to_list() == ["1", "a", str(2**70), None]
