"""What is stored of a listener: the taste, and the record that it was encoded from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import Corrupt
from palate.embeddings.records import UserRecord


@dataclass(frozen=True)
class UserState:
    """taste # (dim,) float32, the encoder's answer to `record` as it stands."""

    taste: NDArray[np.float32]
    record: UserRecord

    def pack(self) -> bytes:
        """The taste's bytes, then the record's."""
        return np.int32(len(self.taste)).tobytes() + self.taste.astype(np.float32).tobytes() + self.record.pack()

    @classmethod
    def unpack(cls, data: bytes) -> "UserState":
        """Reads what `pack` wrote; Corrupt when it is something else."""
        dim = int(np.frombuffer(data, np.int32, 1)[0]) if len(data) >= 4 else -1
        if not 0 < dim <= (len(data) - 4) // 4:
            raise Corrupt(f"a user state of {len(data)} bytes cannot be read; run `palate train`")
        taste = np.frombuffer(data, np.float32, dim, 4)
        return cls(taste, UserRecord.unpack(data[4 + 4 * dim :]))
