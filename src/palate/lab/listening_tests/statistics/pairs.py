"""Two conditions against each other: wins, how sure their share is, and whether chance would do.

Wilson's interval and the sign test take every answer as an independent observation. They are what outside readers
know; the interval over raters and cases stands beside them and is the one to decide by when raters answered often.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest, norm

from palate.lab.listening_tests.statistics.intervals import CONFIDENCE, Interval, score_interval


@dataclass(frozen=True)
class Pair:
    """One pair of conditions.

    wins, losses, ties  answers for the first, for the second, no difference
    share       of the answers with a preference that were for the first; the interval is Wilson's
    over_raters the same share, with the interval over raters and cases (intervals.py)
    p, p_holm   sign test, two-sided; and corrected for all pairs of the test
    """

    first: str
    second: str
    wins: int
    losses: int
    ties: int
    share: Interval
    over_raters: Interval
    p: float
    p_holm: float


def wilson(wins: int, n: int) -> Interval:
    """Wins of n, with Wilson's score interval; NaN to 0..1 when n is 0.

    >>> found = wilson(8, 10)
    >>> round(found.low, 3), round(found.high, 3)
    (0.49, 0.943)
    """
    return score_interval(wins / max(n, 1), n, float(norm.ppf((1 + CONFIDENCE) / 2)))


def sign_test(wins: int, losses: int) -> float:
    """How likely a split as uneven as this one is for a fair coin, two-sided and exact; ties say nothing. 1.0 for none.

    >>> sign_test(8, 2)  # (1 + 10 + 45) x 2 / 1024
    0.109375
    """
    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) correction: the k-th smallest of m is multiplied by m - k + 1, and none falls below a smaller one.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected, highest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min((len(p_values) - rank) * p_values[place], 1.0))
        corrected[place] = highest
    return corrected
