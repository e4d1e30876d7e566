"""The head: what it can and cannot learn from vectors whose content is known."""

import numpy as np
import pytest
from scipy import stats

from palate.evaluation.metrics.classify import roc_auc
from palate.evaluation.probes.head import predicted


def drawn(seed: int, rows: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, width)).astype(np.float32)


def test_a_vector_that_is_the_label_is_read_perfectly() -> None:
    train, test = drawn(0, 300, 6), drawn(1, 200, 6)
    yes = (test[:, 2] > 0).astype(float)
    train[:, 2], test[:, 2] = np.sign(train[:, 2]), np.sign(test[:, 2])
    scores = predicted(train.copy(), (train[:, 2] > 0).astype(float), test, "binary")
    assert roc_auc(scores, yes > 0) == 1.0


def test_a_number_is_read_from_a_direction() -> None:
    train, test = drawn(0, 2_000, 4), drawn(1, 500, 4)
    way = np.array([1.0, -2.0, 0.0, 0.5])
    scores = predicted(train.copy(), train @ way, test, "regression")
    assert stats.spearmanr(scores, test @ way).statistic == pytest.approx(1.0, abs=1e-3)


def test_noise_teaches_nothing() -> None:
    train, test = drawn(0, 2_000, 16), drawn(1, 2_000, 16)
    labels, truth = (drawn(seed, 2_000, 1)[:, 0] > 0 for seed in (2, 3))
    assert roc_auc(predicted(train, labels.astype(float), test, "binary"), truth) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_the_same_rows_give_the_same_scores(kind) -> None:
    train, test = drawn(0, 200, 8), drawn(1, 50, 8)
    labels = (train[:, 0] > 0).astype(float)
    first = predicted(train.copy(), labels, test, kind)
    assert predicted(train.copy(), labels, test, kind).tolist() == first.tolist()
    assert predicted(train.copy(), labels, test[:1], kind) == pytest.approx(first[:1], rel=1e-5)
