import doctest
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.evaluation import metrics
from palate.evaluation.baselines import scored
from palate.evaluation.metrics import coverage, hit_rate, hits, mrr, ndcg, recall

K = (1, 3, 10)


def csr(targets: list[set[int]]) -> tuple[np.ndarray, np.ndarray]:
    indptr = np.cumsum([0] + [len(one) for one in targets])
    return indptr, np.array([item for one in targets for item in sorted(one)], np.int32)


@pytest.mark.parametrize("module", [metrics, scored])
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
    np.testing.assert_allclose(recall(hit, sizes, 4), [1 / 2, 1 / 1])
    np.testing.assert_allclose(mrr(hit, 4), [1 / 2, 1 / 4])
    np.testing.assert_allclose(hit_rate(hit, 3), [1, 0])
    assert coverage(ranked, np.arange(10), 4) == 7 / 10


def test_a_perfect_list_scores_one_even_with_more_targets_than_places() -> None:
    indptr, items = csr([set(range(50))])
    hit = hits(np.arange(10, dtype=np.int32)[None], indptr, items)
    for metric in (ndcg(hit, np.diff(indptr), 10), recall(hit, np.diff(indptr), 10), mrr(hit, 10), hit_rate(hit, 10)):
        np.testing.assert_allclose(metric, [1.0])


def test_padding_is_never_a_hit() -> None:
    indptr, items = csr([{9}, {9}])  # -1 of the second list would be the key of item 9 of the first
    assert not hits(np.full((2, 3), -1, np.int32), indptr, items).any()


def test_a_listener_without_targets_is_undefined() -> None:
    hit = np.zeros((1, 3), bool)
    assert np.isnan(ndcg(hit, np.array([0]), 3)).all()
    assert np.isnan(recall(hit, np.array([0]), 3)).all()
    assert np.isnan(coverage(np.zeros((1, 3), np.int32), np.array([], np.int32), 3))


def test_no_listeners_give_no_values() -> None:
    hit = hits(np.zeros((0, 5), np.int32), np.array([0]), np.array([], np.int32))
    assert len(ndcg(hit, np.array([], int), 5)) == len(mrr(hit, 5)) == len(hit_rate(hit, 5)) == 0


def slowly(ranked: list[int], targets: set[int], k: int) -> tuple[float, float, float, float]:
    """The definitions, one place at a time."""
    gain, found, first = 0.0, 0, 0
    for place, item in enumerate(ranked[:k], start=1):
        if item in targets:
            gain, found, first = gain + 1 / math.log2(place + 1), found + 1, first or place
    possible = min(k, len(targets))
    best = sum(1 / math.log2(place + 1) for place in range(1, possible + 1))
    return gain / best, found / possible, 1 / first if first else 0.0, float(found > 0)


listeners = st.lists(
    st.tuples(st.permutations(range(12)), st.integers(0, 8), st.sets(st.integers(0, 14), min_size=1)), min_size=1
)


@given(listeners)
def test_the_same_as_the_definitions(people: list[tuple[list[int], int, set[int]]]) -> None:
    lists = [[*order[:length], *[-1] * (8 - length)] for order, length, _ in people]
    targets = [wanted for _, _, wanted in people]
    indptr, items = csr(targets)
    hit, sizes = hits(np.array(lists, np.int32), indptr, items), np.diff(indptr)
    for k in K:
        fast = np.stack([ndcg(hit, sizes, k), recall(hit, sizes, k), mrr(hit, k), hit_rate(hit, k)], axis=1)
        slow = [slowly(one, wanted, k) for one, wanted in zip(lists, targets, strict=True)]
        np.testing.assert_allclose(fast, slow)
        assert ((fast >= 0) & (fast <= 1 + 1e-12)).all()
