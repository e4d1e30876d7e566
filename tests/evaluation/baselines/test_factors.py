import numpy as np
import pytest
from scipy import sparse

from palate.evaluation.baselines import factors
from palate.evaluation.baselines.factors import Factors, mean_of, right_factors


def planted(rows: int, columns: int, rank: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.standard_normal((rows, rank)) @ rng.standard_normal((rank, columns))


@pytest.mark.parametrize("dense_rows", [0, 512])
def test_a_planted_rank_is_found_whole(monkeypatch: pytest.MonkeyPatch, dense_rows: int) -> None:
    monkeypatch.setattr(factors, "DENSE_ROWS", dense_rows)
    matrix = planted(120, 90, rank=4)
    values, right = right_factors(sparse.csr_array(matrix), 4)
    np.testing.assert_allclose(values, np.linalg.svd(matrix)[1][:4], rtol=1e-4)
    np.testing.assert_allclose(matrix @ right @ right.T, matrix, atol=1e-4)


def test_what_is_empty_moves_nothing_and_zeros_pad() -> None:
    matrix = np.zeros((6, 5))
    matrix[[0, 2, 4], [1, 1, 3]] = 2.0
    values, right = right_factors(sparse.csr_array(matrix), 4)
    np.testing.assert_allclose(values, [8**0.5, 2.0, 0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(np.abs(right), np.eye(5)[[1, 3]].T @ np.eye(4)[:2], atol=1e-12)
    values, right = right_factors(sparse.csr_array((3, 5)), 2)
    assert (values == 0).all()
    assert right.shape == (5, 2)
    assert (right == 0).all()


def test_the_mean_is_weighted_and_empty_profiles_are_zeros() -> None:
    vectors = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    profiles = sparse.csr_array(np.array([[3.0, 1.0], [0.0, 0.0], [1e-300, 0.0]]))
    np.testing.assert_allclose(mean_of(vectors)(profiles), [[3 / 4, 1 / 4], [0, 0], [1, 0]])


def test_scores_are_dot_products_and_nothing_speaks_for_the_unknown() -> None:
    vectors = np.array([[1.0, 2.0], [0.0, 0.0], [-1.0, 0.0]], np.float32)
    items = Factors(vectors, mean_of(vectors))
    scores = items.scores(sparse.csr_array(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])))
    np.testing.assert_array_equal(scores, [[5.0, -np.inf, -1.0], [-np.inf] * 3])
