import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.evaluation.intervals import Interval, intervals, paired_difference


def test_windows_weigh_the_same_whatever_their_size() -> None:
    values, users, windows = [1.0, 0.0, 0.0, 0.5], [0, 1, 2, 0], [0, 0, 0, 1]
    one = intervals(np.array(values)[:, None], users, windows, draws=10, seed=0)[0]
    assert one.value == pytest.approx((1 / 3 + 0.5) / 2)


def test_the_width_is_that_of_a_mean() -> None:
    values = np.random.default_rng(1).normal(0.3, 1.0, 2000)
    one = intervals(values[:, None], np.arange(2000), np.zeros(2000), draws=2000, seed=2)[0]
    error = values.std() / np.sqrt(2000)
    assert one.low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert one.high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_rows_of_one_listener_do_not_count_as_independent() -> None:
    values = np.random.default_rng(1).normal(0.0, 1.0, 400)
    once = intervals(values[:, None], np.arange(400), np.zeros(400), draws=1000, seed=0)[0]
    twice = intervals(np.tile(values, 2)[:, None], np.tile(np.arange(400), 2), np.repeat([0, 1], 400), 1000, 0)[0]
    np.testing.assert_allclose((twice.low, twice.high), (once.low, once.high))


def test_by_drawing_one_listener_at_a_time() -> None:
    rng = np.random.default_rng(3)
    users, windows, values = rng.integers(0, 6, 40), rng.integers(0, 2, 40), rng.random(40)
    one = intervals(values[:, None], users, windows, draws=4000, seed=0)[0]
    slow = []
    for _ in range(4000):
        rows = np.concatenate([np.flatnonzero(users == user) for user in rng.integers(0, 6, 6)])
        slow.append(np.mean([values[rows][windows[rows] == w].mean() for w in np.unique(windows[rows])]))
    np.testing.assert_allclose((one.low, one.high), np.quantile(slow, (0.025, 0.975)), atol=0.015)


def test_a_small_but_steady_gain_is_seen_only_in_pairs() -> None:
    rng = np.random.default_rng(4)
    easy, users, windows = rng.random(300), np.arange(300), np.zeros(300)
    theirs, ours = easy, easy + 0.01 + rng.normal(0, 0.01, 300)
    apart = intervals(np.stack([ours, theirs], axis=1), users, windows, 1000, 0)
    assert apart[0].low < apart[1].high
    gain = paired_difference(ours, theirs, users, windows, 1000, 0)
    assert gain.excludes_zero
    assert gain.value == pytest.approx(apart[0].value - apart[1].value)


def test_a_method_against_itself_is_exactly_nothing() -> None:
    same = np.random.default_rng(0).random(50)
    nothing = paired_difference(same, same, np.arange(50), np.zeros(50), 100, 0)
    assert nothing == Interval(0.0, 0.0, 0.0)
    assert not nothing.excludes_zero


def test_without_rows_there_is_no_number() -> None:
    found = intervals(np.zeros((0, 2)), [], [], 10, 0)
    assert len(found) == 2
    assert np.isnan([found[0].value, found[0].low, found[0].high]).all()


@given(
    rows=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.floats(0, 1)), min_size=1, max_size=30),
    shift=st.floats(-2, 2),
    seed=st.integers(0, 9),
)
def test_a_constant_added_to_all_moves_the_interval_by_as_much(
    rows: list[tuple[int, int, float]], shift: float, seed: int
) -> None:
    users, windows, values = (np.array(column) for column in zip(*rows, strict=True))
    plain, moved = intervals(np.stack([values, values + shift], axis=1), users, windows, 50, seed)
    expected = (plain.value + shift, plain.low + shift, plain.high + shift)
    np.testing.assert_allclose((moved.value, moved.low, moved.high), expected, atol=1e-9)
    assert values.min() - 1e-9 <= plain.low <= plain.high <= values.max() + 1e-9
