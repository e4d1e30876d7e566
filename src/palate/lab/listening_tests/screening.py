"""Which raters' answers say little: they fail what has a known answer. They are shown, never dropped in silence.

rating      the hidden reference below 90, or an anchor of 90 or more, in over 15% of the cases (ITU-R BS.1534-3, 4.1.2)
ab          more than half of the checks failed: a preference, fairly sure or more, between a stimulus and itself
questions   more than half of the checks failed: a yes that was a no before, or the other way round
"""

from collections.abc import Iterable, Sequence

from palate.lab.listening_tests.answers import Answer
from palate.lab.listening_tests.design import ANCHOR, REFERENCE, ListeningTest

TRANSPARENT = 90.0
MOST_MISSED = 0.15
MOST_FAILED = 0.5


def screened(test: ListeningTest, answers: Iterable[Answer]) -> dict[str, str]:
    """Who fails and why, one sentence each, by rater."""
    by_rater: dict[str, list[Answer]] = {}
    for answer in answers:
        by_rater.setdefault(answer.rater, []).append(answer)
    rule = _rating if test.kind == "rating" else _checks
    found = {rater: rule(test, mine) for rater, mine in by_rater.items()}
    return {rater: why for rater, why in found.items() if why}


def _rating(test: ListeningTest, mine: Sequence[Answer]) -> str:
    for label, bad in (("the hidden reference below 90", _low_reference), ("an anchor at 90 or more", _high_anchor)):
        missed = sum(bad(answer) for answer in mine)
        if missed > MOST_MISSED * len(mine):
            return f"rated {label} in {missed} of {len(mine)} cases"
    return ""


def _low_reference(answer: Answer) -> bool:
    rated = dict(zip(answer.shown, answer.value, strict=True))
    return REFERENCE in rated and float(rated[REFERENCE]) < TRANSPARENT


def _high_anchor(answer: Answer) -> bool:
    pairs = zip(answer.shown, answer.value, strict=True)
    return any(name.startswith(ANCHOR) and float(value) >= TRANSPARENT for name, value in pairs)


def _checks(test: ListeningTest, mine: Sequence[Answer]) -> str:
    checks = [answer for answer in mine if answer.check]
    before = {(answer.case, answer.shown): answer for answer in mine if not answer.check}
    failed = 0
    for check in checks:
        if test.kind == "ab":
            failed += check.value[0] != "same" and check.sure > 1
        else:
            first = before.get((check.case, check.shown))
            failed += first is not None and any(
                {one, two} == {"yes", "no"} for one, two in zip(first.value, check.value, strict=True)
            )
    return f"failed {failed} of {len(checks)} checks" if failed > MOST_FAILED * len(checks) else ""
