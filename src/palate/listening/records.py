"""How the log keeps listens on disk: record batches of compressed columns, and the key that recognises a repeat.

One row of SQLite for each listen takes 160,000-200,000 listens/s; a compressed batch of columns and one integer key
a listen take about three times that (docs/rooms/listening.md), and the log becomes six times smaller.
"""

import json
import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import Corrupt

COLUMNS: dict[str, np.dtype[Any]] = {
    "user": np.dtype("<i4"),
    "item": np.dtype("<i4"),
    "timestamp": np.dtype("<f8"),
    "event": np.dtype("u1"),
    "seconds_played": np.dtype("<f4"),
    "duration_seconds": np.dtype("<f4"),
    "session": np.dtype("<i8"),
}
RECORD_BYTES = sum(dtype.itemsize for dtype in COLUMNS.values())
EXTRAS = ("surface", "context_id", "position_seconds", "end_reason")  # few rows have one, so they are kept as JSON

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_NAMED = np.uint64(1 << 63)  # the sign bit: sessions with a name are negative, so 0 is none and a cut one never clashes


NOBODY = -1  # in `user`: a hole, where a deleted listener's listen was


@dataclass(frozen=True)
class Records:
    """Listens as the log stores them; every column has the same length n.

    user, item  # (n,) int32, rows of the log's own tables of ids
    timestamp   # (n,) float64, unix seconds
    session     # (n,) int64, negative where the source named one, else 0
    The other columns are those of core.listens.Listens.
    """

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    timestamp: NDArray[np.float64]
    event: NDArray[np.uint8]
    seconds_played: NDArray[np.float32]
    duration_seconds: NDArray[np.float32]
    session: NDArray[np.int64]
    surface: list[str | None] | None = None
    context_id: list[str | None] | None = None
    position_seconds: list[float | None] | None = None
    end_reason: list[str | None] | None = None

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: slice | NDArray[np.intp]) -> "Records":
        """The records at `rows`, a slice or positions."""
        columns: dict[str, Any] = {name: getattr(self, name)[rows] for name in COLUMNS}
        for name in EXTRAS:
            texts = getattr(self, name)
            if texts is not None:
                columns[name] = texts[rows] if isinstance(rows, slice) else [texts[row] for row in rows.tolist()]
        return Records(**columns)

    def without(self, gone: NDArray[np.bool_]) -> "Records":
        """The same number of records, with holes where `gone`: nobody, no item, no time, no text."""
        nothing = {"user": NOBODY, "item": -1, "event": 0, "session": 0}
        columns: dict[str, Any] = {
            name: np.where(gone, dtype.type(nothing.get(name, math.nan)), getattr(self, name))
            for name, dtype in COLUMNS.items()
        }
        for name in EXTRAS:
            texts = getattr(self, name)
            if texts is not None:
                columns[name] = [None if hole else text for hole, text in zip(gone.tolist(), texts, strict=True)]
        return Records(**columns)

    def span(self) -> tuple[float, float]:
        """The first and the last time in unix seconds; (inf, -inf) for holes alone."""
        times = self.timestamp[self.user != NOBODY]
        return float(times.min(initial=math.inf)), float(times.max(initial=-math.inf))

    def pack(self) -> tuple[bytes, bytes | None]:
        """(the numbers, the optional columns or None), each compressed."""
        raw = b"".join(getattr(self, name).astype(dtype, copy=False).tobytes() for name, dtype in COLUMNS.items())
        texts = {name: getattr(self, name) for name in EXTRAS}
        given = {name: values for name, values in texts.items() if values and any(v is not None for v in values)}
        # Level 1: levels 2-6 save under a tenth of the bytes and take two to four times as long.
        return zlib.compress(raw, 1), zlib.compress(json.dumps(given).encode(), 1) if given else None


def unpack(count: int, numbers: bytes, texts: bytes | None, where: str) -> Records:
    """What `pack` wrote, `count` records; Corrupt, naming `where`, when it is not."""
    try:
        raw = zlib.decompress(numbers)
        given = json.loads(zlib.decompress(texts)) if texts is not None else {}
    except (zlib.error, ValueError) as error:
        raise Corrupt(f"{where} cannot be unpacked ({error}); restore the log from a backup") from error
    if len(raw) != count * RECORD_BYTES:
        raise Corrupt(f"{where} holds {len(raw)} bytes, not {count * RECORD_BYTES}; restore the log from a backup")
    columns: dict[str, Any] = {}
    start = 0
    for name, dtype in COLUMNS.items():
        columns[name] = np.frombuffer(raw, dtype, count, start)
        start += count * dtype.itemsize
    return Records(**columns, **{name: given[name] for name in EXTRAS if name in given})


def joined(parts: Sequence[Records]) -> Records:
    """The parts one after another; no records for no parts."""
    if len(parts) == 1:
        return parts[0]
    columns: dict[str, Any] = {
        name: np.concatenate([np.empty(0, dtype), *(getattr(part, name) for part in parts)])
        for name, dtype in COLUMNS.items()
    }
    for name in EXTRAS:
        if any(getattr(part, name) is not None for part in parts):
            columns[name] = [text for part in parts for text in getattr(part, name) or [None] * len(part)]
    return Records(**columns)


def mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014): a bijection whose every output bit depends on all."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def event_keys(records: Records, event_id: list[str | None] | None) -> NDArray[np.int64]:
    """(n,) a 64-bit key for each event, equal for a repeat: of its `event_id`, else of who, what, when and how.

    Two different events share a key with a chance of 3 in 10,000 among 100 million events.
    """
    moments = (records.timestamp + 0.0).view(np.uint64)  # -0.0 and 0.0 are one moment
    key = np.zeros(len(records), np.uint64)
    for column in (records.user.astype(np.uint64), records.item.astype(np.uint64), moments, records.event):
        key = mixed((key ^ column.astype(np.uint64)) + _GOLDEN)
    if event_id is not None:
        named = np.array([text is not None for text in event_id], bool)
        key[named] = text_keys(text for text in event_id if text is not None)
    return key.view(np.int64)


def session_keys(user: NDArray[np.int32], session_id: list[str | None] | None) -> NDArray[np.int64]:
    """(n,) a negative number for each named session, distinct between listeners; 0 where there is no name."""
    sessions = np.zeros(len(user), np.int64)
    if session_id is not None:
        named = np.array([text is not None for text in session_id], bool)
        names = text_keys(text for text in session_id if text is not None)
        owners = mixed(user[named].astype(np.uint64) + _GOLDEN)
        sessions[named] = (mixed(names ^ owners) | _NAMED).view(np.int64)
    return sessions


def text_keys(texts: Iterable[str]) -> NDArray[np.uint64]:
    """(n,) the first 64 bits of each text's BLAKE2b: the same on every machine, unlike `hash`."""
    known: dict[str, int] = {}
    keys = []
    for text in texts:
        key = known.get(text)
        if key is None:
            digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            key = known[text] = int.from_bytes(digest, "little")
        keys.append(key)
    return np.array(keys, np.uint64)
