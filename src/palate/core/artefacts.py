"""Files that are either whole or absent: write beside, fsync, rename.

A reader never sees half a file, whatever kills the writer. A folder is written under a temporary name and renamed
once, so a folder with its final name is complete. Nothing here uses pickle.
"""

import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import Corrupt


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside `path`; when the block ends without an error it becomes `path`, durably."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        _fsync(temporary)
        os.replace(temporary, path)
        _fsync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Gives a temporary folder beside `path`; when the block ends without an error it becomes `path`, durably.

    An existing `path` is refused at the rename: what is published never changes. Leftovers of killed writers with the
    same name are removed first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.mkdir()
    try:
        yield temporary
        for file in sorted(temporary.rglob("*")):
            _fsync(file)
        _fsync(temporary)
        os.rename(temporary, path)
        _fsync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def file_mark(path: Path) -> tuple[int, int] | None:
    """Changes when the file does; None while there is none."""
    if not path.is_file():
        return None
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


def write_json(path: Path, value: Any) -> None:
    """Writes `value` atomically as readable JSON with sorted keys."""
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Reads JSON; Corrupt when it is not."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Corrupt(f"{path} is not valid JSON ({error}); restore it or train again") from error


def write_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    """Writes named arrays atomically as .npz; arrays of objects would need pickle and are refused."""
    loose = [name for name, array in arrays.items() if array.dtype == object]
    if loose:
        raise TypeError(f"{loose[0]} holds Python objects; give it a number or text type")
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the names for its own options


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Reads what `write_arrays` wrote; Corrupt when it is damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise Corrupt(f"{path} cannot be read ({error}); restore it or train again") from error


def packed_texts(texts: Sequence[str | None] | Mapping[str, Sequence[str | None]]) -> NDArray[np.uint8]:
    """Texts, or named columns of them, as the bytes of JSON, ASCII: what goes into an .npz beside the numbers.

    numpy's own text gives every entry the width of the longest, four bytes a character: one title of 10,000
    characters would make a million short ones 40 GB.
    """
    plain = dict(texts) if isinstance(texts, Mapping) else list(texts)
    return np.frombuffer(json.dumps(plain).encode("ascii"), np.uint8)


def unpacked_texts(data: NDArray[np.uint8]) -> Any:
    """What `packed_texts` took, in its order: a list of texts, or a dictionary of lists."""
    return json.loads(data.tobytes())
