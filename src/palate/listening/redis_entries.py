"""One listen as the bytes of one entry of a stream: 39 bytes of numbers and lengths, then the texts."""

import math
from collections.abc import Sequence
from struct import Struct, error

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput, Corrupt
from palate.core.listens import Listens
from palate.listening.backlog import LogBatch
from palate.listening.records import text_keys

_NUMBERS = Struct("<dBfff7H")  # time, event, seconds played, duration, position, bytes of each text
_NONE = 0xFFFF  # the length of a text that is not there
_NAMED = np.uint64(1 << 63)
_TEXTS = ("user_id", "item_id", "session_id", "surface", "context_id", "event_id", "end_reason")


def pack(listens: Listens) -> list[bytes]:
    """(n,) the listens as entries. BadInput for a text that is not UTF-8 or has 65,535 bytes or more."""
    texts = [getattr(listens, name) or [None] * len(listens) for name in _TEXTS]
    numbers = [getattr(listens, name).tolist() for name in ("timestamp", "event", "seconds_played", "duration_seconds")]
    positions = [math.nan if one is None else one for one in listens.position_seconds or [None] * len(listens)]
    packed = []
    for moment, event, played, lasted, position, *named in zip(*numbers, positions, *texts, strict=True):
        data = [None if text is None else _encoded(text) for text in named]
        sizes = [_NONE if one is None else len(one) for one in data]
        packed.append(_NUMBERS.pack(moment, event, played, lasted, position, *sizes) + b"".join(filter(None, data)))
    return packed


def unpack(entries: Sequence[bytes]) -> Listens:
    """The listens that `pack` wrote, in order; Corrupt for what it did not write."""
    numbers, texts = [], []
    try:
        for entry in entries:
            moment, event, played, lasted, position, *sizes = _NUMBERS.unpack_from(entry)
            numbers.append((moment, event, played, lasted, None if math.isnan(position) else position))
            at, row = _NUMBERS.size, []
            for size in sizes:
                row.append(None if size == _NONE else entry[at : at + size].decode())
                at += 0 if size == _NONE else size
            texts.append(row)
    except (error, UnicodeDecodeError) as fault:
        raise Corrupt(f"an entry of the stream cannot be read ({fault}); upgrade Palate on this machine") from fault
    moment, event, played, lasted, position = zip(*numbers, strict=True) if numbers else ((),) * 5
    users, items, *others = ([list(column) for column in zip(*texts, strict=True)]) if texts else [[]] * len(_TEXTS)
    optional = {
        name: column if any(text is not None for text in column) else None
        for name, column in zip(_TEXTS[2:], others, strict=True)
    }
    return Listens(
        user_id=users,
        item_id=items,
        timestamp=np.array(moment, np.float64),
        event=np.array(event, np.uint8),
        seconds_played=np.array(played, np.float32),
        duration_seconds=np.array(lasted, np.float32),
        position_seconds=list(position) if any(one is not None for one in position) else None,
        **optional,
    )


def user_of(entry: bytes) -> str:
    """Whose listen an entry is."""
    size = _NUMBERS.unpack_from(entry)[5]
    return entry[_NUMBERS.size : _NUMBERS.size + size].decode()


def repeat_keys(listens: Listens) -> list[bytes]:
    """(n,) eight bytes for each listen, equal for a repeat: of its `event_id`, else of who, what, when and how."""
    named = listens.event_id or [None] * len(listens)
    each = zip(named, listens.user_id, listens.item_id, listens.timestamp.tolist(), listens.event.tolist(), strict=True)
    texts = [
        f"e{id_}" if id_ is not None else f"l{user}\0{item}\0{moment + 0.0!r}\0{event}"
        for id_, user, item, moment, event in each
    ]
    return [key.tobytes() for key in text_keys(texts)]


def as_batch(listens: Listens, offsets: Sequence[int]) -> LogBatch:
    """The same listens as a reader of a log gets them."""
    return LogBatch(
        offsets=np.array(offsets, np.int64),
        user_id=listens.user_id,
        item_id=listens.item_id,
        timestamp=listens.timestamp,
        event=listens.event,
        seconds_played=listens.seconds_played,
        duration_seconds=listens.duration_seconds,
        session=_sessions(listens),
        surface=listens.surface,
        context_id=listens.context_id,
        position_seconds=listens.position_seconds,
        end_reason=listens.end_reason,
    )


def _sessions(listens: Listens) -> NDArray[np.int64]:
    sessions = np.zeros(len(listens), np.int64)
    if listens.session_id is not None:
        rows = [row for row, name in enumerate(listens.session_id) if name is not None]
        names = text_keys(f"{listens.user_id[row]}\0{listens.session_id[row]}" for row in rows)
        sessions[rows] = (names | _NAMED).view(np.int64)
    return sessions


def _encoded(text: str) -> bytes:
    try:
        data = text.encode()
    except UnicodeEncodeError as fault:
        raise BadInput(f"the id {text[:80]!r} is not valid text; send it as UTF-8") from fault
    if len(data) >= _NONE:
        raise BadInput(f"a text of {len(data):,} bytes is too long; send less than {_NONE:,}")
    return data
