"""Moments in time from whatever a file writes: unix seconds or ISO 8601, as text, numbers or typed columns."""

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import polars as pl

from palate.core.clock import DAY_SECONDS
from palate.sources.cells import (
    WHITE_SPACE,
    Cells,
    Column,
    Unreadable,
    gaps,
    kind_of,
    number_of,
    numeric_column,
    read_column,
    shown,
    text_column,
    undecided,
)

MILLISECONDS_FROM = 1e11  # as seconds this is the year 5138, as milliseconds 1973
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?")
_ISO = (
    r"^[12][0-9]{3}-[01][0-9]-[0-3][0-9]"
    r"(?:[T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-][01][0-9]:[0-5][0-9])?)?$"
)
_MICROSECONDS_PER_UNIT = {"ms": 1_000, "us": 1}


def read_times(
    cells: Cells, name: str, earliest: float = 0.0, latest: float = math.inf, required: bool = False
) -> Column:
    """Moments as unix seconds (Float64) within earliest..latest; a time without a zone is UTC; a gap is null."""

    def sieve(series: pl.Series) -> tuple[pl.Series, pl.Series]:
        values = _times(series)
        if values is None:
            return undecided(series, pl.Float64)
        good = (values >= earliest) & (values <= latest) & (values < MILLISECONDS_FROM)
        return values, good.fill_null(False) | gaps(series)

    def scalar(value: Any) -> float | None:
        seconds = unix_seconds(value)
        if seconds is not None:
            check_range(seconds, value, earliest, latest)
        return seconds

    return read_column(cells, name, sieve, scalar, pl.Float64, required)


def check_range(seconds: float, value: Any, earliest: float, latest: float) -> None:
    """Unreadable, with the likely cause, for a moment outside earliest..latest or one that counts smaller units."""
    if seconds >= MILLISECONDS_FROM:
        unit = "milliseconds" if seconds < 1e14 else "microseconds" if seconds < 1e17 else "nanoseconds"
        raise Unreadable(f"{shown(value)} looks like {unit}; unix seconds or ISO 8601 is needed")
    if seconds > latest:
        raise Unreadable(f"{shown(value)} is in the future")
    if seconds < earliest:
        raise Unreadable(f"{shown(value)} is before 1970")


def unix_seconds(value: Any) -> float | None:
    """One moment as unix seconds; None for a gap; Unreadable when it is no time. Ranges are not checked."""
    if isinstance(value, str):
        text = value.strip(WHITE_SPACE)
        if _NUMBER.fullmatch(text):
            return number_of(text)
        return _iso_seconds(text) if text else None
    if isinstance(value, int | float | Decimal):
        return number_of(value)
    if isinstance(value, datetime):
        return _since_epoch(value)
    if isinstance(value, date):
        return _since_epoch(datetime(value.year, value.month, value.day))
    if value is None:
        return None
    raise Unreadable(f"is {kind_of(value)}, not a time")


def _iso_seconds(text: str) -> float:
    try:
        return _since_epoch(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise Unreadable(f"{shown(text)} is not a time; unix seconds or ISO 8601 is needed") from None


def _since_epoch(moment: datetime) -> float:
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) / timedelta(seconds=1)


def _times(cells: pl.Series) -> pl.Series | None:
    if cells.dtype == pl.Date:
        return cells.to_physical().cast(pl.Float64) * DAY_SECONDS
    if isinstance(cells.dtype, pl.Datetime):
        ticks = cells.to_physical()  # in UTC, whatever zone the column shows
        unit = cells.dtype.time_unit
        microseconds = ticks // 1_000 if unit == "ns" else ticks * _MICROSECONDS_PER_UNIT[unit]
        return microseconds.cast(pl.Float64) / 1e6
    numbers = numeric_column(cells)
    text = text_column(cells)
    if numbers is None or text is None:
        return numbers
    iso = (numbers.is_null() & text.str.contains(_ISO)).fill_null(False)
    return numbers.scatter(iso.arg_true(), _iso_column(text.filter(iso))) if iso.any() else numbers


def _iso_column(text: pl.Series) -> pl.Series:
    """Text that matches _ISO -> unix seconds, null for a day that no calendar has (2014-02-30)."""
    frame = text.to_frame("text")
    body, tail = pl.col("text").str.head(19), pl.col("text").str.slice(19)
    moment = pl.concat_str(body.str.replace("T", " ", literal=True), pl.when(body.str.len_bytes() == 10).then(
        pl.lit(" 00:00:00")).otherwise(pl.lit("")))  # fmt: skip
    microseconds = moment.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False).to_physical()
    if not frame.select(tail.is_in(["", "Z"]).all()).item():
        fraction = tail.str.extract(r"^\.([0-9]{1,6})").str.pad_end(6, "0").cast(pl.Int64).fill_null(0)
        sign = pl.when(tail.str.contains("-", literal=True)).then(-1).otherwise(1)
        hours = tail.str.extract(r"[+-]([0-9]{2}):").cast(pl.Int64).fill_null(0)
        minutes = tail.str.extract(r":([0-9]{2})$").cast(pl.Int64).fill_null(0)
        microseconds = microseconds + fraction - sign * (hours * 60 + minutes) * 60_000_000
    return frame.select(microseconds.cast(pl.Float64) / 1e6).to_series()


def read_releases(cells: Cells, name: str) -> Column:
    """When something came out, as unix seconds (negative before 1970): also 1998, 1998-05 and 0000 for unknown."""
    if isinstance(cells, pl.Series) and cells.dtype.is_temporal():
        return read_times(cells, name, earliest=-math.inf)
    values: list[Any] = cells if isinstance(cells, list) else cells.to_list()
    return read_column(values, name, lambda series: undecided(series, pl.Float64), release_seconds, pl.Float64)


def release_seconds(value: Any) -> float | None:
    """A year or month counts from its first day; a whole number of four digits is a year, any other unix seconds."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return _release_text(value.strip(WHITE_SPACE)) if isinstance(value, str) else unix_seconds(value)


@lru_cache(maxsize=65_536)  # a catalogue has far fewer dates than rows
def _release_text(text: str) -> float | None:
    if re.fullmatch(r"0000(?:-00(?:-00)?)?", text):
        return None
    if match := re.fullmatch(r"([0-9]{4})(?:-([0-9]{2}))?", text):
        return _iso_seconds(f"{match[1]}-{match[2] or '01'}-01")
    seconds = unix_seconds(text)
    if seconds is not None:
        check_range(seconds, text, -math.inf, math.inf)
    return seconds
