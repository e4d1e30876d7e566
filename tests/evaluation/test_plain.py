"""Numbers as JSON has them, rows of text in columns."""

import json
import math

import pytest

from palate.evaluation.intervals import Interval
from palate.evaluation.plain import aligned, bounds, by_bound, number, plain

INF = math.inf


@pytest.mark.parametrize(("value", "told"), [(0.5, 0.5), (math.nan, None), (INF, None), (-INF, None)])
def test_a_number_that_is_not_there_is_none(value: float, told: float | None) -> None:
    assert number(value) == told


def test_an_interval_is_whole_or_absent() -> None:
    assert plain(Interval(0.2, 0.1, 0.3)) == {"value": 0.2, "low": 0.1, "high": 0.3}
    assert plain(Interval(math.nan, 0.1, 0.3)) is None


def test_bounds_may_come_later_than_the_value() -> None:
    told = by_bound(Interval(0.2, -INF, INF))
    assert told == {"value": 0.2, "low": None, "high": None}
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_bounds_in_words() -> None:
    assert bounds(plain(Interval(0.12, -0.1, 0.345)), "+.2f") == "+0.12 [-0.10, +0.34]"
    assert bounds(None, ".4f") == "-"


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert aligned([["method", "n"], ["a", "100"], ["", ""]]) == ["method  n", "a       100", ""]
