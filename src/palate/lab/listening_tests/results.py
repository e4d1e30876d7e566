"""What the answers to one test come to: with everybody, and without the raters who fail their checks."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from math import isnan
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.lab.listening_tests.answers import WORDS, Answer
from palate.lab.listening_tests.design import ListeningTest
from palate.lab.listening_tests.screening import screened
from palate.lab.listening_tests.shelf import Shelved
from palate.lab.listening_tests.statistics.agreement import Metric, alpha
from palate.lab.listening_tests.statistics.intervals import Interval, mean_intervals, share_intervals
from palate.lab.listening_tests.statistics.pairs import Pair, holm, sign_test, wilson
from palate.lab.listening_tests.statistics.preference import Preference, preference

OTHER_SIDE = {0.0: 1.0, 1.0: 0.0, 2.0: 2.0}  # outcomes: for the first, for the second, no difference
SHOWN_ID = 6  # characters of a rater's id that are shown: who has all of them can answer in their name


@dataclass(frozen=True)
class Score:
    """One condition's mean rating (0 to 100) or share of yes (0 to 1), with its interval over raters and cases."""

    condition: str
    question: str
    answers: int
    mean: Interval


@dataclass(frozen=True)
class Difference:
    """Mean rating of the first condition minus that of the second, answer by answer; sign test as in pairs.py."""

    first: str
    second: str
    mean: Interval
    p: float
    p_holm: float


@dataclass(frozen=True)
class Agreement:
    """Krippendorff's alpha over what two or more raters judged; NaN when there is no such thing."""

    alpha: float
    metric: Metric
    units: int


@dataclass(frozen=True)
class Summary:
    """The numbers of one set of answers; checks are not in it.

    pairs, preference, first_place are for ab; scores for rating and questions; differences for rating.
    first_place  share of preferences for what stood left: far from .5, and people did not listen
    """

    answers: int
    raters: int
    cases: int
    agreement: Agreement
    pairs: tuple[Pair, ...] = ()
    preference: Preference | None = None
    first_place: Interval | None = None
    scores: tuple[Score, ...] = ()
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class RaterRow:
    """One rater: the start of their id, what they did, and why they are screened (empty for who is not)."""

    rater: str
    nickname: str
    answers: int
    median_seconds: float
    screened: str
    source: str


@dataclass(frozen=True)
class Results:
    """One test's results. `kept` leaves out the screened raters; it is None when nobody is, or nobody else is left."""

    test: ListeningTest
    raters: tuple[RaterRow, ...]
    everyone: Summary | None
    kept: Summary | None


def results(shelved: Shelved, seed: int = 0) -> Results:
    """The results as they stand now; `everyone` is None before the first answer."""
    test, answers, joined = shelved.test, shelved.book.answers(), shelved.raters()
    failing = screened(test, answers)
    rows = []
    for rater, count in Counter(answer.rater for answer in answers).items():
        mine = [answer for answer in answers if answer.rater == rater]
        nickname = str(joined.get(rater, {}).get("nickname", ""))
        source, pace = mine[0].source, median(answer.seconds for answer in mine)
        shown = rater[:SHOWN_ID] if rater in joined else rater
        rows.append(RaterRow(shown, nickname, count, pace, failing.get(rater, ""), source))
    judged = [answer for answer in answers if not answer.check]
    kept = [answer for answer in judged if answer.rater not in failing]
    return Results(
        test,
        tuple(rows),
        summary(test, judged, seed) if judged else None,
        summary(test, kept, seed) if failing and kept else None,
    )


def summary(test: ListeningTest, answers: Sequence[Answer], seed: int = 0) -> Summary:
    """The numbers of one or more answers that are no checks."""
    raters, cases = _column([a.rater for a in answers]), _column([a.case for a in answers])
    base = Summary(len(answers), len(np.unique(raters)), len(np.unique(cases)), _agreement(test, answers))
    if test.kind == "ab":
        return _compared(base, test, answers, raters, cases, seed)
    if test.kind == "rating":
        return _rated(base, test, answers, raters, cases, seed)
    return _asked(base, test, answers, raters, cases, seed)


def _compared(
    base: Summary, test: ListeningTest, answers: Sequence[Answer], raters: NDArray[Any], cases: NDArray[Any], seed: int
) -> Summary:
    groups = list(combinations(test.conditions, 2))
    numbers = np.array([[test.conditions.index(one) for one in group] for group in groups])
    found = [_outcome(test, answer) for answer in answers]
    pair, outcome = np.array([groups.index(group) for group, _ in found]), np.array([one for _, one in found])
    mine = pair[:, None] == np.arange(len(groups))
    over = share_intervals((outcome == 0)[:, None], mine & (outcome != 2)[:, None], raters, cases, seed)
    counts = [[int((mine[:, place] & (outcome == one)).sum()) for one in range(3)] for place in range(len(groups))]
    p_values = [sign_test(wins, losses) for wins, losses, _ in counts]
    pairs = tuple(
        Pair(*group, wins, losses, ties, wilson(wins, wins + losses), spread, p, corrected)
        for group, (wins, losses, ties), spread, p, corrected in zip(
            groups, counts, over, p_values, holm(p_values), strict=True
        )
    )
    sides = Counter(answer.value[0] for answer in answers)
    return replace(
        base,
        pairs=pairs,
        preference=preference(test.conditions, pair, numbers, outcome, raters, cases, seed=seed),
        first_place=wilson(sides["left"], sides["left"] + sides["right"]),
    )


def _rated(
    base: Summary, test: ListeningTest, answers: Sequence[Answer], raters: NDArray[Any], cases: NDArray[Any], seed: int
) -> Summary:
    ratings = np.array([_by_condition(test, answer) for answer in answers])
    groups = list(combinations(range(len(test.conditions)), 2))
    apart = np.stack([ratings[:, one] - ratings[:, two] for one, two in groups], axis=1)
    means = mean_intervals(np.concatenate([ratings, apart], axis=1), raters, cases, seed)
    means = [_within(one, 0.0 if place < len(test.conditions) else -100.0, 100.0) for place, one in enumerate(means)]
    p_values = [sign_test(int((one > 0).sum()), int((one < 0).sum())) for one in apart.T]
    scores = (
        Score(name, test.questions[0], len(answers), mean)
        for name, mean in zip(test.conditions, means, strict=False)  # the differences follow
    )
    differences = (
        Difference(test.conditions[one], test.conditions[two], mean, p, corrected)
        for (one, two), mean, p, corrected in zip(
            groups, means[len(test.conditions) :], p_values, holm(p_values), strict=True
        )
    )
    return replace(base, scores=tuple(scores), differences=tuple(differences))


def _asked(
    base: Summary, test: ListeningTest, answers: Sequence[Answer], raters: NDArray[Any], cases: NDArray[Any], seed: int
) -> Summary:
    columns = [(place, name) for place in range(len(test.questions)) for name in test.conditions]
    yes, known = np.zeros((2, len(answers), len(columns)), np.bool_)
    for row, answer in enumerate(answers):
        for place, word in enumerate(answer.value):
            column = columns.index((place, answer.shown[0]))
            known[row, column], yes[row, column] = word != "unsure", word == "yes"
    means = share_intervals(yes, known, raters, cases, seed)
    scores = (
        Score(name, test.questions[place], int(known[:, column].sum()), means[column])
        for column, (place, name) in enumerate(columns)
    )
    return replace(base, scores=tuple(scores))


def _agreement(test: ListeningTest, answers: Sequence[Answer]) -> Agreement:
    units: dict[tuple[Any, ...], list[float]] = {}
    for answer in answers:
        if test.kind == "ab":
            group, outcome = _outcome(test, answer)
            units.setdefault((answer.case, group), []).append(outcome)
        elif test.kind == "rating":
            for name, value in zip(answer.shown, answer.value, strict=True):
                units.setdefault((answer.case, name), []).append(float(value))
        else:
            for place, word in enumerate(answer.value):
                units.setdefault((answer.case, answer.shown, place), []).append(WORDS.index(str(word)))
    metric: Metric = "interval" if test.kind == "rating" else "nominal"
    shared = [values for values in units.values() if len(values) > 1]
    # Which of two is called first is our choice, so each comparison enters from both sides: with one alone, raters who
    # all prefer the first would seem to agree by chance.
    mirrored = [[OTHER_SIDE[one] for one in values] for values in shared] if test.kind == "ab" else []
    return Agreement(alpha([*shared, *mirrored], metric), metric, len(shared))


def _outcome(test: ListeningTest, answer: Answer) -> tuple[tuple[str, str], int]:
    """(the pair in the test's order, 0 for its first, 1 for its second, 2 for no difference)."""
    one, two = sorted(answer.shown, key=test.conditions.index)
    if answer.value[0] == "same":
        return (one, two), 2
    preferred = answer.shown[0 if answer.value[0] == "left" else 1]
    return (one, two), 0 if preferred == one else 1


def _by_condition(test: ListeningTest, answer: Answer) -> list[float]:
    rated = dict(zip(answer.shown, answer.value, strict=True))
    return [float(rated[name]) for name in test.conditions]


def _within(one: Interval, lowest: float, highest: float) -> Interval:
    """The interval as far as it is possible; comparisons with NaN leave it."""
    return Interval(one.value, max(one.low, lowest), min(one.high, highest))


def _column(values: list[str]) -> NDArray[np.str_]:
    return np.array(values, np.str_)


def to_json(found: Results) -> dict[str, Any]:
    """The results as plain values; what is not a number becomes None. The test's key and cases stay at home."""
    test = found.test
    about = {name: getattr(test, name) for name in ("name", "of", "kind", "conditions", "questions", "per_rater")}
    about |= {"checks": test.checks, "seed": test.seed, "cases": len(test.cases), "created": test.created}
    numbers = {name: asdict(one) if one else None for name, one in (("everyone", found.everyone), ("kept", found.kept))}
    raters = [asdict(row) for row in found.raters]
    told = about | {"simulated": test.simulated, "notes": test.notes, "raters": raters} | numbers
    plain: dict[str, Any] = _plain(told)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and isnan(value) else value
