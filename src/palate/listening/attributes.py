"""What is told of listeners, looked up by id as it is on disk now: for a process that runs while it changes."""

import threading
from collections.abc import Sequence
from pathlib import Path

from palate.core.clock import Calendar
from palate.listening.listeners import ListenerColumns, ListenerTable


class Attributes:
    """The table of listeners at `path`, read again when the file has changed; threads may share one.

    What was deleted is out with the next question: the table is written before a deletion counts as done.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._turn = path, threading.Lock()
        self._read: tuple[tuple[int, int, int] | None, ListenerTable] = (None, ListenerTable(path))

    def of(self, user_ids: Sequence[str], calendar: Calendar) -> ListenerColumns:
        """What is known of each now, in their order and in home time; no columns when nothing is known of any.

        Corrupt when the table is damaged.
        """
        return self._table().columns_for(user_ids).in_home_time(calendar)

    def _table(self) -> ListenerTable:
        with self._turn:
            mark = self._mark()
            if mark != self._read[0]:
                self._read = (mark, ListenerTable.open(self._path))
            return self._read[1]

    def _mark(self) -> tuple[int, int, int] | None:
        """Changes when the file is replaced, as every save does; None while there is none."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return None
        return stat.st_ino, stat.st_mtime_ns, stat.st_size
