"""The ranking metrics against trec_eval, the reference of information retrieval since TREC (through pytrec_eval)."""

import numpy as np
import pytest
import pytrec_eval

from palate.evaluation.metrics import (
    average_precision_at,
    hit_rate,
    hits,
    mrr,
    ndcg,
    ndcg_of_means,
    recall,
    recall_uncapped,
)

from .lists import many

ROWS, PLACES, ITEMS = 3000, 30, 80
K = (1, 5, 10, 30, 50)  # the last is longer than any list


class Trec:
    """What trec_eval says of the same lists: (q,) by measure."""

    def __init__(self, lists: np.ndarray, indptr: np.ndarray, items: np.ndarray) -> None:
        self._lists = [[str(item) for item in one if item >= 0] for one in lists.tolist()]
        wanted = np.split(items, indptr[1:-1])
        self._relevant = {str(row): {str(item): 1 for item in one.tolist()} for row, one in enumerate(wanted)}
        cuts = ",".join(map(str, K))
        self._whole = self._asked({f"{name}.{cuts}" for name in ("ndcg_cut", "recall", "map_cut", "success")}, PLACES)

    def __call__(self, measure: str, k: int) -> np.ndarray:
        """The measure of the first k places."""
        if measure == "recip_rank":  # the only one that trec_eval does not cut by itself
            return self._column(self._asked({"recip_rank"}, k), "recip_rank")
        return self._column(self._whole, f"{measure}_{k}")

    def _asked(self, measures: set[str], k: int) -> dict[str, dict[str, float]]:
        # Scores are distinct, so that trec_eval's own rule for ties never decides.
        run = {
            str(row): {item: float(len(one) - place) for place, item in enumerate(one[:k])}
            for row, one in enumerate(self._lists)
        }
        said: dict[str, dict[str, float]] = pytrec_eval.RelevanceEvaluator(self._relevant, measures).evaluate(run)
        return said

    def _column(self, said: dict[str, dict[str, float]], key: str) -> np.ndarray:
        # An empty list is missing from what trec_eval says.
        return np.array([said[str(row)][key] if one else 0.0 for row, one in enumerate(self._lists)])


@pytest.fixture(scope="module")
def case() -> tuple[Trec, np.ndarray, np.ndarray]:
    lists, indptr, items = many(seed=1, rows=ROWS, places=PLACES, items=ITEMS)
    return Trec(lists, indptr, items), hits(lists, indptr, items), np.diff(indptr)


def close(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert len(np.unique(theirs)) > 1, "an oracle that always says the same checks nothing"
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("k", K)
def test_the_same_as_trec_eval(case: tuple[Trec, np.ndarray, np.ndarray], k: int) -> None:
    trec, hit, sizes = case
    possible = np.minimum(sizes, k)
    close(ndcg(hit, sizes, k), trec("ndcg_cut", k))
    close(recall_uncapped(hit, sizes, k), trec("recall", k))
    close(recall(hit, sizes, k), trec("recall", k) * sizes / possible)
    close(average_precision_at(hit, sizes, k), trec("map_cut", k) * sizes / possible)
    close(hit_rate(hit, k), trec("success", k))
    close(mrr(hit, k), trec("recip_rank", k))


def test_the_ratio_of_means_from_the_gains_of_trec_eval(case: tuple[Trec, np.ndarray, np.ndarray]) -> None:
    trec, hit, sizes = case
    ideal = np.array([sum(1 / np.log2(place + 1) for place in range(1, min(size, 10) + 1)) for size in sizes])
    np.testing.assert_allclose(
        ndcg_of_means(hit, sizes, 10), (trec("ndcg_cut", 10) * ideal).sum() / ideal.sum(), rtol=1e-12
    )
