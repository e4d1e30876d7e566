"""The journal of one run: an append-only file of JSON lines, written so that nothing that was accepted is lost.

A line is handed to the system in one write before `append` returns, so kill -9 cannot take it back; `sync` makes it
survive a power cut too, and runs beside the work (lab/run.py), because a call of it costs 0.2 to 20 ms. A disk that
is full does not stop the work: lines wait in memory and are written when there is room.
"""

import errno
import math
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

WAITING = 100_000  # lines kept in memory while the disk is full; about 30 MB
PLAIN = (int, str, bool, type(None))
ODD = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}  # JSON has no words for them


class Journal:
    """The writer of one journal. Not for several threads: its owner holds a lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._waiting: deque[bytes] = deque()  # the first may be the rest of a line that is half on disk
        self._half = False
        self._torn = _ends_torn(path)  # a killed writer's last line may lack its end
        self._unsynced = False
        self.lost = 0

    @property
    def waiting(self) -> int:
        """Lines that are not on disk yet, because it is full."""
        return len(self._waiting)

    def append(self, record: dict[str, Any]) -> OSError | None:
        """Writes one line; gives the error, instead of raising it, when the disk does not take it now."""
        if len(self._waiting) == WAITING:
            self._waiting.popleft()
            self._torn, self._half = self._torn or self._half, False
            self.lost += 1
        self._waiting.append(_line(record))
        return self.flush()

    def flush(self) -> OSError | None:
        """Writes what waits, in order; gives the error when the disk still does not take it."""
        while self._waiting:
            line = self._waiting[0]
            if self._torn:
                line = b"\n" + line
            try:
                written = os.write(self._descriptor, line)
            except OSError as error:
                return error
            self._torn, self._unsynced = self._torn and written == 0, True
            self._half = written < len(line)
            if self._half:  # a disk that is nearly full takes what it can
                self._waiting[0] = line[written:]
                return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._waiting.popleft()
        return None

    def sync(self) -> None:
        """Puts what was written on the disk itself."""
        if self._unsynced:
            self._unsynced = False
            os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


def _line(record: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(record, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n"
    except TypeError:  # a whole number over 64 bits, half a character: keep the rest of the line
        return orjson.dumps(_mended(record)) + b"\n"


def _mended(value: Any) -> Any:
    if isinstance(value, dict):
        return {_mended(str(name)): _mended(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(inner) for inner in value]
    value = plain(value)
    if isinstance(value, str) or (isinstance(value, int) and value.bit_length() > 63):
        return str(value).encode("utf-8", "replace").decode()
    return value


def plain(value: Any) -> Any:
    """A logged value as a journal holds it: nan and infinities as texts (`number` reads them back), an array or tensor
    of one number as that number, what is no value at all as its text. Never raises."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    try:
        single = value.item()  # numpy's and torch's numbers, and arrays of one
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return str(value)
    return plain(single) if isinstance(single, int | float | str) else str(value)


def number(value: Any) -> Any:
    """The other way: texts that stand for nan and infinities as floats, everything else as it is."""
    return ODD.get(value, value) if type(value) is str else value


def _ends_torn(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def read_journal(path: Path, start: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every whole line from byte `start` on: (where the next one begins, the record). Torn lines are left out."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return  # still being written, or never finished
            start += len(line)
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(record, dict):
                yield start, record
