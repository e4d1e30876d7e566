"""What is stored of a listener: the taste, and the record that it was encoded from."""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import Corrupt
from palate.embeddings.folding import RecordColumns
from palate.embeddings.records import UserRecord

_WIDTH = struct.Struct("=i")  # of the taste, in front of it


@dataclass(frozen=True)
class UserState:
    """taste # (dim,) float32, the encoder's answer to `record` as it stands."""

    taste: NDArray[np.float32]
    record: UserRecord

    def pack(self) -> bytes:
        """The taste's bytes, then the record's."""
        return _WIDTH.pack(len(self.taste)) + self.taste.astype(np.float32).tobytes() + self.record.pack()

    @classmethod
    def unpack(cls, data: bytes) -> "UserState":
        """Reads what `pack` wrote; Corrupt when it is something else."""
        begin = _record_begin(data)
        return cls(np.frombuffer(data[4:begin], np.float32), UserRecord.unpack(data[begin:]))


def packed_record(data: bytes) -> bytes:
    """The record's bytes of a packed state; Corrupt when it is something else."""
    return data[_record_begin(data) :]


def packed_states(tastes: NDArray[np.float32], records: RecordColumns) -> list[bytes]:
    """Each listener's state as UserState.pack writes it; tastes # (q, dim) beside the records."""
    width = _WIDTH.pack(tastes.shape[1])
    return [width + taste.tobytes() + record for taste, record in zip(tastes, records.pack(), strict=True)]


def _record_begin(data: bytes) -> int:
    dim = _WIDTH.unpack_from(data)[0] if len(data) >= _WIDTH.size else -1
    if not 0 < dim <= (len(data) - _WIDTH.size) // 4:
        raise Corrupt(f"a user state of {len(data)} bytes cannot be read; run `palate train`")
    return int(_WIDTH.size + 4 * dim)
