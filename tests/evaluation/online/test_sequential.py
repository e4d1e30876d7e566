"""Sequences: the formula, its price, and that it keeps its word under peeking where a fixed interval does not."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.errors import BadInput
from palate.evaluation.online.sequential import (
    MIN_LISTENERS,
    Moments,
    difference,
    half_widths,
    lift,
    mean,
    sample_size,
    tightest_at,
)

PLAN = 2_000


def test_the_worked_example():
    r = math.sqrt(tightest_at(10_000))
    assert r == pytest.approx(0.02866, abs=1e-5)
    by_hand = math.sqrt(2 * (10_000 * r**2 + 1) / (10_000**2 * r**2) * math.log(math.sqrt(10_000 * r**2 + 1) / 0.05))
    assert half_widths(10_000, 1.0, 10_000) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(0.0303, abs=1e-4)
    assert by_hand / (1.959964 / 100) == pytest.approx(1.55, abs=0.01)


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.001])
def test_no_other_r_is_tighter_at_the_plan(alpha):
    best = float(half_widths(500, 1.0, 500, alpha))
    assert best < min(float(half_widths(500, 1.0, plan, alpha)) for plan in (250, 450, 550, 1_000))


@given(st.integers(MIN_LISTENERS, 10**7), st.floats(1e-3, 1e6), st.integers(1, 10**6))
def test_wider_than_a_fixed_interval_and_in_the_metric_s_unit(n, variance, plan):
    half = float(half_widths(n, variance, plan))
    assert half > 1.959964 * math.sqrt(variance / n)
    assert float(half_widths(n, 4.0 * variance, plan)) == pytest.approx(2.0 * half)


def peeked(draw, tests=400, n=PLAN):
    """Shares of streams in which the true mean is left out at any look: by the sequence, by the fixed interval."""
    after = np.arange(1, n + 1)
    looked = slice(MIN_LISTENERS, None)
    wrong = np.zeros(2)
    for _ in range(tests):
        values, truth = draw(n)
        means = np.cumsum(values) / after
        variances = np.maximum(np.cumsum(values**2) / after - means**2, 1e-12)
        off = np.abs(means - truth)
        wrong += (
            (off > half_widths(after, variances, n))[looked].any(),
            (off > 1.959964 * np.sqrt(variances / after))[looked].any(),
        )
    return wrong / tests


@pytest.mark.parametrize("kind", ["normal", "skewed"])
def test_it_covers_under_continuous_peeking_and_a_fixed_interval_does_not(kind):
    rng = np.random.default_rng(5)
    draw = {
        "normal": lambda n: (rng.normal(3.0, 2.0, n), 3.0),
        "skewed": lambda n: (rng.poisson(rng.gamma(2.0, 2.0, n)).astype(float), 4.0),
    }[kind]
    sequence, fixed = peeked(draw)
    assert sequence <= 0.05
    assert fixed > 0.2


def test_a_difference_covers_under_peeking_with_unequal_halves_and_variances():
    rng, wrong = np.random.default_rng(6), 0
    for _ in range(200):
        treatment, control = rng.normal(1.0, 3.0, 400), rng.normal(0.5, 1.0, 1_600)
        wrong += any(
            not one.low <= 0.5 <= one.high
            for n in range(100, 401, 10)
            if (one := difference(Moments.of(treatment[:n]), Moments.of(control[: 4 * n]), PLAN))
        )
    assert wrong / 200 <= 0.05


def test_difference_and_lift_by_hand():
    ours, theirs = Moments(500, 11.0, 4.0), Moments(1_500, 10.0, 9.0)
    both = 2_000 * (4.0 / 500 + 9.0 / 1_500)
    one = difference(ours, theirs, PLAN)
    assert one.value == 1.0
    assert [one.high - 1.0, 1.0 - one.low] == pytest.approx([float(half_widths(2_000, both, PLAN))] * 2)
    relative = lift(ours, theirs, PLAN)
    spread = 2_000 * (4.0 / 500 + 1.1**2 * 9.0 / 1_500) / 10.0**2
    assert relative.value == pytest.approx(0.1)
    assert relative.high - 0.1 == pytest.approx(float(half_widths(2_000, spread, PLAN)))


def test_a_variant_against_itself_and_its_mirror():
    one, two = Moments(300, 2.0, 1.0), Moments(400, 3.0, 2.0)
    there, back = difference(one, two, PLAN), difference(two, one, PLAN)
    assert (there.value, there.low, there.high) == (-back.value, -back.high, -back.low)
    assert difference(one, one, PLAN).value == 0.0


@pytest.mark.parametrize("n", [0, 1, MIN_LISTENERS - 1])
def test_few_listeners_have_no_bounds_yet(n):
    few, many = Moments.of(np.arange(float(n))), Moments(10_000, 1.0, 1.0)
    for one in (mean(few, PLAN), difference(few, many, PLAN), difference(many, few, PLAN), lift(many, few, PLAN)):
        assert (one.low, one.high) == (-math.inf, math.inf)


def test_a_lift_over_nothing_is_no_number():
    one = lift(Moments(500, 1.0, 1.0), Moments(500, 0.0, 0.0), PLAN)
    assert math.isnan(one.value)
    assert (one.low, one.high) == (-math.inf, math.inf)


def test_the_mean_of_one_variant():
    one = mean(Moments(500, 3.0, 4.0), PLAN)
    assert (one.value, one.high - 3.0) == (3.0, pytest.approx(float(half_widths(500, 4.0, PLAN))))


def test_moments_by_hand():
    assert Moments.of([1.0, 2.0, 6.0]) == Moments(3, 3.0, 7.0)


def test_the_textbook_s_sample_size():
    assert sample_size(0.03, 0.5) == math.ceil(4 * ((1.959964 + 0.841621) * 0.5 / 0.03) ** 2)


def test_what_cannot_be_planned():
    with pytest.raises(BadInput, match="lift = 0"):
        sample_size(0.0, 1.0)
    with pytest.raises(BadInput, match="plan = 0"):
        tightest_at(0)
