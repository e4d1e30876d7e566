"""The listening log: every listen once, in the order in which it was accepted, on disk before `append` returns."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import PAUSE_SECONDS, Calendar, calendar_of
from palate.core.database import Database, Layout, insert
from palate.core.errors import BadInput
from palate.core.listens import Event, Listens
from palate.core.partitions import PARTITIONS, partitions_of
from palate.listening import erasing
from palate.listening.archived import archived, move
from palate.listening.backlog import Appended, LogBatch, Unread
from palate.listening.deleted import DeletedUsers
from palate.listening.history import History
from palate.listening.interning import TEXT_ID, Interned
from palate.listening.records import NOBODY, Records, event_keys, joined, session_keys, unpack
from palate.listening.sessions import DEFAULT_SESSIONS, SessionSettings, sessions_of

BATCH_RECORDS = 65_536  # about 2 MB unpacked: the most that a reader holds at once
TAIL_RECORDS = 256  # the last batch grows to this, so that single events do not become a batch each

_LAYOUT = Layout(
    name="the listening log",
    format=2,  # 1 had no holes where a deleted listener's listens were
    schema=(
        "CREATE TABLE users(row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE)",
        "CREATE TABLE items(row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE)",
        "CREATE TABLE seen(key INTEGER PRIMARY KEY)",
        'CREATE TABLE pauses(start REAL NOT NULL, "end" REAL NOT NULL)',
        """CREATE TABLE batches(first_offset INTEGER PRIMARY KEY, count INTEGER NOT NULL,
        first_time REAL NOT NULL, last_time REAL NOT NULL, columns BLOB NOT NULL, extras BLOB)""",
        "CREATE INDEX batches_by_last_time ON batches(last_time)",
    ),
    remedy="restore it from a backup or import again",
)
_BATCH = "first_offset, count, columns, extras"
_NUMBERS = "first_offset, count, columns, NULL"


class ListeningLog:
    """A log in one SQLite file; several processes and threads may use it at once.

    One writer works at a time and the others wait; readers never wait for a writer. Offsets are 1, 2, 3, ... and never
    used again; only `erase` leaves holes. Errors: Corrupt for a damaged or newer file, PalateError for a full disk,
    missing rights or a writer that does not finish.
    """

    sequences = 1  # of offsets, for all partitions

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path, _LAYOUT)
        self._users, self._items = Interned("users"), Interned("items")
        self._deleted = DeletedUsers.beside(path)

    def close(self) -> None:
        """Gives the file back; the log cannot be used after it."""
        self._database.close()

    def __enter__(self) -> "ListeningLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, listens: Listens) -> Appended:
        """Adds the listens that the log does not hold yet, in their order, in one transaction.

        When it returns they are on disk; when it raises, nothing has been written. A listen is held if one with its
        `event_id` is, or, without an `event_id`, one with its listener, item, time and kind; the first one stays. Those
        of deleted users are left out. Raises BadInput for columns of different lengths, a time that is not finite, an
        unknown event, a bad id.
        """
        check(listens)
        with self._transaction() as db:
            return self._append(db, listens)

    def take_over(self, listens: Listens, since: tuple[int, ...], upto: tuple[int, ...]) -> Appended | None:
        """Appends what a Redis log's streams hold between these offsets of its partitions, and moves `archived`.

        None, and nothing is written, when `archived` is not `since` any more: somebody else was faster.
        """
        check(listens)
        with self._transaction() as db:
            if archived(db) != since:
                return None
            appended = self._append(db, listens)
            move(db, upto)
            return appended

    def archived(self) -> tuple[int, tuple[int, ...]]:
        """The log's end, and how much of a Redis log's streams it holds by then (archived.py)."""
        with self._database.read() as db, _snapshot(db):
            return _end_offset(db), archived(db)

    def _append(self, db: sqlite3.Connection, listens: Listens) -> Appended:
        # Here, and not before: who is deleted is written down before their listens are erased, so a writer that
        # waited for the erasing sees it.
        if self._deleted.refresh():
            self._users.forget()
        n, left_out = len(listens), self._deleted.left_out(listens.user_id, listens.timestamp)
        taken = np.arange(n) if left_out is None else np.flatnonzero(~left_out)
        if left_out is not None:
            listens = listens.take(taken)
        user, item = self._users.rows(db, listens.user_id), self._items.rows(db, listens.item_id)
        records = Records(
            user=user,
            item=item,
            timestamp=np.asarray(listens.timestamp, np.float64),
            event=np.asarray(listens.event, np.uint8),
            seconds_played=np.asarray(listens.seconds_played, np.float32),
            duration_seconds=np.asarray(listens.duration_seconds, np.float32),
            session=session_keys(user, listens.session_id),
            surface=listens.surface,
            context_id=listens.context_id,
            position_seconds=listens.position_seconds,
            end_reason=listens.end_reason,
        )
        rows = _mark_seen(db, event_keys(records, listens.event_id))
        end = _end_offset(db)
        if len(rows):
            _write(db, end, records if len(rows) == len(records) else records.take(rows), self.path)
        offsets = np.full(n, -1, np.int64)
        offsets[taken] = 0
        offsets[taken[rows]] = np.arange(end + 1, end + 1 + len(rows))
        first = end + 1 if len(rows) else end
        return Appended(first, end + len(rows), len(rows), len(records) - len(rows), offsets, n - len(taken))

    def end_offset(self) -> int:
        """The offset of the last listen; 0 for an empty log."""
        with self._database.read() as db:
            return _end_offset(db)

    def lacking(self, offsets: Sequence[int]) -> int:
        """How many listens, erased ones included, lie beyond the lowest of `offsets`, which the partitions have."""
        return max(self.end_offset() - min(offsets), 0)

    @property
    def last_time(self) -> float | None:
        """The latest time of any listen in unix seconds; None for an empty log."""
        with self._database.read() as db:
            last = _number(db.execute("SELECT max(last_time) FROM batches").fetchone()[0])
        return None if last == -np.inf else last  # of holes alone

    def replay(self, after: int) -> Iterator[LogBatch]:
        """The listens with an offset above `after`, ascending, in batches of at most about BATCH_RECORDS.

        Ends at the log's end as it is when it gets there; call again with the last offset for what came since.
        """
        while True:
            with self._database.read() as db:
                offsets, records = self._records_after(db, after)
                if not len(records):
                    return
                there = np.flatnonzero(records.user != NOBODY)
                batch = self._named(db, offsets[there], records if len(there) == len(records) else records.take(there))
            if "" in batch.user_id:
                continue  # erased between the two reads; the next look finds the hole
            after = int(offsets[-1])
            if len(batch):
                yield batch

    def ends(self) -> tuple[int, ...]:
        """(PARTITIONS,) the log's end for each partition of listeners: here they share one sequence of offsets."""
        return (self.end_offset(),) * PARTITIONS

    def unread(self, after: Mapping[int, int], most: int = BATCH_RECORDS) -> Unread | None:
        """The next listens of some partitions' listeners, beyond the offset that `after` names for each.

        Looks at `most` listens at most, those of other partitions among them. None at the log's end.
        """
        start = min(after.values())
        with self._database.read() as db:
            offsets, records = self._records_after(db, start)
            if not len(records):
                return None
            offsets, records = offsets[:most], records.take(slice(most))
            there = np.flatnonzero(records.user != NOBODY)
            batch = self._named(db, offsets[there], records if len(there) == len(records) else records.take(there))
        last = int(offsets[-1])
        upto = {partition: max(offset, last) for partition, offset in after.items()}
        wanted = np.array([name != "" for name in batch.user_id], np.bool_)  # one who is being erased has no name now
        if len(after) < PARTITIONS or len(set(after.values())) > 1:
            beyond = np.full(PARTITIONS, np.iinfo(np.int64).max)
            beyond[list(after)] = list(after.values())
            wanted &= batch.offsets > beyond[partitions_of(batch.user_id)]
        return Unread(batch if wanted.all() else batch.take(np.flatnonzero(wanted)), upto)

    def _named(self, db: sqlite3.Connection, offsets: NDArray[np.int64], records: Records) -> LogBatch:
        return LogBatch(
            offsets=offsets,
            user_id=self._users.ids(db, records.user),
            item_id=self._items.ids(db, records.item),
            timestamp=records.timestamp,
            event=records.event,
            seconds_played=records.seconds_played,
            duration_seconds=records.duration_seconds,
            session=records.session,
            surface=records.surface,
            context_id=records.context_id,
            position_seconds=records.position_seconds,
            end_reason=records.end_reason,
        )

    def listens_of(self, user_id: str) -> Iterator[LogBatch]:
        """One listener's listens, ascending by offset; none for one who is not known. Reads the whole log."""
        with self._database.read() as db:
            rows = list(erasing.rows_of(db, [user_id]).values())
            firsts = erasing.batches(db) if rows else []
        for first in firsts:
            with self._database.read() as db:
                records = erasing.batch(db, first, self.path)
                mine = np.flatnonzero(np.isin(records.user, rows))
                found = self._named(db, first + mine, records.take(mine))
            if len(found):
                yield found

    def erase(self, user_ids: Sequence[str]) -> dict[str, int]:
        """Removes every listen of these listeners and their ids; gives how many listens each had.

        Their offsets stay empty. A kill leaves a readable log, and erasing again finishes. Write down first that they
        are deleted (DeletedUsers.delete), so that no other writer brings them back meanwhile; `shred` afterwards, since
        the bytes are still in the file's free pages.
        """
        with self._transaction() as db:  # behind any writer that began before they were deleted
            row_of, firsts = erasing.rows_of(db, user_ids), erasing.batches(db)
        rows = np.array(list(row_of.values()), np.int32)
        found = np.zeros(len(rows), np.int64)
        for first in firsts[:-1] if row_of else ():
            with self._database.read() as db:
                concerned = np.isin(erasing.batch(db, first, self.path).user, rows).any()
            if concerned:  # a short transaction each, so that other writers need not wait for the whole log
                with self._transaction() as db:
                    found += erasing.blank(db, first, rows, self.path)
        if row_of:
            with self._transaction() as db:
                for first in erasing.batches(db, firsts[-1] if firsts else 0):  # the last one may have grown since
                    found += erasing.blank(db, first, rows, self.path)
                erasing.forget(db, rows)
                self._users.forget()
            with self._database.read():
                self._users.forget_ids()
        listens = dict(zip(row_of, found.tolist(), strict=True))
        return {user: listens.get(user, 0) for user in user_ids}

    def shred(self) -> None:
        """Removes from the disk what was erased: writes the file anew, which takes as long as copying it."""
        self._database.shred()

    def user_ids(self) -> list[str]:
        """Every listener's id by user row, in the order in which they were first heard of; "" for an erased one."""
        with self._database.read() as db:
            return [id_ for (id_,) in db.execute(f"SELECT {TEXT_ID} FROM users ORDER BY row")]

    def item_ids(self) -> list[str]:
        """Every item's id by the log's item row; the catalogue has rows of its own."""
        with self._database.read() as db:
            return [id_ for (id_,) in db.execute("SELECT id FROM items ORDER BY row")]

    def calendar(self) -> Calendar:
        """The map from unix time to home time: the pauses of this log."""
        with self._database.read() as db:
            return calendar_of(db.execute('SELECT start, "end" FROM pauses').fetchall())

    def add_pause(self, start: float, end: float) -> Calendar:
        """Records that nothing was logged from `start` to `end` (unix seconds), durably; gives the new calendar.

        A pause that meets earlier ones becomes one with them, so publishing twice in one silence counts it once. One
        shorter than core.clock.PAUSE_SECONDS is not kept. Raises BadInput if it does not end after it starts.
        """
        if not (np.isfinite(start) and np.isfinite(end) and start < end):
            raise BadInput(f"a pause from {start} to {end} is impossible; it must end after it starts")
        with self._transaction() as db:
            touching = (end, start)
            near = db.execute('SELECT start, "end" FROM pauses WHERE start <= ? AND "end" >= ?', touching).fetchall()
            start, end = min([start, *(a for a, _ in near)]), max([end, *(b for _, b in near)])
            if end - start >= PAUSE_SECONDS:
                db.execute('DELETE FROM pauses WHERE start <= ? AND "end" >= ?', (end, start))
                db.execute("INSERT INTO pauses VALUES(?, ?)", (start, end))
        return self.calendar()

    def mend_pauses(self) -> Calendar:
        """Takes out of the pauses what has been logged in them since, durably; gives the new calendar.

        An import may bring a time that was silent when a space was published. Its pause is cut at those listens, and
        stretches that are shorter than core.clock.PAUSE_SECONDS count again. Home times before the pause stay.
        """
        with self._database.read() as db:
            mended = _mended(db, self.path)
        if mended != list(self.calendar().pauses):
            with self._transaction() as db:
                mended = _mended(db, self.path)
                db.execute("DELETE FROM pauses")
                db.executemany("INSERT INTO pauses VALUES(?, ?)", mended)
        return self.calendar()

    def history(
        self,
        catalog_rows: NDArray[np.int32],
        n_items: int,
        until: float | None = None,
        sessions: SessionSettings = DEFAULT_SESSIONS,
        last_offset: int | None = None,
    ) -> History:
        """Every listen before `until` (unix seconds; None for all), ascending by (timestamp, offset), in home time.

        `catalog_rows` (log items,) int32 gives the catalogue's row for each of `item_ids()`; listens of an item with
        row -1, or beyond the array because it was heard since, are left out. Sessions are those that the source
        named, else cut at pauses in unix time. `last_offset` leaves out what was logged after it, so that a reader can
        say what it holds while others write.
        """
        calendar = self.calendar()
        records = self._records_before(np.inf if until is None else until, last_offset)
        item = np.full(len(records), -1, np.int32)
        listed = records.item < len(catalog_rows)
        item[listed] = np.asarray(catalog_rows, np.int32)[records.item[listed]]
        order = np.argsort(records.timestamp, kind="stable")
        order = order[item[order] >= 0]
        records, item = records.take(order), item[order]
        return History(
            user=records.user,
            item=item,
            # Rounding inside a pause could step back by one unit in the last place.
            timestamp=np.maximum.accumulate(calendar.home_times(records.timestamp)),
            event=records.event,
            seconds_played=records.seconds_played,
            duration_seconds=records.duration_seconds,
            session=sessions_of(records.user, records.timestamp, records.session, sessions),
            users=self.user_ids(),
            n_items=n_items,
        )

    def _records_after(self, db: sqlite3.Connection, after: int) -> tuple[NDArray[np.int64], Records]:
        wanted = max(after, 0) + 1
        if wanted > _end_offset(db):
            return np.empty(0, np.int64), joined([])
        # The batch that `wanted` is in may begin before it.
        holding = db.execute("SELECT max(first_offset) FROM batches WHERE first_offset <= ?", (wanted,)).fetchone()[0]
        stored = db.execute(f"SELECT {_BATCH} FROM batches WHERE first_offset >= ? ORDER BY first_offset", (holding,))
        parts: list[Records] = []
        for batch in stored:
            parts.append(_unpacked(batch, self.path))
            if sum(map(len, parts)) >= BATCH_RECORDS // 2:
                break
        stored.close()
        records = joined(parts)
        return np.arange(wanted, holding + len(records)), records.take(slice(wanted - holding, None))

    def _records_before(self, until: float, last_offset: int | None) -> Records:
        parts: list[Records] = []
        with self._database.read() as db:
            stored = db.execute(f"SELECT {_NUMBERS} FROM batches WHERE first_time < ? ORDER BY first_offset", (until,))
            for batch in stored:
                wanted = None if last_offset is None else max(last_offset - batch[0] + 1, 0)
                parts.append(_unpacked(batch, self.path).take(slice(wanted)))
            records = joined(parts)
        wanted_rows = (records.user != NOBODY) & (records.timestamp < until)
        return records if wanted_rows.all() else records.take(np.flatnonzero(wanted_rows))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._database.write() as db:
                yield db
        except BaseException:
            self._users.forget()
            self._items.forget()
            raise


def check(listens: Listens) -> None:
    """Raises BadInput for columns of different lengths, a time that is not finite, an unknown event."""
    columns = {name: values for name, values in vars(listens).items() if values is not None}
    wrong = [name for name, values in columns.items() if len(values) != len(listens)]
    if wrong:
        raise BadInput(f"{wrong[0]} has {len(columns[wrong[0]])} rows where user_id has {len(listens)}; give all alike")
    odd = np.flatnonzero(~np.isfinite(listens.timestamp))
    if len(odd):
        raise BadInput(f"listen {odd[0]} has the time {listens.timestamp[odd[0]]}; a time must be finite unix seconds")
    if len(listens) and listens.event.max() >= len(Event):
        raise BadInput(f"event {listens.event.max()} is unknown; the last one is {max(Event)} ({max(Event).word})")


@contextmanager
def _snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """Every question inside sees the same state of the file."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


def _mark_seen(db: sqlite3.Connection, keys: NDArray[np.int64]) -> NDArray[np.intp]:
    """The positions whose key is new, ascending, the first of each repeat; from now on their keys are seen."""
    distinct, rows = np.unique(keys, return_index=True)  # ascending keys also fill the table's pages in order
    into = "INSERT OR IGNORE INTO seen"
    db.execute("SAVEPOINT marking")
    added = insert(db, into, distinct.tolist())
    if 0 < added < len(distinct):  # rare: asking first would cost every import half as much again
        db.execute("ROLLBACK TO marking")
        known = [key for (key,) in _known(db, distinct)]
        new = ~np.isin(distinct, np.array(known, np.int64), assume_unique=True)
        distinct, rows = distinct[new], rows[new]
        insert(db, into, distinct.tolist())
    elif len(distinct) and not added:
        rows = rows[:0]
    db.execute("RELEASE marking")
    return np.sort(rows)


def _known(db: sqlite3.Connection, keys: NDArray[np.int64]) -> Iterator[tuple[int]]:
    listed = "[" + ",".join(map(str, keys.tolist())) + "]"
    yield from db.execute("SELECT key FROM seen WHERE key IN (SELECT value FROM json_each(?))", (listed,))


def _end_offset(db: sqlite3.Connection) -> int:
    last = "SELECT first_offset + count - 1 FROM batches ORDER BY first_offset DESC LIMIT 1"
    return int((db.execute(last).fetchone() or (0,))[0])


def _write(db: sqlite3.Connection, end: int, records: Records, path: Path) -> None:
    """Adds records after offset `end`; a short last batch is written again together with the first of them."""
    first = end + 1
    if len(records) < TAIL_RECORDS and end:
        tail = db.execute(f"SELECT {_BATCH} FROM batches ORDER BY first_offset DESC LIMIT 1").fetchone()
        if tail[1] < TAIL_RECORDS:
            first = tail[0]
            records = joined([_unpacked(tail, path), records])
    for start in range(0, len(records), BATCH_RECORDS):
        part = records.take(slice(start, start + BATCH_RECORDS))
        batch = (first + start, len(part), *part.span(), *part.pack())
        db.execute("INSERT OR REPLACE INTO batches VALUES(?, ?, ?, ?, ?, ?)", batch)


def _mended(db: sqlite3.Connection, path: Path) -> list[tuple[float, float]]:
    """The pauses, each without the stretches between listens in it that are too short for one; ascending."""
    mended: list[tuple[float, float]] = []
    for start, end in db.execute('SELECT start, "end" FROM pauses ORDER BY start').fetchall():
        batches = db.execute(f"SELECT {_NUMBERS} FROM batches WHERE last_time > ? AND first_time < ?", (start, end))
        times = joined([_unpacked(batch, path) for batch in batches]).timestamp  # NaN in a hole, which is no time
        edges = np.unique([start, *times[(times > start) & (times < end)].tolist(), end])
        long = np.diff(edges) >= PAUSE_SECONDS
        silences = list(zip(edges[:-1][long].tolist(), edges[1:][long].tolist(), strict=True))
        mended += [(start, end)] if long.all() else silences
    return mended


def _unpacked(batch: tuple[int, int, bytes, bytes | None], path: Path) -> Records:
    first, count, numbers, texts = batch
    return unpack(count, numbers, texts, f"the batch at offset {first} of the listening log {path}")


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
