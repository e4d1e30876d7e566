"""The models beside scikit-learn's, which are the reference; and what was saved is what is loaded."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from palate.core.errors import Corrupt
from palate.heads.models import LINEAR_FILE, RIDGE_TIMES, TREES_FILE, Linear, Trees, fit_logistic, fit_ridge, fit_trees


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """Five columns of different scales, the last one constant."""
    found = np.random.default_rng(0).normal(size=(400, 5)) * [1.0, 10.0, 0.1, 1.0, 0.0] + [0.0, 5.0, 0.0, -3.0, 2.0]
    return found.astype(np.float32)


@pytest.fixture(scope="module")
def labels(rows: np.ndarray) -> np.ndarray:
    chance = 1.0 / (1.0 + np.exp(-(rows[:, 0] + 0.1 * (rows[:, 1] - 5.0))))
    return (np.random.default_rng(1).random(len(rows)) < chance).astype(np.float64)


@pytest.mark.parametrize("penalty", [0.1, 1.0, 100.0])
def test_logistic_is_scikit_learns(rows: np.ndarray, labels: np.ndarray, penalty: float) -> None:
    scaled = StandardScaler().fit_transform(rows.astype(np.float64))
    reference = LogisticRegression(C=1.0 / penalty, tol=1e-10, max_iter=10_000).fit(scaled, labels)
    ours = fit_logistic(rows, labels, penalty)
    np.testing.assert_allclose(ours.scores(rows), reference.predict_proba(scaled)[:, 1], atol=2e-4)


def test_ridge_is_scikit_learns(rows: np.ndarray) -> None:
    numbers = rows[:, 0] * 3.0 + rows[:, 3] ** 2
    scaled = StandardScaler().fit_transform(rows.astype(np.float64))
    reference = Ridge(RIDGE_TIMES * 10.0).fit(scaled, numbers)
    np.testing.assert_allclose(fit_ridge(rows, numbers, 10.0).scores(rows), reference.predict(scaled), atol=1e-3)


def test_a_constant_column_weighs_nothing(rows: np.ndarray, labels: np.ndarray) -> None:
    assert fit_logistic(rows, labels, 1.0).weights[4] == 0.0
    assert fit_ridge(rows, labels, 1.0).weights[4] == 0.0


def test_trees_find_what_no_line_can() -> None:
    rows = np.random.default_rng(0).normal(size=(2_000, 2)).astype(np.float32)
    far = (np.abs(rows[:, 0]) > 0.7).astype(np.float64)
    trees = fit_trees(rows, far, True, rounds=60, leaves=7, learning_rate=0.2, seed=0)
    line = fit_logistic(rows, far, 1.0)
    assert ((trees.scores(rows) > 0.5) == far).mean() > 0.95
    assert ((line.scores(rows) > 0.5) == far).mean() < 0.6


def test_the_same_twice_is_the_same(rows: np.ndarray, labels: np.ndarray) -> None:
    for fit in (lambda: fit_logistic(rows, labels, 1.0), lambda: fit_trees(rows, labels, True, 10, 4, 0.1, 3)):
        np.testing.assert_array_equal(fit().scores(rows), fit().scores(rows))


def test_saved_and_loaded_is_the_same(rows: np.ndarray, labels: np.ndarray, tmp_path: Path) -> None:
    line, trees = fit_logistic(rows, labels, 1.0), fit_trees(rows, labels, True, 10, 4, 0.1, 0)
    line.save(tmp_path)
    trees.save(tmp_path)
    np.testing.assert_array_equal(Linear.load(tmp_path).scores(rows), line.scores(rows))
    np.testing.assert_allclose(Trees.load(tmp_path).scores(rows), trees.scores(rows), rtol=1e-6)
    assert len(trees.scores(rows[:0])) == len(line.scores(rows[:0])) == 0


def test_half_a_file_is_corrupt(rows: np.ndarray, labels: np.ndarray, tmp_path: Path) -> None:
    fit_logistic(rows, labels, 1.0).save(tmp_path)
    fit_trees(rows, labels, True, 10, 4, 0.1, 0).save(tmp_path)
    for name, model in ((LINEAR_FILE, Linear), (TREES_FILE, Trees)):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(Corrupt, match=name):
            model.load(tmp_path)
        path.unlink()
        with pytest.raises(Corrupt, match=name):
            model.load(tmp_path)
