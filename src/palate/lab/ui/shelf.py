"""All runs of a book, kept between requests, so that a request only reads what has changed since the one before.

Reading ten thousand runs from the index takes 0.6 s, looking at their folders' names and at the few that are still at
work 15 ms. Runs that ended do not change, so what was read of them stays true.
"""

import os
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from palate.lab.book import FINAL, Book, RunInfo, read_run
from palate.lab.folder import JOURNAL, held
from palate.lab.index import Mark, mark
from palate.lab.ui.view import is_number

FIRST_COLUMNS = 4
BOUNDS = (".low", ".high")  # of an interval, whose middle has a column of its own
PLACES = ("summary", "config", "about")
FIELDS = ("id", "name", "job", "group", "state", "created", "ended", "seconds", "steps", "resumed", "error", "key")
NUMBERS = ("created", "ended", "seconds", "steps", "resumed")


@dataclass(frozen=True)
class Named:
    """A name that runs have a value under. `ask` is what a column, a condition or a sort calls it."""

    ask: str
    place: str  # field, summary, config or about
    count: int  # runs that have it
    number: bool  # of the first run that has it


Sign = tuple[Mark, bool]  # of a run that has not ended: its journal as it was, whether somebody writes it


class Shelf:
    """The runs of one book. Several threads may ask."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._lock = threading.Lock()
        self._known: dict[str, RunInfo] | None = None
        self._signs: dict[str, Sign] = {}
        self._runs: list[RunInfo] = []
        self._names: list[Named] | None = None

    def runs(self) -> list[RunInfo]:
        """Every run as it is now, oldest first. The list is not to be changed."""
        with self._lock:
            self._refresh()
            return self._runs

    def get(self, run: str) -> RunInfo:
        """A run by its id, the beginning of it, or its name; BadInput as Book.get."""
        with self._lock:
            self._refresh()
            found = self._known.get(run) if self._known else None
        return found or self.book.get(run)

    def names(self) -> list[Named]:
        """Every name that at least one run has, fields first, then by place, in the order of first use."""
        with self._lock:
            self._refresh()
            if self._names is None:
                self._names = _names(self._runs)
            return self._names

    def _refresh(self) -> None:
        if self._known is None:
            self._known = {info.id: info for info in self.book.runs()}
            changed = True
        else:
            changed = self._look_again(self._known)
        if changed:
            self._runs, self._names = [self._known[name] for name in sorted(self._known)], None

    def _look_again(self, known: dict[str, RunInfo]) -> bool:
        folder = self.book.runs_folder
        there = {entry.name for entry in os.scandir(folder)} if folder.is_dir() else set()
        gone = known.keys() - there
        for name in gone:
            del known[name]
        new = {name for name in there - known.keys() if not name.startswith(".")}
        at_work = {name for name, info in known.items() if info.state not in FINAL}
        changed = bool(gone)
        for name in new | {name for name in at_work if self._sign(name) != self._signs.get(name)}:
            sign = self._sign(name)  # before reading: what is written meanwhile is read again next time
            info = read_run(folder / name)
            if info is not None:
                known[name], self._signs[name], changed = info, sign, True
        return changed

    def _sign(self, name: str) -> Sign:
        folder = self.book.runs_folder / name
        with held(folder) as alive:
            return mark(folder / JOURNAL), alive


def default_columns(names: list[Named]) -> list[str]:
    """What is shown until the reader chooses: the numbers that most runs came to."""
    results = [one for one in names if one.place == "summary" and one.number and not one.ask.endswith(BOUNDS)]
    return [one.ask for one in sorted(results, key=lambda one: -one.count)[:FIRST_COLUMNS]]


def _names(runs: list[RunInfo]) -> list[Named]:
    counts: dict[str, Counter[str]] = {place: Counter() for place in PLACES}
    first: dict[tuple[str, str], Any] = {}
    for info in runs:
        for place, counted in counts.items():
            told = getattr(info, place)
            for name in told.keys() - counted.keys():
                first[place, name] = told[name]
            counted.update(told.keys())
    found = [Named(name, "field", len(runs), name in NUMBERS) for name in FIELDS]
    taken = set(FIELDS)
    for place, counted in counts.items():
        asks = {name: f"{place}.{name}" if name in taken else name for name in counted}
        found += [Named(asks[name], place, n, is_number(first[place, name])) for name, n in counted.items()]
        taken |= counted.keys()
    return found
