"""RedisLog: the new end of the log in Redis, one stream for each partition of listeners; the archive keeps all of it.

    {palate:07}:log      the stream; entry N-0 is the listen at offset N = 16 * (its place in the partition) + partition
    {palate:07}:end      how many listens the partition ever had
    {palate:07}:seen:G   eight bytes of hash for each event of the period G, so that a repeat is recognised
    {palate:07}:erased   how many times listeners of the partition were deleted
    {palate:07}:trimmed  the offset up to which the stream may have been trimmed

So an offset is of one listen and says its partition, and offsets of one partition ascend. What is archived and folded
everywhere leaves the streams (fresh/archive.py).
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS, Calendar
from palate.core.errors import PalateError
from palate.core.listens import Listens
from palate.core.partitions import ALL, PARTITIONS, partition_of, partitions_of
from palate.listening.backlog import Appended, LogBatch, Unread
from palate.listening.deleted import DeletedUsers
from palate.listening.engine import Command, RedisEngine
from palate.listening.interning import check_ids
from palate.listening.log import ListeningLog, check
from palate.listening.redis_entries import as_batch, pack, repeat_keys, unpack, user_of
from palate.listening.redis_scripts import APPEND, ERASE, READ, TRIM

BATCH_LISTENS = 65_536
STEP_LISTENS = 4_096  # in one step of `append`, for which other clients of the server wait: about 40 ms
READ_LISTENS = 1_024  # of one partition at a time: a commit sends the records of all who listened


class RedisLog:
    """An EventLog in Redis. Threads may share one, and any number of processes and machines may append.

    archive  the home's own log, which what is appended reaches a little later; it knows the home's pauses
    `check` the engine first: what `append` accepted is on disk only if the server syncs before it answers.
    """

    sequences = PARTITIONS

    def __init__(self, engine: RedisEngine, archive: ListeningLog) -> None:
        self.engine, self.archive = engine, archive
        self._deleted = DeletedUsers.beside(archive.path)
        self._erased = [b"0"] * PARTITIONS

    def close(self) -> None:
        """Gives the connections and the archive back."""
        self.engine.close()
        self.archive.close()

    def __enter__(self) -> "RedisLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, listens: Listens) -> Appended:
        """Adds the listens that the log does not hold yet; those of one listener stay in their order.

        When it returns they are on disk. When it raises, some of more than STEP_LISTENS may have been written, or
        those of some nodes of a cluster; appending all of them again adds the others. A repeat is recognised as in
        ListeningLog, among events of the same listener, for the settings' `remember_days` at least. `offsets` are the
        log's own, and `last_offset` is the highest end of the partitions that were concerned. BadInput as there.
        """
        check(listens)
        check_ids([*dict.fromkeys(listens.user_id), *dict.fromkeys(listens.item_id)])
        pairs = list(zip(repeat_keys(listens), pack(listens), strict=True))
        parts, offsets = partitions_of(listens.user_id), np.zeros(len(listens), np.int64)
        ends = [0]
        for start in range(0, len(listens), STEP_LISTENS):
            waiting = np.arange(start, min(start + STEP_LISTENS, len(listens)))
            self._add(listens, waiting, parts, pairs, offsets, ends)
        accepted, last = offsets[offsets > 0], max(ends)
        first = int(accepted.min()) if len(accepted) else last
        repeats, out = int((offsets == 0).sum()), int((offsets < 0).sum())
        return Appended(first, last, len(accepted), repeats, offsets, out)

    def _add(
        self, listens: Listens, waiting: NDArray[np.intp], parts: NDArray[np.uint8], pairs: list[tuple[bytes, bytes]],
        offsets: NDArray[np.int64], ends: list[int],
    ) -> None:  # fmt: skip
        """Fills in the offsets of the rows `waiting`, and adds the ends of their partitions."""
        while len(waiting):
            # Asked after `_erased` was read: a deletion that comes in between changes it, and the script tells.
            users = [listens.user_id[row] for row in waiting.tolist()]
            left_out = self._deleted.left_out(users, listens.timestamp[waiting])
            if left_out is not None:
                offsets[waiting[left_out]] = -1
                waiting = waiting[~left_out]
            waiting = self._send(waiting, parts, pairs, offsets, ends)

    def _send(
        self, waiting: NDArray[np.intp], parts: NDArray[np.uint8], pairs: list[tuple[bytes, bytes]],
        offsets: NDArray[np.int64], ends: list[int],
    ) -> NDArray[np.intp]:  # fmt: skip
        """Fills in offsets and ends; gives the rows that wait, because a listener has been deleted meanwhile."""
        lots = [(part, waiting[parts[waiting] == part]) for part in np.unique(parts[waiting]).tolist()]
        # Together: the server syncs after every 16 KB that it reads of a pipeline, seven times for 1,000 listens.
        commands = [self._append(part, [pairs[row] for row in rows.tolist()]) for part, rows in lots]
        replies = self.engine.together(commands)
        again = [np.empty(0, np.intp)]
        for (part, rows), (erased, *told) in zip(lots, replies, strict=True):
            if told:
                ends.append(told[0])
                offsets[rows] = told[1:]
            else:
                self._erased[part] = erased
                again.append(rows)
        return np.sort(np.concatenate(again))

    def _append(self, part: int, pairs: list[tuple[bytes, bytes]]) -> Command:
        seconds = self.engine.settings.remember_days * DAY_SECONDS
        period, key = int(time.time() // seconds), self.engine.key
        # The period after this one too, since clocks differ between machines.
        seen = [key(part, f"seen:{one}") for one in (period - 1, period, period + 1)]
        keys = [key(part, name) for name in ("log", "end", "erased")] + seen
        told = [self._erased[part], part, int(2 * seconds) + 1, *(one for pair in pairs for one in pair)]
        return ("EVAL", APPEND, len(keys), *keys, *told)

    def ends(self) -> tuple[int, ...]:
        """(PARTITIONS,) the offset of each partition's last listen; 0 for none."""
        return tuple(_offset(part, count) for part, count in enumerate(self._counts()))

    def end_offset(self) -> int:
        """How many listens were ever accepted, which is no offset: partitions have their own."""
        return sum(self._counts())

    def lacking(self, offsets: Sequence[int]) -> int:
        """How many listens lie beyond `offsets`, one for each partition."""
        return sum(max(count - place(offset), 0) for count, offset in zip(self._counts(), offsets, strict=True))

    def _counts(self) -> list[int]:
        return [int(found or 0) for found in self.engine.each(lambda part: ("GET", self.engine.key(part, "end")))]

    def calendar(self) -> Calendar:
        """The home's, which the archive knows."""
        return self.archive.calendar()

    def unread(self, after: Mapping[int, int], most: int = BATCH_LISTENS) -> Unread | None:
        """The next listens of some partitions, beyond the offset that `after` names for each; None at their ends.

        A partition whose next listens may have been trimmed is left out: its records are made from the archive.
        """
        found = self._beyond(after, min(max(-(-most // len(after)), 1), READ_LISTENS))
        if not found.entries and all(found.upto[part] <= after[part] for part in found.upto):
            return None
        return Unread(as_batch(unpack(found.entries), found.offsets), found.upto)

    def unarchived(self) -> tuple[Listens, tuple[int, ...], tuple[int, ...]] | None:
        """The next listens that the archive lacks, and from where to where they go in each partition; None for none.

        PalateError when some have been trimmed: then another home's archive has them.
        """
        since = self.archive.archived()[1]
        found = self._beyond(dict(enumerate(since)), READ_LISTENS)
        if len(found.upto) < PARTITIONS:
            raise PalateError(
                f"streams of {self.engine.where} were trimmed beyond what {self.archive.path} holds, so another home "
                "keeps their archive or this file is an old copy; give each home an [engine] prefix of its own, or "
                "restore the file"
            )
        upto = tuple(found.upto[part] for part in ALL)
        return None if upto == since else (unpack(found.entries), since, upto)

    def _beyond(self, after: Mapping[int, int], count: int) -> "_Found":
        replies = self.engine.many([self._read(part, offset, count) for part, offset in after.items()])
        found = _Found([], [], {})
        for (part, offset), (trimmed, end, *flat) in zip(after.items(), replies, strict=True):
            if offset < int(trimmed):
                continue
            offsets = [_offset_in(id_) for id_ in flat[::2]]
            # After the last entry may come places of deleted listeners.
            last = offsets[-1] if len(offsets) == count else max(offset, _offset(part, int(end)))
            found.upto[part] = last
            found.offsets.extend(offsets)
            found.entries.extend(flat[1::2])
        return found

    def _read(self, part: int, after: int, count: int) -> Command:
        keys = [self.engine.key(part, name) for name in ("log", "end", "trimmed")]
        return ("EVAL", READ, 3, *keys, after, count)

    def pages(self, part: int, after: int) -> Iterator[tuple[list[int], list[bytes]]]:
        """(offsets, entries) of one partition beyond `after`, whatever was trimmed before that; ends at its end."""
        while True:
            start = f"({after}-0"
            found = self.engine.one("XRANGE", self.engine.key(part, "log"), start, "+", "COUNT", READ_LISTENS)
            if not found:
                return
            offsets = [_offset_in(id_) for id_, _ in found]
            yield offsets, [fields[b"e"] for _, fields in found]
            after = offsets[-1]

    def trimmed(self) -> tuple[int, ...]:
        """(PARTITIONS,) the offset up to which each stream may have been trimmed; 0 for one that never was."""
        return tuple(int(one or 0) for one in self.engine.each(lambda p: ("GET", self.engine.key(p, "trimmed"))))

    def trim(self, upto: Sequence[int]) -> None:
        """Removes what lies at or before these offsets, one for each partition. Who needs it reads the archive."""
        keys = [[self.engine.key(part, name) for name in ("log", "trimmed")] for part in ALL]
        self.engine.each(lambda part: ("EVAL", TRIM, 2, *keys[part], upto[part]))

    def listens_of(self, user_id: str) -> Iterator[LogBatch]:
        """One listener's listens: those of the archive, at the offset up to which it is level, then those beyond."""
        part = partition_of(user_id)
        end, copied, pages = self._tail(part)
        for batch in self.archive.listens_of(user_id):
            there = batch.take(np.flatnonzero(batch.offsets <= end))
            if len(there):
                yield replace(there, offsets=np.full(len(there), copied))
        for offsets, entries in pages:
            rows = [row for row, entry in enumerate(entries) if user_of(entry) == user_id]
            if rows:
                yield as_batch(unpack([entries[row] for row in rows]), [offsets[row] for row in rows])

    def _tail(self, part: int) -> tuple[int, int, list[tuple[list[int], list[bytes]]]]:
        """The archive's end, the offset up to which it holds the partition by then, and the entries beyond that."""
        while True:
            end, upto = self.archive.archived()
            pages = list(self.pages(part, upto[part]))
            if self.trimmed()[part] <= upto[part]:  # else some went into the archive and away meanwhile
                return end, upto[part], pages

    def erase(self, user_ids: Sequence[str]) -> dict[str, int]:
        """Removes every listen of these listeners from streams and archive; gives how many listens each had.

        As ListeningLog.erase: write down first that they are deleted, and `shred` afterwards. A stream that held any
        is written anew in one step, during which other clients of its server wait.
        """
        found = dict.fromkeys(user_ids, 0)
        for part in sorted({partition_of(user) for user in user_ids}):
            self.engine.one("INCR", self.engine.key(part, "erased"))  # appends that began before ask again
            copied = self.archive.archived()[1][part]
            gone: list[str] = []
            for offsets, entries in self.pages(part, 0):
                for offset, entry in zip(offsets, entries, strict=True):
                    user = user_of(entry)
                    if user in found:
                        gone.append(f"{offset}-0")
                        found[user] += offset > copied
            if gone:
                keys = [self.engine.key(part, name) for name in ("log", "log:new")]
                self.engine.one("EVAL", ERASE, 2, *keys, *gone)
        erased = self.archive.erase(user_ids)
        return {user: erased[user] + found[user] for user in user_ids}

    def shred(self) -> None:
        """The archive's; the server's own files are the record store's to write anew (RedisStore.shred)."""
        self.archive.shred()


@dataclass(frozen=True)
class _Found:
    """Entries of some partitions, and by partition how far they go; one that was trimmed has no `upto`."""

    offsets: list[int]
    entries: list[bytes]
    upto: dict[int, int]


def place(offset: int) -> int:
    """How many of its partition's listens lie at or before an offset."""
    return offset // PARTITIONS


def _offset(part: int, count: int) -> int:
    """The offset of a partition's listen number `count`, from 1 on; 0 for none."""
    return count * PARTITIONS + part if count else 0


def _offset_in(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])
