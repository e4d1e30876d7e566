import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from palate.core.errors import BadSettings
from palate.evaluation.baselines import Ease, ease
from palate.evaluation.baselines.ease import ease_weights

from ..worlds import history_of, inputs_of, playlists_of
from .asking import AT, goes_on, kept


def groups_of(rows: list[list[int]]) -> sparse.csr_array:
    return sparse.csr_array(np.array(rows, np.float32))


def test_two_items_by_hand() -> None:
    # Both in three groups, item 0 in a fourth: X'X = [[4, 3], [3, 3]], and B is ridge regression on the other item.
    groups = groups_of([[1, 1], [1, 1], [1, 1], [1, 0]])
    np.testing.assert_allclose(ease_weights(groups, 1.0), [[0, 3 / (4 + 1)], [3 / (3 + 1), 0]], rtol=1e-5)


def test_four_items_by_the_closed_form() -> None:
    rows = [[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 1], [0, 1, 1, 0], [1, 0, 0, 1]]
    x = np.array(rows, np.float64)
    inverse = np.linalg.inv(x.T @ x + 2.0 * np.eye(4))
    expected = np.eye(4) - inverse / inverse.diagonal()
    np.testing.assert_allclose(ease_weights(groups_of(rows), 2.0), expected, atol=1e-5)


binary_rows = st.integers(2, 6).flatmap(
    lambda width: st.lists(st.lists(st.integers(0, 1), min_size=width, max_size=width), min_size=1, max_size=12)
)


@given(rows=binary_rows, regularization=st.sampled_from([1.0, 5.0, 50.0]))
def test_each_column_is_the_ridge_regression_on_all_others(rows: list[list[int]], regularization: float) -> None:
    x = np.array(rows, np.float64)
    weights = ease_weights(groups_of(rows), regularization)
    assert (weights.diagonal() == 0).all()
    for item in range(x.shape[1]):
        others = np.delete(x, item, axis=1)
        expected = np.linalg.solve(others.T @ others + regularization * np.eye(others.shape[1]), others.T @ x[:, item])
        np.testing.assert_allclose(np.delete(weights[:, item], item), expected, atol=1e-5)


def test_many_items_are_mirrored_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    x = (np.random.default_rng(0).random((60, 23)) < 0.3).astype(np.float32)
    whole = ease_weights(sparse.csr_array(x), 3.0)
    monkeypatch.setattr(ease, "BLOCK_ITEMS", 5)
    np.testing.assert_array_equal(ease_weights(sparse.csr_array(x), 3.0), whole)


def test_no_solution_is_an_error_with_the_remedy() -> None:
    with pytest.raises(BadSettings, match="give it at least 1"):
        ease_weights(groups_of([[1, 1]]), 0.0)


def test_only_the_most_frequent_items_take_part() -> None:
    plays = [(0, item, day + 0.1 * item) for day in (1.0, 2.0, 3.0) for item in (0, 2, 3)] + [(0, 1, 1.5), (0, 0, 1.6)]
    fitted = Ease(regularization=1.0, most=3).fit(inputs_of(history_of(plays)), AT)
    assert {*kept(fitted.recommend(np.array([0], np.int32), 9, exclude_heard=False))[0]} == {0, 2, 3}
    alone, beside = goes_on(fitted, [1], [1, 0])  # item 1 was left out
    assert alone == []
    assert {*beside} == {2, 3}


def test_sittings_and_playlists_teach_what_goes_together() -> None:
    sitting = [(user, item, float(user) + 0.1 * item) for user in range(6) for item in (0, 1)]
    places = playlists_of([(playlist, item, 1.0) for playlist in range(6) for item in (1, 2)])
    fitted = Ease(regularization=1.0).fit(inputs_of(history_of(sitting, n_items=4), places), AT)
    first = [row[0] for row in goes_on(fitted, [0], [2], [1, 2])]
    assert first == [1, 1, 0]
