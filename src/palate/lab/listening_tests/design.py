"""A listening test as a value, and what each rater gets of it.

The tasks of a test stand in one circle. Rater after rater gets the next stretch of it, so every task is answered about
equally often; each time round, left and right change places. Within the stretch the order is the rater's own. All of it
follows from the test's seed, the rater's place in the queue and the rater's id: nothing has to be stored.
"""

import hashlib
import hmac
from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal, get_args

import numpy as np

from palate.core.errors import BadInput

Kind = Literal["ab", "rating", "questions"]
Of = Literal["slates", "clips", "transitions", "sounds"]
KINDS: tuple[Kind, ...] = get_args(Kind)
OF: tuple[Of, ...] = get_args(Of)
REFERENCE = "reference"  # a condition of this name is shown openly in ratings, and once more hidden
ANCHOR = "anchor"  # conditions whose names begin so are meant to be bad
MOST_AT_ONCE = 8  # stimuli in one rating; BS.1534-3 allows 12, a phone does not
QUESTIONS: dict[Of, str] = {
    "slates": "Which list suits this listener better?",
    "clips": "Which clip makes you want to hear more?",
    "transitions": "Which transition sounds better?",
    "sounds": "Which one sounds better?",
}
RATINGS: dict[Of, str] = {
    "slates": "How well does each list suit this listener?",
    "clips": "How much does each clip make you want to hear more?",
    "transitions": "How good does each transition sound?",
    "sounds": "How good does each one sound?",
}


@dataclass(frozen=True)
class Stimulus:
    """What is judged: a sound file, or a list of (title, artists).

    file: the name in the test's folder, empty for a list. Never sent to a rater.
    """

    file: str = ""
    media_type: str = ""
    items: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Case:
    """One thing that every condition has made: a song, an episode, a listener.

    stimuli  by condition
    context  what raters see above it: (title, artists) of what the listener played lately, newest first
    """

    id: str
    stimuli: dict[str, Stimulus]
    context: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ListeningTest:
    """One test; what is written to test.json and never changes.

    questions  one for ab and rating; for kind "questions" each is answered yes, no or unsure
    per_rater  tasks that each rater gets, checks not counted
    checks     tasks more, whose answer is known (the same stimulus on both sides) or has been given before
    key        secret of this test: ids and addresses that raters see are made with it
    join       what an address must carry to take part
    notes      what whoever reads the results should know of the stimuli
    """

    name: str
    of: Of
    kind: Kind
    conditions: tuple[str, ...]
    cases: tuple[Case, ...]
    questions: tuple[str, ...]
    per_rater: int
    checks: int
    seed: int
    key: str
    join: str
    created: float
    simulated: bool = False
    notes: tuple[str, ...] = ()

    def case(self, case_id: str) -> Case:
        """The case with this id."""
        return next(case for case in self.cases if case.id == case_id)


@dataclass(frozen=True)
class Task:
    """One question to one rater. `shown` are the conditions in the order in which they stand on the page.

    Two for ab; every condition for a rating; one for questions. A check is not counted in any result.
    """

    case: str
    shown: tuple[str, ...]
    check: bool = False


def checked(test: ListeningTest) -> ListeningTest:
    """The test, with no more tasks for a rater than there are; BadInput when it cannot be answered.

    Every case must have a stimulus for each condition.
    """
    fewest = 1 if test.kind == "questions" else 2
    if len(set(test.conditions)) != len(test.conditions) or len(test.conditions) < fewest:
        given = ", ".join(test.conditions) or "none"
        raise BadInput(f"a test of kind {test.kind} compares {fewest} or more different conditions, got {given}")
    if test.kind == "rating" and len(test.conditions) > MOST_AT_ONCE:
        raise BadInput(f"a rating shows at most {MOST_AT_ONCE} conditions at once, got {len(test.conditions)}")
    if test.kind == "rating" and test.checks:
        raise BadInput(f"a rating is checked by a condition called {REFERENCE!r}, not by --checks; leave that out")
    if test.per_rater < 1 or test.checks < 0 or test.seed < 0:
        raise BadInput("--pairs must be 1 or more, --checks and --seed 0 or more")
    if not test.cases or not test.questions:
        raise BadInput(f"the test {test.name!r} has no cases or no question; give both")
    return replace(test, per_rater=min(test.per_rater, len(circle(test))))


def circle(test: ListeningTest) -> list[Task]:
    """Every task of the test once, in the order in which they are dealt out.

    Neighbours differ in case and in condition, so that a short stretch has many cases and every condition; each two
    conditions change sides from one task to the next.
    """
    cases = [test.cases[place].id for place in _rng(test.seed, "cases").permutation(len(test.cases))]
    if test.kind == "rating":
        return [Task(case, test.conditions) for case in cases]
    size = 2 if test.kind == "ab" else 1
    groups = list(combinations(test.conditions, size))
    dealt: Counter[tuple[str, ...]] = Counter()
    tasks = []
    for turn in range(len(groups)):
        for place, case in enumerate(cases):
            group = groups[(place + turn) % len(groups)]
            tasks.append(Task(case, group[::-1] if dealt[group] % 2 else group))
            dealt[group] += 1
    return tasks


def tasks_of(test: ListeningTest, slot: int, rater: str) -> list[Task]:
    """What the rater who holds place `slot` (from 0) in the queue is asked, in order; always the same."""
    around = circle(test)
    rng = _rng(test.seed, rater)
    mine = []
    for position in range(slot * test.per_rater, (slot + 1) * test.per_rater):
        lap, place = divmod(position, len(around))
        mine.append(replace(around[place], shown=_turned(test, around[place].shown, lap, place)))
    mine = [mine[place] for place in rng.permutation(len(mine))]
    return _with_checks(test, mine, rng)


def _turned(test: ListeningTest, shown: tuple[str, ...], lap: int, place: int) -> tuple[str, ...]:
    """The conditions as they stand on this lap: sides change for ab; for a rating every condition gets every place."""
    if test.kind == "ab":
        return shown[::-1] if lap % 2 else shown
    if test.kind == "rating":
        mixed = [shown[one] for one in _rng(test.seed, "order", str(place)).permutation(len(shown))]
        start = lap % len(mixed)
        return (*mixed[start:], *mixed[:start])
    return shown


def _with_checks(test: ListeningTest, tasks: list[Task], rng: np.random.Generator) -> list[Task]:
    """The tasks with `checks` more: for ab one stimulus on both sides, for questions one that was asked before."""
    out = list(tasks)
    for place in rng.permutation(len(tasks))[: test.checks].tolist():
        one = tasks[place]
        if test.kind == "ab":
            twice = (one.shown[int(rng.integers(2))],) * 2
            out.insert(int(rng.integers(len(out) + 1)), Task(one.case, twice, check=True))
        else:
            after = out.index(one) + 1
            out.insert(int(rng.integers(after, len(out) + 1)), replace(one, check=True))
    return out


def opaque(test: ListeningTest, *words: str) -> str:
    """A name that tells nothing to who lacks the test's key, and is always the same: 20 hexadecimal digits."""
    return hmac.new(bytes.fromhex(test.key), "\0".join(words).encode(), hashlib.sha256).hexdigest()[:20]


def _rng(seed: int, *words: str) -> np.random.Generator:
    digest = hashlib.blake2b("\0".join(words).encode(), digest_size=16).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, np.uint32).tolist()])
