"""The listening tests of a home: home/lab/listening/NAME/.

    test.json      the test, which never changes
    stimuli/       its sounds, numbered
    raters.jsonl   who took part: the id they keep, their place in the queue, a nickname if they gave one
    answers.jsonl  what they answered (answers.py)

A folder with its final name is complete. Deleting the folder deletes the test.
"""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from palate.core.artefacts import atomic_folder, read_json, write_json
from palate.core.errors import BadInput, Corrupt
from palate.core.home import Home
from palate.lab.journal import read_journal
from palate.lab.listening_tests.answers import AnswerBook
from palate.lab.listening_tests.design import Case, ListeningTest, Stimulus, checked
from palate.lab.listening_tests.ledger import add, held

FORMAT = 1
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
WAITS_SECONDS = 3_600.0  # a place whose rater has answered nothing for so long is given to the next one too
LONGEST_NICKNAME = 40


def new_keys() -> tuple[str, str]:
    """(key, join) of a new test."""
    return secrets.token_hex(32), secrets.token_urlsafe(6)


def folder_of(home: Home, name: str) -> Path:
    """Where the test is, or would be; BadInput for what cannot be a name."""
    if not NAME.fullmatch(name):
        raise BadInput(f"a test cannot be called {name[:80]!r}; use small letters, digits, - and _, 64 at most")
    return home.lab / "listening" / name


def make(home: Home, test: ListeningTest, files: Mapping[str, bytes]) -> "Shelved":
    """Writes a new test with its sounds; BadInput when there is one of this name, or it cannot be answered."""
    test, folder = checked(test), folder_of(home.require(), test.name)
    if folder.exists():
        raise BadInput(f"there is a test {test.name!r} already; give another name, or delete {folder}")
    with atomic_folder(folder) as temporary:
        (temporary / "stimuli").mkdir()
        for name, data in files.items():
            (temporary / "stimuli" / name).write_bytes(data)
        write_json(temporary / "test.json", {"format": FORMAT} | asdict(test))
    return Shelved(folder, test)


def open_test(home: Home, name: str) -> "Shelved":
    """The test of this name; BadInput names those there are."""
    folder = folder_of(home, name)
    if not (folder / "test.json").is_file():
        there = ", ".join(names(home)) or "none"
        raise BadInput(f"no listening test {name!r} here; there are: {there}")
    return Shelved(folder, _read(folder / "test.json"))


def names(home: Home) -> list[str]:
    """The tests of the home, by name."""
    return sorted(path.parent.name for path in (home.lab / "listening").glob("*/test.json"))


def _read(path: Path) -> ListeningTest:
    stored: dict[str, Any] = read_json(path)
    if stored.pop("format", None) != FORMAT:
        raise Corrupt(f"{path} was not written by this Palate, which reads format {FORMAT}; upgrade")
    cases = tuple(
        Case(
            one["id"],
            {name: Stimulus(it["file"], it["media_type"], _lines(it["items"])) for name, it in one["stimuli"].items()},
            _lines(one["context"]),
        )
        for one in stored.pop("cases")
    )
    lists = {name: tuple(stored[name]) for name in ("conditions", "questions", "notes")}
    return ListeningTest(**stored | lists | {"cases": cases})


def _lines(stored: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((title, artists) for title, artists in stored)


@dataclass
class Shelved:
    """One test on disk: its value, its raters and its answers. Threads and processes may share it."""

    folder: Path
    test: ListeningTest
    wall: Callable[[], float] = time.time
    book: AnswerBook = field(init=False)

    def __post_init__(self) -> None:
        self.book = AnswerBook(self.folder / "answers.jsonl")

    @property
    def _raters_file(self) -> Path:
        return self.folder / "raters.jsonl"

    def raters(self) -> dict[str, dict[str, Any]]:
        """Everybody who took part on the page, by id: slot, nickname, at (unix seconds)."""
        return {str(one["rater"]): one for _, one in read_journal(self._raters_file)}

    def join(self, token: str, nickname: str = "") -> str:
        """A new rater's id, kept on disk; BadInput when the token is not this test's."""
        if not secrets.compare_digest(token.encode(), self.test.join.encode()):
            raise BadInput("this link does not open the test; ask for the one that `palate lab listen serve` printed")
        with held(self._raters_file) as descriptor:
            rater, now = secrets.token_urlsafe(16), self.wall()
            record = {"rater": rater, "slot": self._free_slot(now), "at": now}
            nickname = " ".join(nickname.split())[:LONGEST_NICKNAME]
            add(descriptor, record | ({"nickname": nickname} if nickname else {}))
        return rater

    def slot(self, rater: str) -> int:
        """The rater's place in the queue; BadInput for somebody who never joined."""
        found = self.raters().get(rater)
        if found is None:
            raise BadInput("this rater is not known here; open the link of the test again")
        return int(found["slot"])

    def sound(self, stimulus: Stimulus) -> Path:
        """The file of a stimulus."""
        return self.folder / "stimuli" / stimulus.file

    def _free_slot(self, now: float) -> int:
        """The first place that nobody fills: who joined and left without an answer must not leave a hole."""
        busy = {answer.rater for answer in self.book.answers()}
        taken = {
            one["slot"]
            for rater, one in self.raters().items()
            if rater in busy or one["at"] > now - WAITS_SECONDS
        }  # fmt: skip
        return next(slot for slot in range(len(taken) + 1) if slot not in taken)
