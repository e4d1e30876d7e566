"""OnlineStore: bytes by user id, for each space, in one LMDB environment: many processes read while one writes.

Records and the log offset that they contain are written in one transaction, so they always agree, whatever is killed.

    meta            "space:<name>" -> slot number and offset, or one for each partition of listeners where they differ
                    "loading" -> slot number of an unfinished load     "epoch" -> see folds.py
    slot-00 .. -31  user key (keys.py) -> record                 a slot that no space names is empty or garbage

A whole space is loaded into a free slot in many transactions; naming the slot is the last of them. Slots are numbered
and reused because LMDB keeps a handle for every name that a process has ever opened.
"""

import fcntl
import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import cast

import lmdb

from palate.core.errors import BadInput, Corrupt, PalateError
from palate.core.ids import UserId
from palate.core.partitions import PARTITIONS, partition_of
from palate.store.folds import Part, Standing
from palate.store.keys import id_key, id_of, is_hashed
from palate.store.lmdb_files import LmdbFile

SLOTS = 32  # spaces held at once: live, next, a few to roll back to, for a few sorts of record; room for one load
MAX_READERS = 1024
LOAD_RECORDS, PAGE_USERS = 5_000, 5_000  # 1 KB each: about 5 MB in memory, one fsync
MAX_SPACE_BYTES = 200
PAGE_HEADER_BYTES = 16  # a value of a page less this fills that page alone
FILL_PAGES, FEW_PAGES = 256, 8
_SPACE, _LOADING, _EPOCH = b"space:", b"loading", b"epoch"
_PLACE = struct.Struct(">BQ")  # slot, offset of every partition
_PLACES = struct.Struct(f">B{PARTITIONS}Q")  # slot, offset of each partition
_COUNT = struct.Struct(">Q")
_ID_LENGTH = struct.Struct(">H")  # a hashed key's record is preceded by its id


class OnlineStore:
    """User records of every space. Threads may share one; another process opens its own; never across a fork.

    `readonly` opens for reading; NotTrained when there is nothing yet. One process at a time should write.
    """

    def __init__(self, path: Path, readonly: bool = False) -> None:
        self.path = path
        if not readonly:
            path.mkdir(parents=True, exist_ok=True)
        names = [b"meta", *(b"slot-%02d" % slot for slot in range(SLOTS))]
        self._file = LmdbFile(path, names, readonly, max_readers=MAX_READERS)
        self._take_tables()
        if not readonly:
            self._file.env.reader_check()  # frees the places of readers that were killed
            self._empty_interrupted_load()

    def get(self, space: str, user_id: UserId | str) -> bytes | None:
        """The user's record in `space`; None when there is none, or no such space."""
        key = id_key(user_id)
        value = self._file.view(partial(self._find, space, key))
        return _without_id(value) if value is not None and is_hashed(key) else value

    def read(self, space: str, user_id: str) -> tuple[bytes | None, int]:
        """The user's record, and the log offset that it contains at least."""
        offsets = self.standing(space).offsets  # before the record, lest they promise too much
        return self.get(space, user_id), offsets[partition_of(user_id)]

    def get_many(self, space: str, user_ids: Sequence[str]) -> list[bytes | None]:
        """(n,) the same for each of `user_ids`, as they stand at one moment."""
        keys = [id_key(user) for user in user_ids]

        def find(txn: lmdb.Transaction) -> list[bytes | None]:
            return [self._find(space, key, txn) for key in keys]

        found = zip(keys, self._file.view(find), strict=True)
        return [_without_id(value) if value is not None and is_hashed(key) else value for key, value in found]

    def put_many(self, space: str, records: Mapping[UserId, bytes] | Mapping[str, bytes], offset: int) -> None:
        """Writes `records` and the log `offset` they contain, durably, both or neither; makes the space if needed."""
        pairs = [_pair(user_id, record) for user_id, record in records.items()]

        def write(txn: lmdb.Transaction) -> None:
            self._put(txn, space, pairs, (offset,) * PARTITIONS)

        self._file.change(write)

    def standing(self, space: str) -> Standing:
        """What a commit must name; see folds.py."""

        def look(txn: lmdb.Transaction) -> Standing:
            place = self._place(txn, space)
            return Standing((0,) * PARTITIONS if place is None else place[1], self._epoch(txn))

        return self._file.view(look)

    def commit(self, space: str, epoch: int, parts: Sequence[Part]) -> list[bool]:
        """Writes each part whose offset is still its `since`, durably and all at once; says which these were.

        None when the epoch is not `epoch` any more. Makes the space if needed.
        """
        pairs = [[_pair(user_id, record) for user_id, record in part.records.items()] for part in parts]

        def write(txn: lmdb.Transaction) -> list[bool]:
            place = self._place(txn, space)
            offsets = list((0,) * PARTITIONS if place is None else place[1])
            fits = [self._epoch(txn) == epoch and offsets[part.partition] == part.since for part in parts]
            fresh = []
            for part, new, fit in zip(parts, pairs, fits, strict=True):
                if fit:
                    offsets[part.partition] = part.upto
                    fresh += new
            if any(fits):
                self._put(txn, space, fresh, tuple(offsets))
            return fits

        return self._file.change(write)

    def offset(self, space: str) -> int:
        """The log offset that all records of `space` contain; 0 when there is no such space."""
        return min(self.standing(space).offsets)

    def delete(self, user_id: UserId | str) -> int:
        """Removes the user from every space and gives how many records that were. The offsets stay."""
        key = id_key(user_id)

        def remove(txn: lmdb.Transaction) -> int:
            loading = txn.get(_LOADING, db=self._meta)
            if loading is not None:
                txn.delete(key, db=self._slots[loading[0]])
            self._next_epoch(txn)
            return sum(txn.delete(key, db=self._slots[slot]) for slot, _ in self._places(txn).values())

        return self._file.change(remove)

    def shred(self) -> None:
        """Takes off the disk what was deleted, in the process that writes; others may read meanwhile, not write.

        LMDB leaves old bytes in free pages, in gaps of used ones and in the keys of inner ones. So every space is
        written anew by an environment that has not seen the deleted, and then every free page is written over. The file
        grows to twice the records, once. A kill leaves all records as they were; shred again.
        """
        self.reopen()
        for space in self.spaces():
            self.replace(space, self._all(space), self.standing(space).offsets)
        self._fill_free_pages()

    def spaces(self) -> list[str]:
        """The names of all spaces, sorted."""
        return sorted(self._file.view(self._places))

    def count(self, space: str) -> int:
        """How many users have a record in `space`; 0 when there is no such space."""

        def entries(txn: lmdb.Transaction) -> int:
            place = self._place(txn, space)
            return 0 if place is None else int(txn.stat(self._slots[place[0]])["entries"])

        return self._file.view(entries)

    def users(self, space: str, after: str = "") -> Iterator[str]:
        """Every user id of `space`, in the order of the keys, those that follow `after`.

        A user who comes or goes meanwhile may be missed.
        """
        beyond = id_key(after) if after else b""
        while True:
            # A page for each transaction: a long one would keep LMDB from reusing pages while the writer goes on.
            page = self._file.view(partial(self._page, space, beyond))
            yield from (user_id for _, user_id in page)
            if len(page) < PAGE_USERS:
                return
            beyond = page[-1][0]

    def drop(self, space: str) -> None:
        """Forgets a space with its records and offset; an unknown space changes nothing."""

        def forget(txn: lmdb.Transaction) -> None:
            place = self._place(txn, space)
            if place is not None:
                txn.drop(self._slots[place[0]], delete=False)
                txn.delete(_space_key(space), db=self._meta)
                self._next_epoch(txn)

        self._file.change(forget)

    def replace(
        self, space: str, records: Iterable[tuple[UserId, bytes]] | Iterable[tuple[str, bytes]],
        offset: int | Sequence[int],
    ) -> None:  # fmt: skip
        """Loads a whole space in bounded memory. Readers see the old records until all new ones are there at once.

        offset  the log offset that the records contain; one, or one for each partition
        An interrupted load is invisible. Records that are written to the same space meanwhile are lost with the old
        ones, and `offset` says so: whoever follows the log reads it again and goes on from there.
        """
        _space_key(space)
        offsets = (offset,) * PARTITIONS if isinstance(offset, int) else tuple(offset)
        with self._one_load():
            slot = self._file.change(self._reserve)
            remaining = iter(records)
            while batch := [_pair(user_id, record) for user_id, record in islice(remaining, LOAD_RECORDS)]:
                self._file.change(partial(self._fill, slot, batch))
            self._file.change(partial(self._publish, space, slot, offsets))

    def reopen(self) -> None:
        """Forgets the pages that this process has in memory. Whoever writes must, after another process's `shred`."""
        self._file.reopen(self._take_tables)

    def close(self) -> None:
        """Closes the store; it is unusable afterwards."""
        self._file.close()

    def __enter__(self) -> "OnlineStore":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _take_tables(self) -> None:
        self._meta, *self._slots = self._file.tables

    def _all(self, space: str) -> Iterator[tuple[str, bytes]]:
        for user in self.users(space):
            record = self.get(space, user)
            if record is not None:
                yield user, record

    def _fill_free_pages(self) -> None:
        """Puts one-page values into a slot of its own until the file has to grow, so no free page keeps what it had."""
        page = bytes(int(self._file.env.stat()["psize"]) - PAGE_HEADER_BYTES)
        with self._one_load():
            slot = self._file.change(self._reserve)
            free, grown, number = self._file.view(self._free_pages), 0, 0
            # Twice: the pages that the first of these transactions freed are free for the third one only.
            while grown < 2:
                count = FILL_PAGES if number + 2 * FILL_PAGES < free else FEW_PAGES  # so that it grows by little
                end = self._file.env.info()["last_pgno"]
                pairs = [(b"%016d" % one, page) for one in range(number, number + count)]
                self._file.change(partial(self._fill, slot, pairs))
                grown += self._file.env.info()["last_pgno"] > end
                number += count
            self._file.change(self._forget_load)

    # -- within one transaction

    def _free_pages(self, txn: lmdb.Transaction) -> int:
        """How many pages no table uses, but for the few of LMDB's own list of them."""
        stats = [self._file.env.stat(), *(txn.stat(table) for table in self._file.tables)]
        used = sum(one[name] for one in stats for name in ("branch_pages", "leaf_pages", "overflow_pages"))
        return int(self._file.env.info()["last_pgno"]) - 1 - used

    def _put(
        self, txn: lmdb.Transaction, space: str, pairs: Iterable[tuple[bytes, bytes]], offsets: tuple[int, ...]
    ) -> None:
        place = self._place(txn, space)
        slot = self._free_slot(txn) if place is None else place[0]
        for key, value in pairs:
            txn.put(key, value, db=self._slots[slot])
        txn.put(_space_key(space), _packed(slot, offsets), db=self._meta)

    def _epoch(self, txn: lmdb.Transaction) -> int:
        value = txn.get(_EPOCH, db=self._meta)
        return 0 if value is None else int(_COUNT.unpack(value)[0])

    def _next_epoch(self, txn: lmdb.Transaction) -> None:
        txn.put(_EPOCH, _COUNT.pack(self._epoch(txn) + 1), db=self._meta)

    def _place(self, txn: lmdb.Transaction, space: str) -> tuple[int, tuple[int, ...]] | None:
        value = cast(bytes | None, txn.get(_SPACE + space.encode(), db=self._meta))
        return None if value is None else self._unpacked(value)

    def _unpacked(self, value: bytes) -> tuple[int, tuple[int, ...]]:
        if len(value) == _PLACE.size:
            slot, offset = _PLACE.unpack(value)
            return slot, (offset,) * PARTITIONS
        if len(value) != _PLACES.size:
            raise Corrupt(f"{self.path} holds a space of a newer Palate; use that one, or run `palate train`")
        slot, *offsets = _PLACES.unpack(value)
        return slot, tuple(offsets)

    def _places(self, txn: lmdb.Transaction) -> dict[str, tuple[int, tuple[int, ...]]]:
        found = {}
        with txn.cursor(db=self._meta) as cursor:
            if cursor.set_range(_SPACE):
                for key, value in _pairs(cursor):
                    if not key.startswith(_SPACE):
                        break
                    found[key[len(_SPACE) :].decode()] = self._unpacked(value)
        return found

    def _find(self, space: str, key: bytes, txn: lmdb.Transaction) -> bytes | None:
        place = self._place(txn, space)
        return None if place is None else cast(bytes | None, txn.get(key, db=self._slots[place[0]]))

    def _page(self, space: str, after: bytes, txn: lmdb.Transaction) -> list[tuple[bytes, str]]:
        place = self._place(txn, space)
        if place is None:
            return []
        with txn.cursor(db=self._slots[place[0]]) as cursor:
            found = cursor.set_range(after) if after else cursor.first()
            if found and cursor.key() == after:
                found = cursor.next()
            pairs = islice(_pairs(cursor), PAGE_USERS) if found else ()
            return [(key, _id_in(value) if is_hashed(key) else id_of(key)) for key, value in pairs]

    def _free_slot(self, txn: lmdb.Transaction) -> int:
        taken = {slot for slot, _ in self._places(txn).values()}
        loading = txn.get(_LOADING, db=self._meta)
        free = sorted(set(range(SLOTS)) - taken - ({loading[0]} if loading else set()))
        if not free:
            raise PalateError(f"{self.path} holds {len(taken)} spaces, as many as it can; drop old ones first")
        txn.drop(self._slots[free[0]], delete=False)
        return free[0]

    def _reserve(self, txn: lmdb.Transaction) -> int:
        self._forget_load(txn)
        slot = self._free_slot(txn)
        txn.put(_LOADING, bytes([slot]), db=self._meta)
        return slot

    def _fill(self, slot: int, pairs: list[tuple[bytes, bytes]], txn: lmdb.Transaction) -> None:
        for key, value in pairs:
            txn.put(key, value, db=self._slots[slot])

    def _publish(self, space: str, slot: int, offsets: tuple[int, ...], txn: lmdb.Transaction) -> None:
        old = self._place(txn, space)
        if old is not None:
            txn.drop(self._slots[old[0]], delete=False)
        txn.put(_space_key(space), _packed(slot, offsets), db=self._meta)
        self._next_epoch(txn)
        txn.delete(_LOADING, db=self._meta)

    def _forget_load(self, txn: lmdb.Transaction) -> None:
        loading = txn.get(_LOADING, db=self._meta)
        if loading is not None:
            txn.drop(self._slots[loading[0]], delete=False)
            txn.delete(_LOADING, db=self._meta)

    # -- around a load

    @contextmanager
    def _one_load(self) -> Iterator[None]:
        lock = self._lock_loads()
        if lock is None:
            raise PalateError(f"another load into {self.path} is under way; wait until it ends, then try again")
        try:
            yield
        finally:
            os.close(lock)

    def _lock_loads(self) -> int | None:
        """The descriptor that holds the lock of loads until it is closed; None when another load holds it.

        The kernel lets go of it when the process dies.
        """
        descriptor = os.open(self.path / "load.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def _empty_interrupted_load(self) -> None:
        """What a killed load left behind is a second copy of people's records: remove it now."""
        lock = self._lock_loads()
        if lock is None:
            return  # not interrupted: another process is at it
        try:
            self._file.change(self._forget_load)
        finally:
            os.close(lock)


def _pairs(cursor: lmdb.Cursor) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values from where the cursor stands; our transactions never give memory views."""
    return cast(Iterator[tuple[bytes, bytes]], cursor.iternext())


def checked_space(space: str) -> bytes:
    """The bytes of a space's name; BadInput for an empty one or one that is too long."""
    data = space.encode()
    if not 0 < len(data) <= MAX_SPACE_BYTES:
        raise BadInput(f"a space's name has {len(data)} bytes; give 1 to {MAX_SPACE_BYTES}, as in taste@7")
    return data


def _space_key(space: str) -> bytes:
    return _SPACE + checked_space(space)


def _packed(slot: int, offsets: tuple[int, ...]) -> bytes:
    one = offsets.count(offsets[0]) == PARTITIONS
    return _PLACE.pack(slot, offsets[0]) if one else _PLACES.pack(slot, *offsets)


def _pair(user_id: str, record: bytes) -> tuple[bytes, bytes]:
    key = id_key(user_id)
    if not is_hashed(key):
        return key, record
    name = user_id.encode("utf-8", "surrogatepass")
    return key, _ID_LENGTH.pack(len(name)) + name + record


def _id_in(value: bytes) -> str:
    (length,) = _ID_LENGTH.unpack_from(value)
    return value[_ID_LENGTH.size : _ID_LENGTH.size + length].decode("utf-8", "surrogatepass")


def _without_id(value: bytes) -> bytes:
    (length,) = _ID_LENGTH.unpack_from(value)
    return value[_ID_LENGTH.size + length :]
