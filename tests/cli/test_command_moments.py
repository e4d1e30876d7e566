"""Moments on the command line: unix seconds or ISO 8601, and nothing that is no time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.cli.training import moment
from palate.core.errors import BadInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("1417392000", 1_417_392_000.0),
        ("1417392000.5", 1_417_392_000.5),
        ("-5", -5.0),
        ("2014-12-01", 1_417_392_000.0),
        ("2014-12-01T00:00:00Z", 1_417_392_000.0),
        ("2014-12-01 01:00:00+01:00", 1_417_392_000.0),
    ],
)
def test_a_moment_is_read(text: str | None, seconds: float | None) -> None:
    assert moment(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "-inf", "1e999", "2014-02-30", "24:00", "2014-12-01T25:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"is not a time; give unix seconds or ISO 8601, e\.g\. 2014-12-01"):
        moment(text)


@given(st.datetimes(timezones=st.timezones()))
def test_any_moment_with_a_zone_is_that_moment(when) -> None:
    if when.utcoffset().total_seconds() % 1 == 0:
        assert moment(when.isoformat()) == when.timestamp()


@given(st.text())
def test_any_text_is_a_finite_time_or_refused(text: str) -> None:
    try:
        read = moment(text)
    except BadInput:
        read = 0.0
    assert read is not None
    assert math.isfinite(read)
