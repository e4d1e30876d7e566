"""Pseudo-values: their mean is the measure, and redrawing them is redrawing the measure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from palate.evaluation.metrics.classify import roc_auc
from palate.evaluation.probes.measures import above, auc_parts, spearman_parts

few_values = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=3, max_size=40)


def test_above_counts_higher_rows_and_half_of_the_equal_ones() -> None:
    assert (above(np.array([1.0, 5.0, 5.0]), np.ones(3)) * 3).tolist() == [2.5, 1.0, 1.0]
    assert above(np.zeros(0), np.zeros(0)).tolist() == []


def test_auc_by_hand() -> None:
    # Positives at 3 and 1 win 2 and 1.5 of 2 comparisons; negatives at 1 and 0 lose 1.5 and 2 of 2.
    auc = (1 + 1 + 1 / 2 + 1) / 4
    parts = auc_parts(np.array([3.0, 1.0, 1.0, 0.0]), np.array([1.0, 1.0, 0.0, 0.0]))
    assert parts.tolist() == [auc + 2 * (share - auc) for share in (2 / 2, 1.5 / 2, 1.5 / 2, 2 / 2)]


@given(few_values)
def test_the_mean_is_roc_auc(rows: list[tuple[int, int]]) -> None:
    scores, labels = np.array([row[0] for row in rows], float), np.array([row[1] % 2 for row in rows], float)
    parts = auc_parts(scores, labels)
    assert parts.mean() == pytest.approx(roc_auc(scores, labels > 0), nan_ok=True)


@given(few_values)
def test_the_mean_is_spearmans_correlation(rows: list[tuple[int, int]]) -> None:
    x, y = np.array(rows, float).T
    parts = spearman_parts(x, y)
    if len(set(x)) < 2 or len(set(y)) < 2:
        assert np.isnan(parts).all()
    else:
        assert parts.mean() == pytest.approx(stats.spearmanr(x, y).statistic)


@pytest.mark.parametrize("parts_of", [auc_parts, spearman_parts])
def test_without_two_sides_there_is_no_value(parts_of) -> None:
    assert np.isnan(parts_of(np.array([1.0, 2.0]), np.array([1.0, 1.0]))).all()
    assert len(parts_of(np.zeros(0), np.zeros(0))) == 0


@pytest.mark.parametrize(("parts_of", "binary"), [(auc_parts, True), (spearman_parts, False)])
def test_redrawn_parts_spread_like_the_redrawn_measure(parts_of, binary) -> None:
    rng = np.random.default_rng(0)
    n = 300
    scores = np.round(rng.standard_normal(n), 1)
    labels = scores + rng.standard_normal(n)
    labels = (labels > 1.0).astype(float) if binary else np.round(np.maximum(labels, 0.0), 1)
    parts, exact, linear = parts_of(scores, labels), [], []
    for _ in range(500):
        rows = rng.integers(0, n, n)
        exact.append(parts_of(scores[rows], labels[rows]).mean())
        linear.append(parts[rows].mean())
    assert np.std(linear) == pytest.approx(np.std(exact), rel=0.05)
    assert np.corrcoef(exact, linear)[0, 1] > 0.98
