"""Csv and tsv (RFC 4180), read by polars where a block of lines is beyond doubt and record by record where it is not.

What a record is: cells with separators between them. A cell that begins with a quote runs to the next single quote,
over line ends too; "" inside it is one quote. A quote elsewhere is a character like any other. A record that breaks
these rules, has too many or too few cells, or runs on for more than MAX_RECORD_LINES is rejected by its first line
alone, and reading goes on at the very next line, so that a quote left open costs one line and not the file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.sources.rejects import Reject
from palate.sources.tables.blocks import BLOCK_BYTES, MAX_LINE_BYTES, blocks_of_lines
from palate.sources.tables.rows import Rows, shown_bytes

MAX_RECORD_LINES = 1_000  # the longest show notes seen in one cell have 300
_NEWLINE, _QUOTE = 10, 34


class _Broken(ValueError):
    """Why a record cannot be cut into cells; never leaves this file."""


class _Unfinished(_Broken):
    """The record's open quote is not closed in the bytes at hand."""


@dataclass(frozen=True)
class _Shape:
    """How the file is cut: the separator and how many cells a record has."""

    file: str
    separator: str
    n_cells: int


class Delimited:
    """A csv or tsv file with a header line. Without a comma in it the header may use ; or tab instead."""

    def __init__(self, path: Path, fast: bool = True, block_bytes: int = BLOCK_BYTES) -> None:
        self._path, self._fast, self._block_bytes, self.loose = path, fast, block_bytes, False
        head = next((data for data, _ in blocks_of_lines(path, block_bytes)), b"")
        body = head.lstrip(b"\n")
        blank_lines = len(head) - len(body)
        if not body.strip():
            raise BadInput(f"{path} is empty; a header line with the names of the columns is needed")
        separator = self._separator(body.partition(b"\n")[0])
        try:
            names, header_end = _record(body, 0, separator)
        except (_Broken, UnicodeDecodeError) as error:
            raise BadInput(f"{path}: the header line cannot be read ({error}); save the file as UTF-8 csv") from error
        self.columns = [name.strip() for name in names]
        self._header_bytes = blank_lines + header_end + 1
        self._header_lines = head.count(b"\n", 0, self._header_bytes)
        self._shape = _Shape(str(path), separator, len(self.columns))

    def _separator(self, header: bytes) -> str:
        name = self._path.name.lower().removesuffix(".gz")
        choices = "\t" if name.endswith(".tsv") else ",;\t"
        return next((one for one in choices if one.encode() in header), choices[0])

    def rows(self, wanted: Sequence[str], chunk_rows: int) -> Iterator[Rows]:
        """Cells are text, null where empty. Blank lines are passed over."""
        line, carry = 1 + self._header_lines, b""
        skip = self._header_bytes
        positions = [self.columns.index(name) for name in dict.fromkeys(wanted)]
        for data, too_long in blocks_of_lines(self._path, self._block_bytes):
            if too_long:
                if carry:
                    yield from self._cut(carry, line, positions, True)[0].split(chunk_rows)
                line, carry = line + carry.count(b"\n"), b""
                reason = f"the line is longer than {MAX_LINE_BYTES:,} bytes"
                yield self._no_rows(wanted, Reject(self._shape.file, line, reason, shown_bytes(data)))
                line += 1
                continue
            data, skip = carry + data[skip:], 0
            rows, used = self._cut(data, line, positions, False)
            line, carry = line + data.count(b"\n", 0, used), data[used:]
            yield from rows.split(chunk_rows)
        if carry:
            yield from self._cut(carry, line, positions, True)[0].split(chunk_rows)

    def _no_rows(self, wanted: Sequence[str], reject: Reject) -> Rows:
        return Rows({name: [] for name in wanted}, np.empty(0, np.int64), lambda row: "", [reject])

    def _cut(self, data: bytes, line: int, positions: list[int], final: bool) -> tuple[Rows, int]:
        """The records in `data`, and how many of its bytes they used: all, unless an open quote waits for more."""
        rows = _fast(data, line, self._shape, positions, self.columns) if self._fast and data else None
        return (rows, len(data)) if rows is not None else _slow(data, line, self._shape, positions, self.columns, final)


def _fast(data: bytes, line: int, shape: _Shape, positions: list[int], columns: list[str]) -> Rows | None:
    """All records at once, or None as soon as anything in the block asks for a second look."""
    spans = _spans(data, shape)
    if spans is None or shape.n_cells == 1:
        return None
    starts, ends, lines = spans
    try:
        frame = pl.read_csv(
            data,
            has_header=False,
            separator=shape.separator,
            quote_char='"' if b'"' in data else None,
            schema={str(position): pl.String for position in range(shape.n_cells)},
            columns=positions,
        )
    except pl.exceptions.PolarsError:
        return None
    if len(frame) != len(starts):
        return None
    cells = {columns[position]: frame[str(position)] for position in positions}
    return Rows(cells, line + lines, lambda row: shown_bytes(data[starts[row] : ends[row]]), [])


def _spans(data: bytes, shape: _Shape) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]] | None:
    """Start, end and line (from 0) of every record, if all quotes pair up and all records have their cells."""
    if b"\0" in data or b"\r" in data or not _is_utf8(data):  # polars drops a lone carriage return
        return None
    array = np.frombuffer(data, np.uint8)
    newlines = np.flatnonzero(array == _NEWLINE)
    if array[-1] != _NEWLINE:
        newlines = np.append(newlines, len(array))
    separators = np.flatnonzero(array == ord(shape.separator))
    ends = newlines
    if b'"' in data:
        quotes = np.flatnonzero(array == _QUOTE)
        if not _quotes_pair(array, quotes, ord(shape.separator)):
            return None
        ends = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
        separators = separators[np.searchsorted(quotes, separators) % 2 == 0]
    starts = np.concatenate(([0], ends[:-1] + 1))
    lines = np.searchsorted(newlines, starts)
    counts = np.diff(np.searchsorted(separators, ends), prepend=0)
    blank = (ends == starts).any()
    if blank or (counts != shape.n_cells - 1).any() or np.diff(lines, append=len(newlines)).max() > MAX_RECORD_LINES:
        return None
    return starts, ends, lines


def _quotes_pair(array: NDArray[np.uint8], quotes: NDArray[np.int64], separator: int) -> bool:
    """True when every quote opens a cell, closes one, or is half of "" inside one."""
    if len(quotes) % 2:
        return False
    padded = np.concatenate(([_NEWLINE], array, [_NEWLINE])).astype(np.uint8)
    allowed = np.zeros(256, bool)
    allowed[[_NEWLINE, _QUOTE, separator]] = True
    before, after = padded[quotes[::2]], padded[quotes[1::2] + 2]
    return bool(allowed[before].all() and allowed[after].all())


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _slow(
    data: bytes, line: int, shape: _Shape, positions: list[int], columns: list[str], final: bool
) -> tuple[Rows, int]:
    """Record by record, with the exact line and reason of each one that cannot be used."""
    flat: list[str] = []  # cell after cell: a list for each record would keep the garbage collector busy
    lines: list[int] = []
    starts: list[int] = []
    rejects: list[Reject] = []
    start = 0
    while start < len(data):
        try:
            record, end = _checked(data, start, shape, final)
        except _Unfinished:
            break
        except _Broken as error:
            end = _line_end(data, start)
            rejects.append(Reject(shape.file, line, str(error), shown_bytes(data[start:end])))
            record = []
        if record:
            flat += record
            lines.append(line)
            starts.append(start)
        line += data.count(b"\n", start, end + 1)
        start = end + 1
    cells = {
        columns[at]: pl.Series([cell or None for cell in flat[at :: shape.n_cells]], dtype=pl.String)
        for at in positions
    }
    rows = Rows(
        cells,
        np.array(lines, np.int64),
        lambda row: shown_bytes(data[starts[row] : _record(data, starts[row], shape.separator)[1]]),
        rejects,
    )
    return rows, min(start, len(data))


def _checked(data: bytes, start: int, shape: _Shape, final: bool) -> tuple[list[str], int]:
    """The record at `start` and its end; [] for a blank line; _Broken says what is wrong with it."""
    try:
        record, end = _record(data, start, shape.separator)
    except _Unfinished as error:
        lines_at_hand = data.count(b"\n", start)
        if final or lines_at_hand > MAX_RECORD_LINES or len(data) - start > MAX_LINE_BYTES:
            raise _Broken(str(error)) from None
        raise
    except UnicodeDecodeError:
        raise _Broken("is not UTF-8") from None
    if data.find(b"\0", start, end) >= 0:
        raise _Broken("holds a NUL byte")
    if len(record) == 1 and not record[0].strip():
        return [], end
    if len(record) != shape.n_cells:
        spanned = data.count(b"\n", start, end)
        runs_on = f" (a quote opened here closes {spanned} lines below)" if spanned else ""
        raise _Broken(f"has {len(record)} cells where the header has {shape.n_cells}{runs_on}")
    return record, end


def _line_end(data: bytes, start: int) -> int:
    end = data.find(b"\n", start)
    return len(data) if end < 0 else end


def _record(data: bytes, start: int, separator: str) -> tuple[list[str], int]:
    """The cells of the record at `start`, and where it ends: the position of its line feed, or the end of `data`."""
    end = _line_end(data, start)
    if data.find(b'"', start, end) < 0:
        return data[start:end].decode().split(separator), end
    cells: list[str] = []
    mark, position = separator.encode(), start
    while True:
        if data[position : position + 1] == b'"':
            cell, position = _quoted(data, position, start)
        else:
            stop = _line_end(data, position)
            next_mark = data.find(mark, position, stop)
            stop = next_mark if next_mark >= 0 else stop
            cell, position = data[position:stop].decode(), stop
        cells.append(cell)
        after = data[position : position + 1]
        if after in (b"", b"\n"):
            return cells, position
        if after != mark:
            raise _Broken("has text after a closing quote; is a quote left open or not doubled?")
        position += 1


def _quoted(data: bytes, opening: int, record_start: int) -> tuple[str, int]:
    """The quoted cell that opens at `opening`, and the position after its closing quote."""
    position = opening + 1
    while True:
        quote = data.find(b'"', position)
        if quote < 0:
            raise _Unfinished("opens a quote that is never closed")
        if data[quote + 1 : quote + 2] != b'"':
            break
        position = quote + 2
    if data.count(b"\n", record_start, quote) >= MAX_RECORD_LINES:
        raise _Broken(f"opens a quote that is not closed within {MAX_RECORD_LINES:,} lines")
    return data[opening + 1 : quote].replace(b'""', b'"').decode(), quote + 1
