"""What the trials of a sweep share: computed by whoever needs it first, read from disk by all others."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import read_arrays, write_arrays
from palate.core.locks import alone

Arrays = dict[str, NDArray[Any]]
T = TypeVar("T")


@dataclass(frozen=True)
class Shared:
    """Arrays under `folder`, by what they are and everything that they depend on. Nothing is ever removed here."""

    folder: Path

    def arrays(self, what: str, of: Mapping[str, Any], make: Callable[[], Arrays]) -> Arrays:
        """The arrays `what` of these inputs; see `kept`."""
        return self.kept(what, of, lambda path: write_arrays(path, **make()), read_arrays)

    def kept(self, what: str, of: Mapping[str, Any], write: Callable[[Path], None], read: Callable[[Path], T]) -> T:
        """What `read` finds in the file `what` of these inputs.

        `write` is called once for all processes, the others wait.

        of: plain values that tell one such thing from another: the moment, the settings. A process that is killed
        while it writes leaves nothing behind, and the next one writes.
        """
        told = hashlib.blake2b(json.dumps(of, sort_keys=True).encode(), digest_size=8).hexdigest()
        path = self.folder / f"{what}-{told}.npz"
        if not path.is_file():
            with alone(path.with_suffix(".lock")):
                if not path.is_file():
                    write(path)
        return read(path)


def packed(ragged: list[NDArray[Any]]) -> Arrays:
    """Arrays that differ in their first dimension, as one and their lengths. At least one."""
    return {"rows": np.concatenate(ragged), "lengths": np.array([len(one) for one in ragged])}


def unpacked(rows: NDArray[Any], lengths: NDArray[np.int64]) -> list[NDArray[Any]]:
    """What `packed` was given."""
    return np.split(rows, np.cumsum(lengths)[:-1])
