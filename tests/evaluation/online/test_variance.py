"""CUPED: the worked example, what it must not touch, and what it must take out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.evaluation.online.variance import cuped


def test_the_worked_example():
    one = cuped(np.array([1.0, 2.0, 5.0, 6.0]), np.arange(4.0), np.zeros(4, np.int64))
    assert one.theta == pytest.approx(9 / 5)
    assert one.values == pytest.approx([3.7, 2.9, 4.1, 3.3])
    assert one.removed == pytest.approx(1 - 0.8 / 17)


def test_an_effect_is_kept_while_the_noise_goes():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, 20_000)
    before = rng.gamma(2.0, 3.0, 20_000)
    values = 2.0 * before + rng.normal(0.0, 1.0, 20_000) + 0.5 * group
    one = cuped(values, before, group)
    assert one.theta == pytest.approx(2.0, abs=0.01)
    assert one.values[group == 1].mean() - one.values[group == 0].mean() == pytest.approx(0.5, abs=4 * 2 / 20_000**0.5)
    assert one.removed > 0.95
    assert one.values.mean() == pytest.approx(values.mean())


def test_the_past_that_tells_nothing_changes_nothing():
    values = np.array([1.0, 5.0, 2.0])
    one = cuped(values, np.full(3, 7.0), np.array([0, 1, 0]))
    assert (one.values.tolist(), one.theta, one.removed) == (values.tolist(), 0.0, 0.0)


def test_nobody():
    assert len(cuped(np.zeros(0), np.zeros(0), np.zeros(0, np.int64)).values) == 0


numbers = st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100), st.integers(0, 2)), min_size=1, max_size=30)


@given(numbers)
def test_never_more_variance_within_variants_and_never_another_mean(rows):
    values, before, group = (np.array(column) for column in zip(*rows, strict=True))
    one = cuped(values, before, group)
    assert one.removed >= -1e-9
    assert one.values.mean() == pytest.approx(values.mean(), abs=1e-6)


def test_what_differs_by_rounding_alone_tells_nothing():
    before = np.array([0.1 + 0.2, 0.3, 0.1 + 0.2, 0.3]) * 1e6
    values = np.array([1.0, 5.0, 2.0, 9.0])
    one = cuped(values, before, np.zeros(4, np.int64))
    assert (one.theta, one.removed) == (0.0, 0.0)
    assert one.values is values
