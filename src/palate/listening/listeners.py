"""What does not change from listen to listen: country, account age, device, ... as their source writes it.

One durable table of texts, and the columns of it that lie beside a History. Nothing here needs polars, so serving reads
it too.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import packed_texts, read_arrays, unpacked_texts, write_arrays
from palate.core.clock import Calendar
from palate.core.errors import BadInput, Corrupt
from palate.core.home import Home
from palate.core.locks import alone
from palate.listening.deleted import FILE as DELETED
from palate.listening.deleted import DeletedUsers

FORMAT = 1
ACCOUNT_CREATED = "account_created"  # when the account was made: the one column whose meaning the house knows
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].+)?")  # fromisoformat takes 20140120 too, which is a number

Column = list[str | None]


@dataclass(frozen=True)
class ListenerColumns:
    """The attributes of every listener of a History, as texts.

    values # by column: (users,) texts, aligned with `History.users`; None where unknown. {} when nothing is known
    """

    values: dict[str, Column]

    def __post_init__(self) -> None:
        sizes = {name: len(texts) for name, texts in self.values.items()}
        if len(set(sizes.values())) > 1:
            raise BadInput(f"the listener columns have {sizes} values; every column needs one for each listener")

    def take(self, rows: NDArray[np.integer] | Sequence[int]) -> "ListenerColumns":
        """The listeners at `rows`, in that order; -1 stands for one of whom nothing is known."""
        places = [int(row) for row in rows]
        values = {name: [texts[row] if row >= 0 else None for row in places] for name, texts in self.values.items()}
        return ListenerColumns(values)

    def number(self, column: str) -> NDArray[np.float64]:
        """(users,) float64: a number as it is, an ISO date or time as unix seconds (without a zone UTC); else NaN.

        BadInput for a column that is not there, naming those that are.
        """
        if column not in self.values:
            raise BadInput(f"listeners have no column {column!r}; there are: {', '.join(self.values) or 'none'}")
        return np.array([number_of(text) for text in self.values[column]], np.float64)

    def in_home_time(self, calendar: Calendar) -> "ListenerColumns":
        """The same with `account_created` in home seconds, so that it can be set against the times of a History."""
        if ACCOUNT_CREATED not in self.values:
            return self
        created = calendar.home_times(self.number(ACCOUNT_CREATED))
        texts: Column = [None if math.isnan(one) else repr(one) for one in created.tolist()]
        return ListenerColumns({**self.values, ACCOUNT_CREATED: texts})

    def save(self, path: Path) -> None:
        """Writes the columns atomically as .npz."""
        write_arrays(path, values=packed_texts(self.values))

    @classmethod
    def load(cls, path: Path) -> "ListenerColumns":
        """Reads what `save` wrote; Corrupt when it is damaged."""
        return cls(unpacked_texts(read_arrays(path)["values"]))


def number_of(text: str | None) -> float:
    """One text as a finite number, or as unix seconds when it is an ISO date or time; NaN for anything else.

    >>> number_of("1990"), number_of("1970-01-02"), number_of("1970-01-01T01:00:00+01:00"), number_of("SE")
    (1990.0, 86400.0, 0.0, nan)
    """
    if text is None:
        return math.nan
    if _NUMBER.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else math.nan
    if not _DATE.fullmatch(text):
        return math.nan
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):  # 2014-02-30
        return math.nan


@dataclass
class ListenerTable:
    """Every listener's attributes, by id. Changes live in memory until `save`; writers open it with `changing`."""

    path: Path
    values: dict[str, Column] = field(default_factory=dict)
    _row_of: dict[str, int] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> "ListenerTable":
        """Reads the table; empty when there is none. Corrupt when it is damaged or of a newer format."""
        if not path.is_file():
            return cls(path)
        stored = read_arrays(path)
        found = int(stored["format"]) if "format" in stored else None
        if found is None or found > FORMAT:
            raise Corrupt(f"{path} has format {found}, and this Palate reads up to {FORMAT}; upgrade Palate")
        users = unpacked_texts(stored["users"])
        return cls(path, unpacked_texts(stored["values"]), {user: row for row, user in enumerate(users)})

    @classmethod
    @contextmanager
    def changing(cls, path: Path) -> Iterator["ListenerTable"]:
        """The table for one writer at a time, saved when the block ends without an error; other writers wait."""
        with alone(path.with_suffix(".lock")):
            table = cls.open(path)
            yield table
            table.save()

    def save(self) -> None:
        """Writes the table durably; a reader sees the old one or the new one, never half."""
        users, values = packed_texts(list(self._row_of)), packed_texts(self.values)
        write_arrays(self.path, format=np.array(FORMAT), users=users, values=values)

    def __len__(self) -> int:
        return len(self._row_of)

    def upsert(self, user_ids: Sequence[str], values: Mapping[str, Sequence[str | None]]) -> int:
        """Adds what is told of each listener; gives how many of the rows were new or changed something.

        values # by column: (n,) texts beside `user_ids`. A known text replaces the one before, None erases nothing; of
                 a listener who occurs twice, the later row holds.
        Deleted users (listening/deleted.py) are left out.
        """
        deleted = DeletedUsers(self.path.parent / DELETED).among(user_ids)
        if deleted:
            kept = [place for place, user in enumerate(user_ids) if user not in deleted]
            values = {name: [texts[place] for place in kept] for name, texts in values.items()}
            user_ids = [user_ids[place] for place in kept]
        before = len(self._row_of)
        rows = [self._row_of.setdefault(user, len(self._row_of)) for user in user_ids]
        changed, met = [False] * len(rows), before
        for place, row in enumerate(rows):
            if row == met:
                changed[place], met = True, met + 1
        for texts in self.values.values():
            texts.extend([None] * (met - before))
        for name, told in values.items():
            texts = self.values.setdefault(name, [None] * met)
            for place, (row, text) in enumerate(zip(rows, told, strict=True)):
                if text is not None and texts[row] != text:
                    texts[row], changed[place] = text, True
        return sum(changed)

    def of(self, user_id: str) -> dict[str, str]:
        """What is known of one listener; nothing for one who is not in the table."""
        row = self._row_of.get(user_id)
        told = {} if row is None else {name: texts[row] for name, texts in self.values.items()}
        return {name: text for name, text in told.items() if text is not None}

    def forget(self, user_ids: Sequence[str]) -> int:
        """Takes these listeners out of the table; gives how many were in it."""
        gone = {self._row_of[user] for user in user_ids if user in self._row_of}
        if gone:
            kept = [(user, row) for user, row in self._row_of.items() if row not in gone]
            for name, texts in self.values.items():
                self.values[name] = [texts[row] for _, row in kept]
            self._row_of = {user: place for place, (user, _) in enumerate(kept)}
        return len(gone)

    def columns_for(self, users: Sequence[str]) -> ListenerColumns:
        """The attributes of `users`, in their order; columns in which none of them has a value are left out."""
        rows = [self._row_of.get(user, -1) for user in users]
        taken = ListenerColumns(self.values).take(rows).values
        return ListenerColumns(
            {name: texts for name, texts in taken.items() if any(text is not None for text in texts)}
        )


def read_listeners(home: Home, users: list[str]) -> ListenerColumns:
    """What the home knows of `users`, in their order, as it was imported; nothing when none was.

    Times in it are unix seconds as text; `ListenerColumns.in_home_time` makes them comparable with a History.
    """
    return ListenerTable.open(home.listeners).columns_for(users)
