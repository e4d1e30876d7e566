"""Moments with known answers."""

from typing import Any

import pytest

from palate.sources.cells import Unreadable
from palate.sources.times import release_seconds, unix_seconds

DAY = 1390176000.0  # 2014-01-20


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2014-01-20", DAY),
        ("2014-01-20 10:11:12", DAY + 36672),
        ("2014-01-20T10:11:12Z", DAY + 36672),
        ("2014-01-20T10:11:12+02:00", DAY + 29472),
        ("2014-01-20T10:11:12.250-00:30", DAY + 38472.25),
        ("2014-01-20 10:11", DAY + 36660),
        (" 1390176000 ", DAY),
        ("1390176000.5", DAY + 0.5),
        ("1.390176e9", DAY),
        (1390176000, DAY),
        ("", None),
        (None, None),
    ],
)
def test_known_moments(value: Any, seconds: float | None) -> None:
    assert unix_seconds(value) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("1998", 883612800.0), (1998, 883612800.0), (1998.0, 883612800.0), ("1998-05", 893980800.0), ("0000", None),
     ("1957-01-01", -410227200.0), ("2014-01-20", DAY), (1390176000, DAY), ("", None)],
)  # fmt: skip
def test_known_releases(value: Any, seconds: float | None) -> None:
    assert release_seconds(value) == seconds


@pytest.mark.parametrize("value", ["1998-13", "yesterday", 1390176000000, True, [1998]])
def test_what_is_no_release(value: Any) -> None:
    with pytest.raises(Unreadable):
        release_seconds(value)
