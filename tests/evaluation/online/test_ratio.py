"""Sample ratio: examples by hand, the two tests against each other, and the alarm under peeking."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare

from palate.core.errors import BadInput
from palate.evaluation.online.ratio import check


def test_the_worked_example():
    one = check([3, 9], [1.0, 1.0])
    assert one.method == "exact"
    assert one.p_value == pytest.approx(2 * (1 + 12 + 66 + 220) / 4096)
    assert one.expected == (6.0, 6.0)


@given(st.integers(0, 60), st.integers(1, 60), st.floats(0.05, 0.95))
def test_two_counts_are_the_exact_binomial_test(first, second, share):
    one = check([first, second], [share, 1.0 - share])
    assert one.p_value == pytest.approx(binomtest(first, first + second, share).pvalue, rel=1e-6)


def test_three_counts_by_hand():
    """All three in one place: 3 of 27 outcomes of three listeners, and no other is as unlikely."""
    assert check([3, 0, 0], [1, 1, 1]).p_value == pytest.approx(3 / 27)
    assert check([2, 1, 0], [1, 1, 1]).p_value == pytest.approx((3 + 18) / 27)
    assert check([1, 1, 1], [1, 1, 1]).p_value == pytest.approx(1.0)


def test_many_listeners_are_pearsons_test():
    one = check([15_200, 14_800, 30_100], [1, 1, 2])
    assert one.method == "chi-square"
    assert one.p_value == pytest.approx(chisquare([15_200, 14_800, 30_100], np.array([1, 1, 2]) / 4 * 60_100).pvalue)


def test_nobody_is_no_mismatch():
    one = check([0, 0], [1, 1])
    assert (one.p_value, one.always_valid_p, one.mismatch) == (1.0, 1.0, False)


def test_a_real_mismatch_raises_the_alarm_and_an_even_split_does_not():
    """2 points of 10,000 listeners, as a variant that loses one listener in thirteen has."""
    assert check([5_200, 4_800], [1, 1]).mismatch
    assert not check([5_000, 5_000], [1, 1]).mismatch
    assert not check([5_080, 4_920], [1, 1]).mismatch
    assert check([500_000, 497_000], [1, 1]).p_value < 0.01


def test_looking_after_every_listener_raises_no_more_than_one_false_alarm_in_a_hundred():
    rng, sequential, fixed, tests = np.random.default_rng(1), 0, 0, 120
    for _ in range(tests):
        first = np.cumsum(rng.random(2_000) < 0.3)
        looks = [check([int(first[n - 1]), n - int(first[n - 1])], [0.3, 0.7]) for n in range(50, 2_001, 50)]
        sequential += any(one.mismatch for one in looks)
        fixed += any(one.p_value < 0.01 for one in looks)
    assert sequential / tests <= 0.02  # at most 2 of 120
    assert fixed / tests > 0.03  # which is why the alarm does not read it


@pytest.mark.parametrize(("counts", "shares"), [([1], [1]), ([1, 2], [1]), ([1, -2], [1, 1]), ([1, 2], [1, 0])])
def test_what_does_not_fit(counts, shares):
    with pytest.raises(BadInput, match="do not fit"):
        check(counts, shares)
