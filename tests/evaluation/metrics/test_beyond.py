import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.spatial.distance import jensenshannon

from palate.core.errors import BadInput
from palate.evaluation.metrics import (
    beyond,
    calibration,
    coverage,
    diversity,
    exposure_gini,
    label_counts,
    novelty,
    overlap,
    popularity,
)

from .lists import many, padded

ITEMS, LISTENERS, LABELS, DIM = 12, 40, 4, 3
RNG = np.random.default_rng(5)
HEARD_BY = RNG.integers(0, LISTENERS + 1, ITEMS)
VECTORS = RNG.normal(size=(ITEMS, DIM)).astype(np.float32)
CODES = np.append(RNG.integers(0, LABELS, ITEMS - 1), -1)
EMPTY = np.full((1, 3), -1, np.int32)


def each(ranked: np.ndarray, k: int) -> dict[str, np.ndarray]:
    """Every metric that has one value a listener; whose history was one label, by the row's first item."""
    history = np.zeros((len(ranked), LABELS))
    history[np.arange(len(ranked)), ranked[:, 0] % LABELS] = 3.0
    return {
        "popularity": popularity(ranked, HEARD_BY, LISTENERS, k),
        "novelty": novelty(ranked, HEARD_BY, LISTENERS, k),
        "diversity": diversity(ranked, VECTORS, k),
        "calibration": calibration(ranked, CODES, history, k),
        "overlap": overlap(ranked, np.roll(ranked, 1, axis=1), k),
    }


def test_worked_examples() -> None:
    result = doctest.testmod(beyond)
    assert result.attempted > 0
    assert result.failed == 0


def test_everybodys_songs_are_popular_and_not_novel() -> None:
    everything, nothing = np.array([[0, 1]]), np.array([[2, 3]])
    heard_by = np.array([8, 8, 0, 0])
    assert popularity(everything, heard_by, 8, 2).tolist() == [1.0]
    assert popularity(nothing, heard_by, 8, 2).tolist() == [0.0]
    assert str(novelty(everything, heard_by, 8, 2)[0]) == "0.0"
    assert novelty(nothing, heard_by, 8, 2).tolist() == [3.0]  # log2(8): as if one of eight had heard them


def test_diversity_by_hand() -> None:
    vectors = np.array([[2, 0], [0, 5], [-1, 0], [0, 0]], np.float32)
    lists = np.array([[0, 0, -1], [0, 1, -1], [0, 2, -1], [0, 1, 2], [0, 3, -1], [-1, -1, -1]])
    np.testing.assert_allclose(diversity(lists, vectors, 3), [0, 1, 2, 1 - (0 - 1 + 0) / 3, np.nan, np.nan])


def test_overlap_is_of_the_first_list_and_ignores_order() -> None:
    today = np.array([[1, 2, 3], [1, 2, 3], [1, 2, 3], [1, -1, -1], [-1, -1, -1]])
    tomorrow = np.array([[3, 1, 2], [4, 5, 1], [4, 5, 6], [3, 2, 1], [1, 2, 3]])
    np.testing.assert_allclose(overlap(today, tomorrow, 3), [1, 1 / 3, 0, 1, np.nan])
    np.testing.assert_allclose(overlap(today, tomorrow, 2), [1 / 2, 0, 0, 0, np.nan])


def test_calibration_by_hand() -> None:
    labels = np.array([0, 0, 1, 1, -1])
    history = np.array([[9, 9], [4, 0], [0, 4], [1, 1], [0, 0]])
    lists = np.array([[0, 2], [0, 1], [0, 1], [4, 4], [0, 2]])
    expected = [0.0, 0.0, 1.0, np.nan, np.nan]  # as in history; the same; nothing shared; no label; no history
    np.testing.assert_array_equal(calibration(lists, labels, history, 2), expected)
    np.testing.assert_array_equal(calibration(lists, labels, sparse.csr_array(history), 2), expected)


def test_label_counts_leave_unknown_labels_out() -> None:
    counts = label_counts(np.array([0, 0, 0, 2]), np.array([1, 1, 2, 0]), np.array([-1, 0, 2]), (3, 4))
    assert counts.toarray().tolist() == [[2, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_exposure_is_even_or_all_on_one_item() -> None:
    catalogue = np.array([1, 4, 6, 9])
    assert exposure_gini(np.array([[1, 4], [9, 6]]), catalogue, 2) == 0.0
    assert exposure_gini(np.array([[4, 2], [4, -1]]), catalogue, 2) == 1.0  # 2 is from outside the catalogue
    assert np.isnan(exposure_gini(EMPTY, catalogue, 3))
    assert np.isnan(exposure_gini(np.array([[1]]), np.array([1]), 1))


def test_coverage_counts_catalogue_items_once() -> None:
    lists = np.array([[1, 2, -1], [2, 1, 8]])
    assert coverage(lists, np.array([1, 2, 3, 4]), 3) == 2 / 4
    assert coverage(lists, np.array([20, 30]), 3) == 0.0
    assert coverage(lists, np.array([1, 2, 8]), 2) == 2 / 3


def test_an_empty_list_has_no_value() -> None:
    for name, values in each(EMPTY, 3).items():
        assert np.isnan(values).all(), name


def test_no_listeners_give_no_values() -> None:
    for name, values in each(np.zeros((0, 3), np.int32), 3).items():
        assert values.shape == (0,), name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: popularity(np.array([[3]]), np.array([1, 1, 1]), 2, 1), "item row 3 but values came for 3 items"),
        (lambda: novelty(np.array([[0]]), np.array([5]), 4, 1), "heard by 5 of 4 listeners"),
        (lambda: novelty(np.array([[0]]), np.array([0]), 0, 1), "heard by 1 of 0 listeners"),
        (lambda: diversity(np.array([[9]]), VECTORS[:9], 1), "item row 9 but values came for 9"),
        (lambda: overlap(EMPTY, np.zeros((2, 3), np.int32), 1), "1 lists came with 2 later ones"),
        (lambda: calibration(EMPTY, CODES, np.zeros((2, LABELS)), 1), "1 lists came with 2 histories"),
        (lambda: calibration(EMPTY, CODES, np.zeros((1, 2)), 1), "label 3 but there are 2"),
    ],
)
def test_what_cannot_be_right_is_refused(call, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        call()


@settings(max_examples=50)
@given(padded(), st.integers(1, 9))
def test_the_same_as_the_definitions(ranked: np.ndarray, k: int) -> None:
    values = each(ranked, k)
    unit = VECTORS.astype(float) / np.linalg.norm(VECTORS.astype(float), axis=1, keepdims=True)
    for row, places in enumerate(ranked.tolist()):
        top = [item for item in places[:k] if item >= 0]
        if not top:
            continue
        share = HEARD_BY[top] / LISTENERS
        np.testing.assert_allclose(values["popularity"][row], share.mean())
        np.testing.assert_allclose(values["novelty"][row], -np.log2(np.maximum(share, 1 / LISTENERS)).mean())
        pairs = [1 - unit[one] @ unit[other] for at, one in enumerate(top) for other in top[:at]]
        np.testing.assert_allclose(values["diversity"][row], np.mean(pairs) if pairs else np.nan, rtol=1e-9)
        was, listed = np.eye(LABELS)[top[0] % LABELS], np.bincount(CODES[top][CODES[top] >= 0], minlength=LABELS)
        if listed.any():
            expected = jensenshannon(was, listed, base=2) ** 2
            np.testing.assert_allclose(values["calibration"][row], expected, atol=1e-9)


def test_divergence_is_that_of_scipy_over_many_labels() -> None:
    rng = np.random.default_rng(2)
    lists, _, _ = many(seed=4, rows=400, places=30, items=300)
    labels, history = rng.integers(-1, 50, 300), rng.poisson(0.3, (400, 50))
    ours = calibration(lists, labels, history, 30)
    known = [labels[one[one >= 0]] for one in lists]
    listed = np.array([np.bincount(one[one >= 0], minlength=50) for one in known])
    fine = (listed.sum(axis=1) > 0) & (history.sum(axis=1) > 0)
    assert fine.sum() > 300
    np.testing.assert_array_equal(np.isnan(ours), ~fine)
    expected = jensenshannon(history[fine], listed[fine], axis=1, base=2) ** 2
    np.testing.assert_allclose(ours[fine], expected, rtol=0, atol=1e-9)


@settings(max_examples=50)
@given(padded(), st.integers(1, 9))
def test_every_value_is_in_its_range(ranked: np.ndarray, k: int) -> None:
    highest = {"popularity": 1.0, "novelty": np.log2(LISTENERS), "diversity": 2.0, "calibration": 1.0, "overlap": 1.0}
    for name, values in each(ranked, k).items():
        known = values[~np.isnan(values)]
        assert ((known >= 0) & (known <= highest[name] + 1e-12)).all(), name
    assert 0 <= coverage(ranked, np.arange(ITEMS), k) <= 1
    gini = exposure_gini(ranked, np.arange(ITEMS), k)
    assert np.isnan(gini) or 0 <= gini <= 1


@settings(max_examples=50)
@given(padded(), st.integers(1, 9))
def test_a_listener_has_the_same_value_alone_and_in_any_company(ranked: np.ndarray, k: int) -> None:
    together, moved = each(ranked, k), each(ranked[::-1], k)
    for name, values in together.items():
        alone = [each(ranked[row : row + 1], k)[name][0] for row in range(len(ranked))]
        np.testing.assert_allclose(alone, values, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(moved[name][::-1], values, rtol=1e-12, atol=1e-15)


@settings(max_examples=50)
@given(padded(), st.integers(1, 8))
def test_what_stands_beyond_k_changes_nothing(ranked: np.ndarray, k: int) -> None:
    cut = np.where(np.arange(ranked.shape[1]) < k, ranked, -1)
    values, short = each(ranked, k), each(cut, k)
    for name in ("popularity", "novelty", "diversity", "calibration"):
        np.testing.assert_array_equal(values[name], short[name])
    for whole in (coverage, exposure_gini):
        np.testing.assert_array_equal(whole(ranked, np.arange(ITEMS), k), whole(cut, np.arange(ITEMS), k))


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    lists, _, _ = many(seed=3, rows=300, places=6, items=ITEMS)
    at_once = each(lists, 6)
    monkeypatch.setattr("palate.evaluation.metrics.ranking.BLOCK_CELLS", 50)
    for name, values in each(lists, 6).items():
        np.testing.assert_allclose(values, at_once[name], rtol=1e-12)
