"""Decisions: every path from intervals to a word, with its reason."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.evaluation.intervals import Interval
from palate.evaluation.online.guardrails import Measured, decide, good, shown


def success(low: float, high: float, better: int = 1) -> Measured:
    lift = Interval((low + high) / 2, low, high)
    return Measured("plays", "success", better, lift, lift)


def guardrail(low: float, high: float, margin: float = 0.02, better: int = -1) -> Measured:
    lift = Interval((low + high) / 2, low, high)
    return Measured("skip_share", "guardrail", better, lift, lift, margin)


def other(low: float, high: float) -> Measured:
    lift = Interval((low + high) / 2, low, high)
    return Measured("days", "other", 1, lift, lift)


UP, FLAT, DOWN = (0.01, 0.05), (-0.02, 0.03), (-0.05, -0.01)


@pytest.mark.parametrize(
    ("measured", "enough", "decision", "reason"),
    [
        ([success(*UP), guardrail(-0.03, 0.01)], False, "ship", "plays got better: +3.0% [+1.0%, +5.0%]"),
        ([success(*UP), guardrail(0.005, 0.015)], False, "ship", "skip_share is not worse by more than 2.0%"),
        ([success(*UP), guardrail(-0.01, 0.03)], False, "wait", "skip_share may still be worse"),
        ([success(*UP), guardrail(-0.01, 0.03)], True, "wait", "skip_share may still be worse"),
        ([success(*UP), guardrail(0.021, 0.03)], False, "stop", "skip_share got worse by more than 2.0%"),
        ([success(*FLAT), guardrail(-0.01, 0.01)], False, "wait", "plays has not been shown to get better"),
        ([success(*FLAT), guardrail(-0.01, 0.01)], True, "stop", "as many listeners as planned"),
        ([success(*DOWN), guardrail(-0.01, 0.01)], False, "stop", "plays got worse"),
        ([success(*UP), guardrail(-0.01, 0.01), other(*DOWN)], False, "stop", "days got worse"),
        ([success(*UP), guardrail(-0.01, 0.01), other(*FLAT)], False, "ship", "plays got better"),
        ([success(*DOWN, better=-1)], False, "ship", "plays got better"),
    ],
)
def test_the_verdict(measured, enough, decision, reason):
    verdict = decide(measured, [], enough)
    assert verdict.decision == decision
    assert any(told.startswith(reason) for told in verdict.reasons), verdict.reasons


def test_a_broken_experiment_is_not_read_however_good_it_looks():
    verdict = decide([success(*UP)], ["sample ratio mismatch"], True)
    assert (verdict.decision, verdict.reasons) == ("do not read", ("sample ratio mismatch",))


def test_a_metric_that_nobody_has_yet_neither_stops_nor_ships():
    nothing = Interval(math.nan, -math.inf, math.inf)
    verdict = decide([success(*UP), Measured("saves", "other", 1, nothing, nothing)], [], False)
    assert verdict.decision == "ship"
    assert decide([Measured("saves", "success", 1, nothing, nothing)], [], False).decision == "wait"


bounds = st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)).map(sorted)


@given(bounds, bounds, st.booleans())
def test_to_ship_everything_has_to_hold(lift, rail, enough):
    verdict = decide([success(*lift), guardrail(*rail)], [], enough)
    assert (verdict.decision == "ship") == (lift[0] > 0.0 and rail[1] < 0.02)
    assert verdict.reasons


def test_up_is_better_after_turning():
    one = good(Interval(0.1, -0.2, 0.4), -1)
    assert (one.value, one.low, one.high) == (-0.1, -0.4, 0.2)


def test_lifts_in_words():
    assert shown(Interval(0.031, 0.0104, 0.052)) == "+3.1% [+1.0%, +5.2%]"
    assert shown(Interval(0.031, -math.inf, math.inf)) == "+3.1% [..., ...]"
    assert shown(Interval(math.nan, -math.inf, math.inf)) == "-"
