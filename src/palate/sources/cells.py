"""From cells to values: ids, numbers and words, a column at a time.

A column is read twice over. A vectorised sieve takes every value that is beyond doubt; what is left goes one by one
to a scalar reader, which alone decides what is accepted and says why not. The sieve may only accept what the scalar
reader would accept, with the same result (tests/sources/test_cells.py checks it on random input).
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from palate.core.ids import MAX_ID_CHARACTERS
from palate.core.listens import EVENT_WORDS
from palate.sources.rejects import cut

Cells: TypeAlias = pl.Series | list[Any]  # a list where the values of one column differ in type
Sieve: TypeAlias = Callable[[pl.Series], tuple[pl.Series, pl.Series]]  # cells -> values, which are decided
Scalar: TypeAlias = Callable[[Any], Any]  # value -> value or None; Unreadable when it is neither

# Unicode White_Space: what polars strips, so that both readers strip the same.
WHITE_SPACE = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
EXACT_WHOLE = 2.0**53  # above it a float has lost its last digits, so it cannot name anything
MAX_SECONDS = 366 * 86_400.0  # nobody plays one thing for a year: the column holds something else

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_CLOCK = re.compile(r"(?:([0-9]{1,3}):)?([0-9]{1,3}):([0-5][0-9](?:\.[0-9]+)?)")
_POINT_ZERO = r"^-?[0-9]+\.0$"  # what pandas makes of a whole number once its column has a gap
_FLAGS = {"true": True, "t": True, "yes": True, "1": True, "false": False, "f": False, "no": False, "0": False}


class Unreadable(ValueError):
    """Why one cell cannot be used; never leaves this room. The column's name goes in front."""


@dataclass(frozen=True)
class Column:
    """One column, read. `values` is null where the cell was empty or bad; `problems` says why, by row."""

    values: pl.Series
    problems: dict[int, str]


def series_of(values: list[Any]) -> Cells:
    """A Series when all values (gaps aside) are text, whole numbers, or plain numbers; else the list as it is."""
    kinds = set(map(type, values)) - {type(None)}
    try:
        if kinds <= {str}:
            return pl.Series(values, dtype=pl.String)
        if kinds == {int}:
            return pl.Series(values, dtype=pl.Int64)
        if kinds == {float}:
            return pl.Series(values, dtype=pl.Float64)
    except (OverflowError, TypeError, ValueError):
        return values
    return values


Reader: TypeAlias = Callable[[Cells, str], Column]  # cells and the field's name -> the column, read


def read_column(cells: Cells, name: str, sieve: Sieve, scalar: Scalar, dtype: Any, required: bool = False) -> Column:
    """Reads `cells` with `sieve`, then what it left open with `scalar`; a gap in a required column is a problem."""
    if isinstance(cells, list):
        open_rows, doubtful = np.arange(len(cells)), cells
    else:
        values, decided = sieve(cells)
        if required:
            decided = decided & values.is_not_null()
        open_rows = np.flatnonzero(~decided.to_numpy())
        if not len(open_rows):
            return Column(values, {})
        doubtful = cells.gather(open_rows).to_list()
    problems: dict[int, str] = {}
    settled: list[Any] = []
    for row, value in zip(open_rows.tolist(), doubtful, strict=True):
        try:
            settled.append(scalar(value))
            if required and settled[-1] is None:
                problems[row] = f"{name} is missing"
        except Unreadable as error:
            settled.append(None)
            problems[row] = f"{name} {error}"
    read = pl.Series(settled, dtype=dtype)
    return Column(read if len(open_rows) == len(cells) else values.scatter(open_rows, read), problems)


def undecided(cells: pl.Series, dtype: Any) -> tuple[pl.Series, pl.Series]:
    """What a sieve says of a column type that it does not know."""
    return pl.Series([None], dtype=dtype).new_from_index(0, len(cells)), pl.repeat(False, len(cells), eager=True)


def text_column(cells: pl.Series) -> pl.Series | None:
    """The column as text if it is text in any of polars' types; else None."""
    if cells.dtype == pl.String:
        return cells
    return cells.cast(pl.String) if isinstance(cells.dtype, pl.Categorical | pl.Enum) else None


def read_ids(cells: Cells, name: str, required: bool = False) -> Column:
    """Ids as stripped text of 1 to MAX_ID_CHARACTERS; whole numbers (also 5.0) become decimal text. Empty is null."""
    return read_column(cells, name, _id_sieve, id_of, pl.String, required)


def _id_sieve(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    if cells.dtype.is_integer():
        return cells.cast(pl.String), pl.repeat(True, len(cells), eager=True)
    if cells.dtype.is_float():
        numbers = cells.cast(pl.Float64).fill_nan(None)
        whole = (numbers == numbers.floor()) & (numbers.abs() <= EXACT_WHOLE)
        return numbers.cast(pl.Int64, strict=False).cast(pl.String), whole.fill_null(True)
    text = text_column(cells)
    if text is None:
        return undecided(cells, pl.String)
    text = text.str.strip_chars()
    if text.str.ends_with(".0").any():
        text = text.to_frame("id").select(_without_point_zero(pl.col("id"))).to_series()
    # Bytes are cheaper to count than characters and never fewer; a longer id is left to the scalar reader.
    fits = (text.str.len_bytes() <= MAX_ID_CHARACTERS) & (text.str.len_bytes() > 0)
    broken = text.str.contains("\n", literal=True) | text.str.contains("\0", literal=True)
    return text, (fits & ~broken).fill_null(True)


def _without_point_zero(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.contains(_POINT_ZERO)).then(text.str.strip_suffix(".0")).otherwise(text)


def id_of(value: Any) -> str | None:
    """One id: text is stripped, a whole number becomes decimal text, a gap None; Unreadable for anything else."""
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            raise Unreadable("is not UTF-8") from None
    if isinstance(value, float | Decimal) and not isinstance(value, bool):
        return _whole_id(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Unreadable(f"is {kind_of(value)}, not text or a whole number")
    text = value.strip(WHITE_SPACE)
    if len(text) > MAX_ID_CHARACTERS:
        raise Unreadable(f"is {len(text)} characters long; at most {MAX_ID_CHARACTERS} are allowed")
    if "\0" in text:
        raise Unreadable("holds a NUL character")
    if "\n" in text:
        raise Unreadable("holds a line break; is a quote left open?")
    return text.removesuffix(".0") if re.fullmatch(_POINT_ZERO, text) else text or None


def _whole_id(value: float | Decimal) -> str | None:
    if math.isnan(value):
        return None
    if math.isinf(value) or value != int(value):
        raise Unreadable(f"is {value}, not text or a whole number")
    if isinstance(value, float) and abs(value) > EXACT_WHOLE:
        raise Unreadable(f"is {value}, too large a number to be exact; write it as text")
    return str(int(value))


def kind_of(value: Any) -> str:
    """What a value is, in a file's words: "a list", "true", "null", ..."""
    if isinstance(value, bool):
        return str(value).lower()
    names = {list: "a list", dict: "an object", str: "text", int: "a number", float: "a number", type(None): "null"}
    return names.get(type(value), f"a value of type {type(value).__name__}")


def read_numbers(
    cells: Cells, name: str, low: float = -math.inf, high: float = math.inf, divisor: float = 1.0, clock: bool = False
) -> Column:
    """Finite numbers in low..high after dividing by `divisor`; `clock` also takes 3:47 and 1:02:03 as seconds.

    A gap is null, and so is NaN in a column of numbers (pandas' gap); the word nan in a text column is a problem.
    """

    def sieve(series: pl.Series) -> tuple[pl.Series, pl.Series]:
        numbers = numeric_column(series)
        if numbers is None:
            return undecided(series, pl.Float64)
        values = numbers / divisor
        good = values.is_finite() & (values >= low) & (values <= high)
        return values, good.fill_null(False) | gaps(series)

    def scalar(value: Any) -> float | None:
        number = number_of(value, clock)
        if number is None:
            return None
        if number < low:
            raise Unreadable(f"is negative ({shown(value)})" if low == 0 else f"is {shown(value)}, below {low:g}")
        if number / divisor > high:
            raise Unreadable(f"is {shown(value)}, more than {high:g}; is it in another unit?")
        return number / divisor

    return read_column(cells, name, sieve, scalar, pl.Float64)


def read_seconds(cells: Cells, name: str, divisor: float = 1.0) -> Column:
    """How long something lasts, in seconds: 0..MAX_SECONDS, as a number or as 3:47."""
    return read_numbers(cells, name, 0.0, MAX_SECONDS, divisor, clock=True)


def numeric_column(cells: pl.Series) -> pl.Series | None:
    """The column as Float64, null where it is not a number; None for a type that holds no numbers."""
    if cells.dtype.is_numeric():
        return cells.cast(pl.Float64).fill_nan(None)
    text = text_column(cells)
    return None if text is None else text.cast(pl.Float64, strict=False)


def gaps(cells: pl.Series) -> pl.Series:
    """True where a column is empty: null, or NaN among numbers."""
    return cells.fill_nan(None).is_null() if cells.dtype.is_float() else cells.is_null()


def number_of(value: Any, clock: bool = False) -> float | None:
    """One finite number from a number or its text; None for a gap; Unreadable otherwise."""
    if isinstance(value, str):
        text = value.strip(WHITE_SPACE)
        if not text:
            return None
        if clock and (match := _CLOCK.fullmatch(text)):
            hours, minutes, seconds = match.groups(default="0")
            return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        number = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not math.isfinite(number):
            raise Unreadable(f"is {shown(text)}, not a finite number")
        return number
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        if math.isinf(value):
            raise Unreadable("is infinite, not a finite number")
        return None if math.isnan(value) else float(value)
    if value is None:
        return None
    raise Unreadable(f"is {kind_of(value)}, not a number")


def shown(value: Any) -> str:
    """A value as it may stand in a reason: short, text in quotes."""
    return cut(repr(value) if isinstance(value, str) else str(value), 60)


def read_words(cells: Cells, name: str, words: dict[str, Any], dtype: Any) -> Column:
    """One of a few known words, whatever its case, as its value; a gap is null, an unknown word a problem."""

    def sieve(series: pl.Series) -> tuple[pl.Series, pl.Series]:
        text = text_column(series)
        if text is None:
            return undecided(series, dtype)
        values = text.replace_strict(words, default=None, return_dtype=dtype)
        return values, values.is_not_null() | text.is_null()

    def scalar(value: Any) -> Any:
        if not isinstance(value, str):
            if value is None:
                return None
            raise Unreadable(f"is {kind_of(value)}; choose from {', '.join(words)}")
        word = value.strip(WHITE_SPACE).lower()
        if word and word not in words:
            raise Unreadable(f"is {shown(value)}; choose from {', '.join(words)}")
        return words.get(word)

    return read_column(cells, name, sieve, scalar, dtype)


def read_events(cells: Cells, name: str) -> Column:
    """core.listens.Event as UInt8 from its word; a gap is null."""
    return read_words(cells, name, {word: int(event) for word, event in EVENT_WORDS.items()}, pl.UInt8)


def read_flags(cells: Cells, name: str) -> Column:
    """True or false from a boolean, 1/0, yes/no or true/false; a gap is null."""
    if isinstance(cells, pl.Series) and cells.dtype == pl.Boolean:
        return Column(cells, {})
    if isinstance(cells, list):
        cells = [str(value).lower() if isinstance(value, bool | int) else value for value in cells]
    elif cells.dtype.is_numeric():
        cells = cells.fill_nan(None) if cells.dtype.is_float() else cells
        cells = cells.cast(pl.Float64).cast(pl.String).str.strip_suffix(".0")
    return read_words(cells, name, _FLAGS, pl.Boolean)


def text_of(value: Any) -> str | None:
    """Free text such as a title: stripped, a number as its text, empty as None; Unreadable when nested or binary."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool | list | dict | bytes):
        raise Unreadable(f"is {kind_of(value)}, not text")
    return str(value).replace("\0", "").strip(WHITE_SPACE) or None


def read_texts(cells: Cells, name: str, scalar: Scalar = text_of) -> Column:
    """Free text, one value at a time; null where empty. `scalar` reads what is not text, and text as `text_of` does."""

    def sieve(series: pl.Series) -> tuple[pl.Series, pl.Series]:
        text = text_column(series)
        if text is None:
            return undecided(series, pl.String)
        text = text.str.strip_chars()
        return text, ((text.str.len_bytes() > 0) & ~text.str.contains("\0", literal=True)).fill_null(True)

    return read_column(cells, name, sieve, scalar, pl.String)
