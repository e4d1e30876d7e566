import doctest
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.metrics import average_precision_score, roc_auc_score

from palate.core.errors import BadInput
from palate.evaluation.metrics import average_precision, by_column, classify, roc_auc

BOTH = pytest.mark.parametrize("measure", [roc_auc, average_precision])


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Scores with many ties, and labels of both classes."""
    n = draw(st.integers(2, 30))
    scores = draw(npst.arrays(np.float32, n, elements=st.integers(-3, 3).map(float)))
    labels = draw(npst.arrays(np.bool_, n))
    labels[0], labels[-1] = True, False
    return scores, labels


def test_worked_examples() -> None:
    result = doctest.testmod(classify)
    assert result.attempted > 0
    assert result.failed == 0


def test_by_hand() -> None:
    labels = np.array([True, False, True, False])
    assert roc_auc(np.array([4, 3, 2, 1]), labels) == 3 / 4
    assert average_precision(np.array([4, 3, 2, 1]), labels) == (1 / 1 + 2 / 3) / 2
    for perfect in (roc_auc, average_precision):
        assert perfect(np.array([2, 1, 2, 1]), labels) == 1.0
    assert roc_auc(np.array([1, 2, 1, 2]), labels) == 0.0


def test_scores_that_know_nothing() -> None:
    labels = np.arange(10) < 3
    assert roc_auc(np.zeros(10), labels) == 1 / 2
    assert average_precision(np.zeros(10), labels) == 3 / 10


@BOTH
def test_one_class_alone_has_no_value(measure: classify.Measure) -> None:
    for labels in (np.ones(3, bool), np.zeros(3, bool), np.zeros(0, bool)):
        assert np.isnan(measure(np.arange(len(labels), dtype=float), labels))
    assert np.isnan(measure(np.array([1.0, 2.0]), np.array([True, False]), np.array([0.0, 1.0])))


@BOTH
def test_infinite_scores_are_scores(measure: classify.Measure) -> None:
    assert measure(np.array([np.inf, -np.inf, 0.0]), np.array([True, False, False])) == 1.0


@BOTH
@pytest.mark.parametrize(
    ("scores", "labels", "weights", "message"),
    [
        (np.zeros(3), np.zeros(2, bool), None, "shape .3,. came with bool labels of .2,."),
        (np.zeros(2), np.array([0, 1]), None, "int64 labels"),
        (np.zeros((2, 2)), np.zeros((2, 2), bool), None, "give .n,. scores"),
        (np.array([1.0, np.nan]), np.array([True, False]), None, "1 of 2 scores are NaN"),
        (np.zeros(2), np.array([True, False]), np.ones(3), "weights of shape"),
        (np.zeros(2), np.array([True, False]), np.array([1.0, -1.0]), "at least 0"),
        (np.zeros(2), np.array([True, False]), np.array([1.0, np.nan]), "finite"),
    ],
)
def test_what_cannot_be_right_is_refused(measure, scores, labels, weights, message) -> None:
    with pytest.raises(BadInput, match=message):
        measure(scores, labels, weights)


@given(scored())
def test_auc_is_the_share_of_pairs_in_the_right_order(case: tuple[np.ndarray, np.ndarray]) -> None:
    scores, labels = case
    pairs = list(itertools.product(scores[labels], scores[~labels]))
    right = sum(1.0 if high > low else 0.5 if high == low else 0.0 for high, low in pairs)
    np.testing.assert_allclose(roc_auc(scores, labels), right / len(pairs), rtol=1e-12)
    np.testing.assert_allclose(roc_auc(-scores, labels), 1 - right / len(pairs), rtol=1e-12, atol=1e-15)


@settings(max_examples=50)
@given(scored(), st.integers(0, 29))
def test_a_better_score_for_a_true_row_never_lowers_auc(case: tuple[np.ndarray, np.ndarray], row: int) -> None:
    scores, labels = case
    better = scores.copy()
    better[np.flatnonzero(labels)[row % labels.sum()]] += 2
    assert roc_auc(better, labels) >= roc_auc(scores, labels)
    for measure in (roc_auc, average_precision):
        assert 0 <= measure(scores, labels) <= 1


@settings(max_examples=50)
@given(st.permutations(range(8)), st.integers(1, 254), st.integers(0, 7))
def test_a_better_place_for_a_true_row_never_lowers_average_precision(order: list[int], classes: int, row: int) -> None:
    scores, labels = np.array(order, float), classes >> np.arange(8) & 1 == 1
    better = scores + np.where(np.arange(8) == np.flatnonzero(labels)[row % labels.sum()], 2.5, 0.0)
    assert average_precision(better, labels) >= average_precision(scores, labels) - 1e-15


def test_a_better_score_may_lower_average_precision_where_it_makes_a_tie() -> None:
    labels = np.array([True, True, False])
    assert average_precision(np.array([0, 0, 2]), labels) == 2 / 3
    np.testing.assert_allclose(average_precision(np.array([2, 0, 2]), labels), (1 / 2 + 2 / 3) / 2)


@BOTH
@settings(max_examples=50)
@given(scored())
def test_only_the_order_of_scores_counts_and_not_that_of_rows(
    measure: classify.Measure, case: tuple[np.ndarray, np.ndarray]
) -> None:
    scores, labels = case
    assert measure(np.exp(scores), labels) == measure(scores, labels)
    assert measure(scores[::-1], labels[::-1]) == measure(scores, labels)


@BOTH
@settings(max_examples=50)
@given(scored(), st.integers(0, 100))
def test_a_weight_is_a_number_of_rows(
    measure: classify.Measure, case: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    scores, labels = case
    times = np.random.default_rng(seed).integers(0, 4, len(scores))
    repeated = measure(np.repeat(scores, times), np.repeat(labels, times))
    np.testing.assert_allclose(measure(scores, labels, times), repeated, rtol=1e-12)


@pytest.mark.parametrize("kind", ["continuous", "ties", "few"])
def test_the_same_as_scikit_learn(kind: str) -> None:
    rng = np.random.default_rng(11)
    for _ in range(100):
        n = int(rng.integers(2, 400))
        scores = rng.normal(size=n)
        if kind != "continuous":
            scores = np.round(scores * 3)
        labels = rng.random(n) < (0.02 if kind == "few" else 0.4)
        labels[:2] = True, False
        weights = rng.random(n) + 0.01
        for measure, oracle in ((roc_auc, roc_auc_score), (average_precision, average_precision_score)):
            np.testing.assert_allclose(measure(scores, labels), oracle(labels, scores), rtol=0, atol=1e-12)
            weighted = oracle(labels, scores, sample_weight=weights)
            np.testing.assert_allclose(measure(scores, labels, weights), weighted, rtol=0, atol=1e-12)


@BOTH
def test_each_column_is_as_by_itself(measure: classify.Measure) -> None:
    rng = np.random.default_rng(1)
    scores, labels = rng.normal(size=(50, 4)).astype(np.float32), rng.random((50, 4)) < 0.3
    labels[:, 3] = False
    expected = [measure(scores[:, task], labels[:, task]) for task in range(4)]
    np.testing.assert_array_equal(by_column(measure, scores, labels), expected)
    assert np.isnan(expected[3])
    with pytest.raises(BadInput, match="tasks"):
        by_column(measure, scores, labels[:, :3])
