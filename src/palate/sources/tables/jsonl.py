"""JSON lines: one object a line, each with the columns it likes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

from palate.core.errors import BadInput
from palate.sources.cells import Cells, kind_of, series_of
from palate.sources.rejects import Reject
from palate.sources.tables.blocks import BLOCK_BYTES, MAX_LINE_BYTES, blocks_of_lines
from palate.sources.tables.rows import Rows, shown_bytes


class JsonLines:
    """One JSON object a line. `columns` are the names used in the first block; a later row may bring more."""

    def __init__(self, path: Path, block_bytes: int = BLOCK_BYTES) -> None:
        self._path, self._block_bytes, self.loose = path, block_bytes, True
        names: dict[str, None] = {}
        blank = True
        for data, too_long in blocks_of_lines(path, block_bytes):
            blank = blank and not data.strip()
            if not too_long and not blank:
                for one in _objects(data, 1, str(path))[0]:
                    names.update(dict.fromkeys(one))
                break
        if blank:
            raise BadInput(f"{path} is empty; one JSON object a line is needed")
        self.columns = list(names)

    def rows(self, wanted: Sequence[str], chunk_rows: int) -> Iterator[Rows]:
        """Blank lines are passed over; a line that is no JSON object is a reject."""
        line = 1
        for data, too_long in blocks_of_lines(self._path, self._block_bytes):
            if too_long:
                reason = f"the line is longer than {MAX_LINE_BYTES:,} bytes"
                yield Rows(
                    {name: [] for name in wanted},
                    np.empty(0, np.int64),
                    lambda row: "",
                    [Reject(str(self._path), line, reason, shown_bytes(data))],
                )
                line += 1
                continue
            objects, lines, rejects, texts = _objects(data, line, str(self._path))
            cells = {name: _column(name, objects, data) for name in wanted}
            numbers = np.array(lines, np.int64)
            rows = Rows(cells, numbers, lambda row, texts=texts: shown_bytes(texts[row]), rejects)  # type: ignore[misc]
            yield from rows.split(chunk_rows)
            line += data.count(b"\n")


def _column(name: str, objects: list[dict[str, Any]], data: bytes) -> Cells:
    # Most files use few of the optional names, and a search through the bytes is 30 times cheaper than n look-ups.
    if orjson.dumps(name) not in data and b"\\u" not in data:
        return pl.Series([None], dtype=pl.String).new_from_index(0, len(objects))
    return series_of([one.get(name) for one in objects])


def _objects(
    data: bytes, first_line: int, file: str
) -> tuple[list[dict[str, Any]], list[int], list[Reject], list[bytes]]:
    """The objects in whole lines, the line of each, the lines that are none, and the text of each object."""
    objects: list[dict[str, Any]] = []
    lines: list[int] = []
    texts: list[bytes] = []
    rejects: list[Reject] = []
    for number, text in enumerate(data.split(b"\n"), first_line):
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            if text.strip():
                rejects.append(Reject(file, number, _why_not_json(text, error), shown_bytes(text)))
            continue
        if isinstance(value, dict):
            objects.append(value)
            lines.append(number)
            texts.append(text)
        else:
            rejects.append(Reject(file, number, f"holds {kind_of(value)}, not a JSON object", shown_bytes(text)))
    return objects, lines, rejects, texts


def _why_not_json(text: bytes, error: orjson.JSONDecodeError) -> str:
    if b"\0" in text:
        return "holds a NUL byte"
    try:
        text.decode()
    except UnicodeDecodeError:
        return "is not UTF-8"
    return f"is not valid JSON: {error.msg} (character {error.colno})"
