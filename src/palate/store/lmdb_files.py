"""An LMDB file that grows by itself, and says in a sentence what went wrong with it."""

import errno
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import lmdb

from palate.core.errors import Corrupt, NotTrained, PalateError

T = TypeVar("T")

FIRST_MAP_BYTES = 64 << 20
# LMDB reports a write that was cut short, which is what a full disk or quota looks like, as EIO.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_DAMAGED = (lmdb.CorruptedError, lmdb.InvalidError, lmdb.PageNotFoundError, lmdb.VersionMismatchError)


class LmdbFile:
    """One LMDB environment with its tables. Threads may share it; it must not be carried across a fork.

    tables # the handles of `names`, in their order
    """

    def __init__(self, path: Path, names: Sequence[bytes], readonly: bool, **options: Any) -> None:
        self.path = path
        self.readonly = readonly
        self._names, self._options = names, options
        # LMDB forbids resizing its map while any thread of the process reads, so reads and resizes take turns.
        self._turn = threading.RLock()
        self._writing = threading.RLock()
        self.tables: list[Any] = []
        self._open()

    def _open(self) -> None:
        try:
            self.env = lmdb.open(
                str(self.path),
                map_size=FIRST_MAP_BYTES,
                max_dbs=len(self._names),
                readonly=self.readonly,
                create=not self.readonly,
                **self._options,
            )
        except lmdb.Error as error:
            raise lmdb_problem(self.path, error) from error

        try:
            names = self._names
            self.tables = self._existing(names) if self.readonly else self.change(partial(self._made, names))
        except PalateError:
            self.env.close()
            raise

    def reopen(self, then: Callable[[], None]) -> None:
        """Closes the file and opens it again, while nothing reads or writes here; `then` takes the new `tables`.

        LMDB keeps the pages that it wrote in memory and writes new ones into them: their gaps bring old bytes back.
        """
        with self._writing, self._turn:
            self.env.close()
            self._open()
            then()

    def _existing(self, names: Sequence[bytes]) -> list[Any]:
        # A handle that is opened in a reading transaction dies with it, so LMDB's own short ones are used.
        while True:
            try:
                return [self.env.open_db(name, create=False) for name in names]
            except lmdb.MapResizedError:
                self.env.set_mapsize(0)
            except lmdb.Error as error:
                raise lmdb_problem(self.path, error) from error

    def _made(self, names: Sequence[bytes], txn: lmdb.Transaction) -> list[Any]:
        return [self.env.open_db(name, txn=txn) for name in names]

    def view(self, work: Callable[[lmdb.Transaction], T]) -> T:
        """What `work` gives, reading one moment of the file."""
        with self._turn:
            while True:
                try:
                    with self.env.begin() as txn:
                        return work(txn)
                except lmdb.MapResizedError:
                    self.env.set_mapsize(0)  # another process made it larger: take its size
                except lmdb.Error as error:
                    raise lmdb_problem(self.path, error) from error

    def change(self, work: Callable[[lmdb.Transaction], T]) -> T:
        """What `work` gives, when all that it wrote is durable; nothing is written when it raises.

        `work` runs again in a larger map when the first is full, so it must be able to.
        """
        if self.readonly:
            raise PalateError(f"{self.path} was opened for reading; open it with readonly=False to write")
        with self._writing:
            while True:
                try:
                    with self.env.begin(write=True) as txn:
                        return work(txn)
                except lmdb.MapFullError:
                    self._resize(2 * int(self.env.info()["map_size"]))  # address space: the file grows as it fills
                except lmdb.MapResizedError:
                    self._resize(0)
                except lmdb.Error as error:
                    raise lmdb_problem(self.path, error) from error

    def close(self) -> None:
        """Closes the file; a second time changes nothing."""
        with self._writing, self._turn:
            self.env.close()

    def _resize(self, size_bytes: int) -> None:
        with self._turn:
            self.env.set_mapsize(size_bytes)


def lmdb_problem(path: Path, error: lmdb.Error) -> PalateError:
    """The error to raise in the place of LMDB's."""
    if isinstance(error, _DAMAGED):
        return Corrupt(f"{path} is damaged or not ours ({error}); remove the folder and run `palate train`")
    if isinstance(error, lmdb.NotFoundError) or getattr(error, "code", None) == errno.ENOENT:
        return NotTrained(f"{path} holds nothing yet; run `palate train`")
    if isinstance(error, lmdb.ReadersFullError):
        return PalateError(f"{path} has as many readers as it can; stop some of the processes that read it")
    if "already open" in str(error):
        return PalateError(f"{path} is already open in this process; pass that store on instead of opening another")
    if getattr(error, "code", None) in _NO_ROOM:
        return PalateError(f"{path} could not be written ({error}) and is unchanged; make room on the disk, try again")
    return PalateError(f"{path} could not be used ({error}); check its permissions and its disk")
