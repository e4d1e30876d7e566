"""From files to a home: listens and listeners into the log's folder, items and playlists into the catalogue.

Bad rows go into a file to read.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, TypeAlias, TypeVar

from palate.catalog.catalog import Catalog
from palate.catalog.playlists import PlaylistTable
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.items import Item, Membership
from palate.core.listens import Listens
from palate.core.progress import progress
from palate.listening.deleted import DeletedUsers
from palate.listening.listeners import ListenerTable
from palate.listening.log import ListeningLog
from palate.sources.items import read_items
from palate.sources.listeners import Listeners, read_listeners
from palate.sources.listens import read_listens
from palate.sources.mapping import ITEM_FIELDS, resolve
from palate.sources.playlists import read_playlists
from palate.sources.rejects import Reject, write_rejects
from palate.sources.tables import open_table

_WITHOUT_UNKNOWN = ("kind", "explicit", "available")  # fields of Item whose default may mean that nobody said it
_VALUE = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?""")


class _Chunk(Protocol):
    def __len__(self) -> int: ...


C = TypeVar("C", bound=_Chunk)
Reading: TypeAlias = Iterator[tuple[C, list[Reject]]]


@dataclass(frozen=True)
class ImportReport:
    """What one import did; rows = accepted + duplicates + rejected + left_out.

    accepted     # listens or memberships that are new; items or listeners that are new or changed
    duplicates   # what was there already, as it is now
    reasons      # why rows were rejected, with "…" for what differs from row to row: how many, the most frequent first
    rejects_file # the rejected rows with file, line and reason (CSV); None when there are none
    left_out     # rows of deleted users, who stay deleted (listening/deleted.py)
    """

    files: int
    rows: int
    accepted: int
    duplicates: int
    rejected: int
    reasons: dict[str, int]
    rejects_file: Path | None
    seconds: float
    left_out: int = 0


def import_listens(home: Home, files: list[Path], mapping: dict[str, str], strict: bool, now: float) -> ImportReport:
    """Appends the listens in `files` to the home's log; `now` (unix seconds) tells which times lie in the future.

    What has been read is kept when a later file cannot be: importing all of them again changes nothing. With `strict`
    everything is read first, and BadInput names the first bad row before anything is written.
    """
    task = _Import(home.require(), partial(read_listens, mapping=mapping, now=now), now)
    if strict:
        task.check(files)
    with ListeningLog(home.log) as log:

        def append(listens: Listens) -> int:
            appended = log.append(listens)
            task.leave_out(appended.left_out)
            return appended.accepted

        for file in files:
            task.load(file, append)
        log.mend_pauses()
    return task.report(len(files))


def import_items(home: Home, files: list[Path], mapping: dict[str, str], strict: bool, now: float) -> ImportReport:
    """Adds the items in `files` to the home's catalogue, all files or, if one cannot be read, none; `strict` as above.

    Rows of one item in one file count as one row. What a file does not say of a known item stays as it was.
    """
    task = _Import(home.require(), partial(read_items, mapping=mapping), now)
    if strict:
        task.check(files)
    with Catalog.changing(home.catalog) as catalog:

        def upsert(items: list[Item], unstated: list[str]) -> int:
            report = catalog.upsert(items, unstated)
            return report.new + report.changed

        for file in files:
            task.load(file, partial(upsert, unstated=_unstated(file, mapping)))
    return task.report(len(files))


def import_playlists(home: Home, files: list[Path], mapping: dict[str, str], strict: bool, now: float) -> ImportReport:
    """Adds the memberships in `files`, all files or none, and what they hold to the catalogue; `strict` as above.

    The catalogue is saved first, so no membership ever points to an item that the catalogue lacks.
    """
    task = _Import(home.require(), partial(read_playlists, mapping=mapping), now)
    if strict:
        task.check(files)
    with PlaylistTable.changing(home.catalog) as playlists:  # its lock is the catalogue's too
        catalog = Catalog.open(home.catalog)

        def add(memberships: list[Membership]) -> int:
            catalog.ensure(one.item_id for one in memberships)
            return playlists.add(memberships)

        for file in files:
            task.load(file, add)
        catalog.save()
    return task.report(len(files))


def import_listeners(home: Home, files: list[Path], mapping: dict[str, str], strict: bool, now: float) -> ImportReport:
    """Adds what `files` say of listeners, all files or, if one cannot be read, none; `strict` as above.

    A later value replaces the one before; what a file leaves empty stays as it was.
    """
    task = _Import(home.require(), partial(read_listeners, mapping=mapping), now)
    if strict:
        task.check(files)
    with ListenerTable.changing(home.listeners) as table:
        deleted = DeletedUsers.of(home)

        def upsert(listeners: Listeners) -> int:
            gone = deleted.among(listeners.user_id)
            task.leave_out(sum(user in gone for user in listeners.user_id) if gone else 0)
            return table.upsert(listeners.user_id, listeners.values)

        for file in files:
            task.load(file, upsert)
    return task.report(len(files))


class _Import(Generic[C]):
    """One import under way: reads files, counts rows, keeps the rejected ones."""

    def __init__(self, home: Home, read: Callable[[Path], Reading[C]], now: float) -> None:
        self._home, self._read, self._now = home, read, now
        self._began = time.perf_counter()
        self._rows = self._accepted = self._rejected = self._left_out = 0
        self._reasons: Counter[str] = Counter()
        self._rejects_file: Path | None = None

    def check(self, files: list[Path]) -> None:
        """Reads every file to its end; BadInput for the first row that would be rejected."""
        for file in files:
            for _, rejects in progress(self._read(file), f"checking {file.name}", unit=" chunks"):
                for one in rejects:
                    raise BadInput(
                        f"{one.file} line {one.line}: {one.reason}; correct the row, or import without --strict to "
                        "leave such rows out (nothing was imported)"
                    )

    def load(self, file: Path, store: Callable[[C], int]) -> None:
        """Stores every chunk of one file; `store` says how many of its rows were accepted."""
        for chunk, rejects in progress(self._read(file), f"importing {file.name}", unit=" chunks"):
            self._rows += len(chunk) + len(rejects)
            self._rejected += len(rejects)
            self._reasons.update(general(one.reason) for one in rejects)
            self._keep(file, rejects)
            if len(chunk):
                self._accepted += store(chunk)

    def leave_out(self, rows: int) -> None:
        """Counts rows of deleted users."""
        self._left_out += rows

    def report(self, files: int) -> ImportReport:
        return ImportReport(
            files=files,
            rows=self._rows,
            accepted=self._accepted,
            duplicates=self._rows - self._accepted - self._rejected - self._left_out,
            rejected=self._rejected,
            reasons=dict(self._reasons.most_common()),
            rejects_file=self._rejects_file,
            seconds=time.perf_counter() - self._began,
            left_out=self._left_out,
        )

    def _keep(self, file: Path, rejects: list[Reject]) -> None:
        """All rejects of an import go to one file, named after the first of its files that has any."""
        if rejects and self._rejects_file is None:
            moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._now))
            self._rejects_file = self._home.rejects / f"{moment}-{file.name}.csv"
        if self._rejects_file is not None:
            write_rejects(self._rejects_file, rejects)


def general(reason: str) -> str:
    """A reason without the values of its row, so that equal mistakes count together.

    >>> general("timestamp is '2014-13-40', not a time"), general("seconds_played is negative (-5.0)")
    ('timestamp is …, not a time', 'seconds_played is negative (…)')
    """
    return _VALUE.sub("…", reason)


def _unstated(file: Path, mapping: dict[str, str]) -> list[str]:
    """Which of kind, explicit and available the file has no column for, so that it changes them for no known item."""
    table = open_table(file)
    columns = resolve(ITEM_FIELDS, mapping, table.columns, str(file), table.loose)
    return [name for name in _WITHOUT_UNKNOWN if columns.get(name) not in table.columns]
