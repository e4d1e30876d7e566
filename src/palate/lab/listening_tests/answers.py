"""What raters answered: an append-only file of JSON lines, one for each answer that was accepted.

An answer that is sent again with the same id counts once; another answer to the same task takes the place of the first.
Each line says which conditions were shown, so that it can be read without the test's design.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from threading import Lock
from typing import Any

from palate.core.errors import BadInput
from palate.lab.journal import read_journal
from palate.lab.listening_tests.design import ListeningTest, Task
from palate.lab.listening_tests.ledger import add, held

SIDES = ("left", "right", "same")
WORDS = ("yes", "no", "unsure")
SURE = {1: "a guess", 2: "fairly sure", 3: "certain"}
LONGEST_ID = 80


@dataclass(frozen=True)
class Answer:
    """One answer.

    id            made by whoever sends it; the same id is the same answer
    task          which of the rater's tasks
    shown         the conditions in the order in which they stood
    value         ab: one of left, right, same; rating: a number 0 to 100 for each shown; questions: yes, no or unsure
                  for each question
    sure          1 a guess, 2 fairly, 3 certain; 0 where nobody asked
    check         the answer was known before; counts for screening only
    seconds       spent on the page
    heard_seconds how long each sound was played
    at            unix seconds
    source        page, or csv
    """

    id: str
    rater: str
    task: str
    case: str
    shown: tuple[str, ...]
    value: tuple[str | float, ...]
    sure: int = 0
    check: bool = False
    seconds: float = 0.0
    heard_seconds: tuple[float, ...] = ()
    at: float = 0.0
    source: str = "page"


NAMES = {field.name for field in fields(Answer)}


class AnswerBook:
    """The answers of one test, read once and then from where it stopped. Threads and processes may share the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._read_bytes = 0
        self._ids: set[str] = set()
        self._answers: dict[tuple[str, str], Answer] = {}

    def append(self, answer: Answer) -> bool:
        """Puts the answer on the disk; False when it is there already. OSError when the disk does not take it."""
        with self._lock, held(self.path) as descriptor:
            self._refresh()  # another server may have written
            if answer.id in self._ids:
                return False
            add(descriptor, asdict(answer))
            self._refresh()
        return True

    def answers(self) -> list[Answer]:
        """The last answer of every rater to every task, in the order in which the tasks were first answered."""
        with self._lock:
            self._refresh()
            return list(self._answers.values())

    def of(self, rater: str) -> dict[str, Answer]:
        """One rater's answers by task."""
        return {answer.task: answer for answer in self.answers() if answer.rater == rater}

    def _refresh(self) -> None:
        for end, record in read_journal(self.path, self._read_bytes):
            self._read_bytes = end
            answer = _answer(record)
            if answer is not None and answer.id not in self._ids:
                self._ids.add(answer.id)
                self._answers[answer.rater, answer.task] = answer


def _answer(record: dict[str, Any]) -> Answer | None:
    """The answer of a line; None when the line is none. Names that a later Palate added are left out."""
    known: dict[str, Any] = {name: value for name, value in record.items() if name in NAMES}
    try:
        return Answer(**known | {name: tuple(known[name]) for name in ("shown", "value", "heard_seconds")})
    except (TypeError, KeyError):
        return None


def value_of(test: ListeningTest, task: Task, value: Sequence[Any]) -> tuple[str | float, ...]:
    """`value`, if it can be the answer to the task; else BadInput says what could."""
    if test.kind == "rating":
        if len(value) != len(task.shown) or not all(_is_rating(one) for one in value):
            raise BadInput(f"a rating is {len(task.shown)} numbers from 0 to 100, got {list(value)!r:.80}")
        return tuple(float(one) for one in value)
    wanted, choices = (1, SIDES) if test.kind == "ab" else (len(test.questions), WORDS)
    if len(value) != wanted or not all(one in choices for one in value):
        raise BadInput(f"an answer is {wanted} of {', '.join(choices)}, got {list(value)!r:.80}")
    return tuple(value)


def sure_of(test: ListeningTest, sure: Any) -> int:
    """How sure the rater was, where that is asked: 1, 2 or 3 for ab, else 0."""
    if test.kind != "ab":
        return 0
    if not isinstance(sure, int) or isinstance(sure, bool) or sure not in SURE:
        raise BadInput(f"`sure` is 1 (a guess), 2 (fairly) or 3 (certain), got {sure!r:.40}")
    return sure


def _is_rating(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100
