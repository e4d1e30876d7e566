"""Rows that could not be used: counted, explained, and kept where a person can look at them."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MAX_ROW_CHARACTERS = 200  # enough to recognise the row; a reject of a 1 MB id must not fill the disk


@dataclass(frozen=True, slots=True)
class Reject:
    """One row that was left out.

    `line` counts from 1: the physical line in csv and jsonl (the header is line 1), the row in parquet. A csv record
    that spans lines is named by its first one. `row` is the offending text, at most MAX_ROW_CHARACTERS long.
    """

    file: str
    line: int
    reason: str
    row: str


def cut(text: str, limit: int = MAX_ROW_CHARACTERS) -> str:
    """`text`, or as much of it as `limit` allows, ending in "…" where something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def write_rejects(path: Path, rejects: Iterable[Reject]) -> int:
    """Appends to the CSV file,line,reason,row at `path` (made with its folder when absent); gives how many.

    Nothing is written, and no file made, when there are none.
    """
    rows = [(one.file, one.line, one.reason, one.row) for one in rejects]
    if not rows:
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file)
        if file.tell() == 0:
            writer.writerow(("file", "line", "reason", "row"))
        writer.writerows(rows)
    return len(rows)
