"""Tests of listening tests: made in memory or in a folder, and raters whose tastes are planted."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from palate.core.home import Home
from palate.lab.listening_tests.answers import Answer
from palate.lab.listening_tests.design import Case, Kind, ListeningTest, Stimulus, checked, tasks_of
from palate.lab.listening_tests.shelf import Shelved, make

KEY, JOIN = "ab" * 32, "come-in"


def a_test(
    kind: Kind = "ab",
    conditions: Sequence[str] = ("ours", "intro", "random"),
    cases: int = 6,
    per_rater: int = 6,
    checks: int = 0,
    questions: tuple[str, ...] = ("Which?",),
) -> ListeningTest:
    """A test of lists; no file is needed."""
    made = tuple(
        Case(f"case-{number}", {name: Stimulus(items=((f"{name}-{number}", "Someone"),)) for name in conditions})
        for number in range(cases)
    )
    return checked(
        ListeningTest("made", "slates", kind, tuple(conditions), made, questions, per_rater, checks, 0, KEY, JOIN, 0.0)
    )


def on_shelf(root: Path, test: ListeningTest) -> Shelved:
    """The test in a new home."""
    return make(a_home(root), test, {})


def a_home(root: Path) -> Home:
    root.mkdir(parents=True, exist_ok=True)
    (root / "palate.toml").touch()
    return Home(root)


def planted(
    test: ListeningTest,
    strengths: Sequence[float],
    raters: int,
    seed: int = 0,
    ties: float = 1.0,
    rater_spread: float = 0.0,
    case_spread: float = 0.0,
) -> list[Answer]:
    """Answers of raters who follow Davidson's model; `ties` is its parameter v.

    rater_spread, case_spread: how far the own strengths of each rater and case lie from the common ones (normal, log).
    """
    rng = np.random.default_rng(seed)
    shape = (len(test.cases), len(test.conditions))
    of_case = dict(zip((case.id for case in test.cases), rng.normal(0, case_spread, shape), strict=True))
    answers = []
    for slot in range(raters):
        own = np.array(strengths) + rng.normal(0, rater_spread, len(test.conditions))
        for place, task in enumerate(tasks_of(test, slot, f"rater-{slot}")):
            left, right = (own[k] + of_case[task.case][k] for k in map(test.conditions.index, task.shown))
            weights = np.array([np.exp(left), np.exp(right), ties * np.exp((left + right) / 2)])
            value = ("left", "right", "same")[rng.choice(3, p=weights / weights.sum())]
            answers.append(given(f"rater-{slot}", place, task.case, task.shown, (value,), check=task.check, sure=2))
    return answers


def given(
    rater: str,
    place: int,
    case: str,
    shown: tuple[str, ...],
    value: tuple[str | float, ...],
    check: bool = False,
    sure: int = 0,
) -> Answer:
    """One answer."""
    return replace(
        Answer(f"{rater}:{place}", rater, f"{rater}-{place}", case, shown, value), check=check, sure=sure, seconds=10.0
    )
