import doctest
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.errors import BadInput
from palate.evaluation.baselines import scored
from palate.evaluation.metrics import (
    average_precision_at,
    coverage,
    dcg,
    hit_rate,
    hits,
    ideal_dcg,
    mrr,
    ndcg,
    ndcg_of_means,
    ranking,
    recall,
    recall_uncapped,
)

from .lists import PLACES, csr, judged, many

K = (1, 3, PLACES, 10)
Metric = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
METRICS: dict[str, Metric] = {
    "ndcg": ndcg,
    "recall": recall,
    "recall_uncapped": recall_uncapped,
    "average_precision_at": average_precision_at,
    "mrr": lambda hit, sizes, k: mrr(hit, k),
    "hit_rate": lambda hit, sizes, k: hit_rate(hit, k),
}
by_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


@pytest.mark.parametrize("module", [ranking, scored])
def test_worked_examples(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert result.attempted > 0
    assert result.failed == 0


def test_two_listeners_by_hand() -> None:
    ranked = np.array([[7, 1, 2, -1], [4, 3, 0, 5]], np.int32)
    indptr, items = csr([{1, 9}, {5}])
    hit, sizes = hits(ranked, indptr, items), np.diff(indptr)
    assert hit.tolist() == [[False, True, False, False], [False, False, False, True]]
    log2 = math.log2
    np.testing.assert_allclose(ndcg(hit, sizes, 4), [(1 / log2(3)) / (1 + 1 / log2(3)), (1 / log2(5)) / 1])
    np.testing.assert_allclose(ndcg_of_means(hit, sizes, 4), (1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3) + 1))
    np.testing.assert_allclose(recall(hit, sizes, 4), [1 / 2, 1 / 1])
    np.testing.assert_allclose(average_precision_at(hit, sizes, 4), [(1 / 2) / 2, (1 / 4) / 1])
    np.testing.assert_allclose(mrr(hit, 4), [1 / 2, 1 / 4])
    np.testing.assert_allclose(hit_rate(hit, 3), [1, 0])
    assert coverage(ranked, np.arange(10), 4) == 7 / 10


@by_metric
def test_a_perfect_list_scores_one_to_the_last_bit(metric: Metric) -> None:
    for wanted in range(1, 11):
        indptr, items = csr([set(range(wanted))])
        hit = hits(np.arange(100, dtype=np.int32)[None], indptr, items)
        assert metric(hit, np.diff(indptr), 10).tolist() == [1.0]


def test_only_uncapped_recall_suffers_from_more_targets_than_places() -> None:
    indptr, items = csr([set(range(50))])
    hit, sizes = hits(np.arange(10, dtype=np.int32)[None], indptr, items), np.array([50])
    scores = {name: metric(hit, sizes, 10)[0] for name, metric in METRICS.items()}
    assert scores == dict.fromkeys(METRICS, 1.0) | {"recall_uncapped": 10 / 50}


def test_padding_is_never_a_hit() -> None:
    indptr, items = csr([{9}, {9}])  # -1 of the second list would be the key of item 9 of the first
    assert not hits(np.full((2, 3), -1, np.int32), indptr, items).any()


def test_targets_may_come_in_any_order() -> None:
    found = hits(np.array([[1, 2], [3, 4]]), np.array([0, 3, 5]), np.array([9, 2, 0, 8, 3]))
    assert found.tolist() == [[False, True], [True, False]]


def test_an_indptr_of_another_length_is_refused() -> None:
    with pytest.raises(BadInput, match="2 lists came with an indptr of 2"):
        hits(np.zeros((2, 3), np.int32), np.array([0, 1]), np.array([0]))


def test_hits_are_the_same_across_blocks_and_when_every_flag_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    lists, indptr, items = many(seed=1, rows=500, places=20, items=60)
    wanted = [set(one.tolist()) for one in np.split(items, indptr[1:-1])]
    expected = [[item in targets for item in one] for one, targets in zip(lists.tolist(), wanted, strict=True)]
    assert hits(lists, indptr, items).tolist() == expected
    monkeypatch.setattr(ranking, "BLOCK_CELLS", 64)  # three lists a block
    monkeypatch.setattr(ranking, "FLAG_BITS", 3)
    assert hits(lists, indptr, items).tolist() == expected


def test_a_listener_without_targets_is_undefined_and_leaves_the_ratio_of_means_alone() -> None:
    hit, sizes = np.zeros((1, 3), bool), np.array([0])
    for metric in (ndcg, recall, recall_uncapped, average_precision_at):
        assert np.isnan(metric(hit, sizes, 3)).all()
    assert np.isnan(coverage(np.zeros((1, 3), np.int32), np.array([], np.int32), 3))
    assert np.isnan(ndcg_of_means(hit, sizes, 3))
    assert ndcg_of_means(np.array([[True], [False]]), np.array([1, 0]), 3) == 1.0


@by_metric
def test_no_listeners_give_no_values(metric: Metric) -> None:
    hit = hits(np.zeros((0, 5), np.int32), np.array([0]), np.array([], np.int32))
    assert metric(hit, np.array([], int), 5).shape == (0,)


@by_metric
def test_lists_without_places_hit_nothing(metric: Metric) -> None:
    hit = hits(np.zeros((2, 0), np.int32), np.array([0, 1, 2]), np.array([4, 5]))
    assert metric(hit, np.array([1, 1]), 5).tolist() == [0.0, 0.0]


def slowly(ranked: list[int], targets: set[int], k: int) -> dict[str, float]:
    """The definitions, one place at a time."""
    gain, found, first, precisions = 0.0, 0, 0, 0.0
    for place, item in enumerate(ranked[:k], start=1):
        if item in targets:
            gain, found, first = gain + 1 / math.log2(place + 1), found + 1, first or place
            precisions += found / place
    possible = min(k, len(targets))
    best = sum(1 / math.log2(place + 1) for place in range(1, possible + 1))
    return {
        "ndcg": gain / best,
        "recall": found / possible,
        "recall_uncapped": found / len(targets),
        "average_precision_at": precisions / possible,
        "mrr": 1 / first if first else 0.0,
        "hit_rate": float(found > 0),
    }


@settings(max_examples=50)
@given(judged())
def test_the_same_as_the_definitions(people: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    lists, indptr, items = people
    hit, sizes = hits(lists, indptr, items), np.diff(indptr)
    for k in K:
        slow = [
            slowly(one, set(targets.tolist()), k)
            for one, targets in zip(lists.tolist(), np.split(items, indptr[1:-1]), strict=True)
        ]
        for name, metric in METRICS.items():
            fast = metric(hit, sizes, k)
            np.testing.assert_allclose(fast, [one[name] for one in slow], rtol=1e-12)
            assert ((fast >= 0) & (fast <= 1)).all()


@settings(max_examples=50)
@given(judged())
def test_a_listener_has_the_same_value_alone_and_in_any_company(
    people: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    lists, indptr, items = people
    together = [metric(hits(lists, indptr, items), np.diff(indptr), 5) for metric in METRICS.values()]
    for row in range(len(lists)):
        targets = items[indptr[row] : indptr[row + 1]]
        hit = hits(lists[row : row + 1], np.array([0, len(targets)]), targets)
        alone = [metric(hit, np.array([len(targets)]), 5)[0] for metric in METRICS.values()]
        assert alone == [values[row] for values in together]


@settings(max_examples=50)
@given(judged(), st.randoms(use_true_random=False))
def test_permuted_listeners_have_permuted_values(
    people: tuple[np.ndarray, np.ndarray, np.ndarray], random: "st.random.Random"
) -> None:
    lists, indptr, items = people
    order = random.sample(range(len(lists)), len(lists))
    targets = np.split(items, indptr[1:-1])
    moved = hits(lists[order], *csr([set(targets[row].tolist()) for row in order]))
    hit, sizes = hits(lists, indptr, items), np.diff(indptr)
    for metric in METRICS.values():
        assert metric(moved, sizes[order], 5).tolist() == metric(hit, sizes, 5)[order].tolist()
    assert math.isclose(ndcg_of_means(moved, sizes[order], 5), ndcg_of_means(hit, sizes, 5), abs_tol=1e-15)


@settings(max_examples=50)
@given(judged(), st.integers(1, PLACES))
def test_what_stands_beyond_k_changes_nothing(people: tuple[np.ndarray, np.ndarray, np.ndarray], k: int) -> None:
    lists, indptr, items = people
    hit, sizes = hits(lists, indptr, items), np.diff(indptr)
    for metric in METRICS.values():
        assert metric(hit[:, :k], sizes, k).tolist() == metric(hit, sizes, k).tolist()


@settings(max_examples=50)
@given(judged(), st.integers(0, PLACES - 1), st.integers(0, PLACES - 1), st.integers(1, PLACES))
def test_a_better_list_never_scores_less(
    people: tuple[np.ndarray, np.ndarray, np.ndarray], one: int, other: int, k: int
) -> None:
    lists, indptr, items = people
    hit, sizes = hits(lists, indptr, items), np.diff(indptr)
    front, back = sorted((one, other))
    swapped, found = hit.copy(), hit.copy()
    swapped[:, front], swapped[:, back] = hit[:, front] | hit[:, back], hit[:, front] & hit[:, back]
    found[:, front] |= hit.sum(axis=1) < sizes  # one more target found, where there is one
    for metric in METRICS.values():
        was = metric(hit, sizes, k)
        for better in (swapped, found):
            assert (metric(better, sizes, k) >= was - 1e-15).all()


def test_equal_ideals_make_the_ratio_of_means_the_mean() -> None:
    rng = np.random.default_rng(3)
    hit = rng.permuted(np.tile(np.arange(10) < 4, (200, 1)), axis=1)
    sizes = np.full(200, 6)
    assert math.isclose(ndcg_of_means(hit, sizes, 10), float(ndcg(hit, sizes, 10).mean()))
    assert math.isclose(float(dcg(hit, 10).sum()) / float(ideal_dcg(sizes, 10).sum()), ndcg_of_means(hit, sizes, 10))
