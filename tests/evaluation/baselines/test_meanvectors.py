import numpy as np
import pytest
from scipy import sparse

from palate.evaluation.baselines import MeanVectors, meanvectors
from palate.evaluation.baselines.meanvectors import affordable, positive_information
from palate.evaluation.method import Neighbours

from ..worlds import history_of, inputs_of
from .asking import AT, kept, lists


def test_information_by_hand() -> None:
    # 0 and 1 together twice, 1 and 2 once: pairs [[0, 2, 0], [2, 0, 1], [0, 1, 0]], rows sum to 2, 3, 1
    groups = sparse.csr_array(np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1], [1, 0, 0]], np.float32))
    context = np.array([2.0, 3.0, 1.0]) ** 0.75
    share = context / context.sum()
    expected = np.zeros((3, 3))
    expected[0, 1] = np.log(1 / share[1])  # 0 is always with 1
    expected[1, 0], expected[1, 2] = np.log(2 / 3 / share[0]), np.log(1 / 3 / share[2])
    expected[2, 1] = np.log(1 / share[1])
    np.testing.assert_allclose(positive_information(groups).toarray(), np.maximum(expected, 0), rtol=1e-6)


def test_too_many_pairs_are_cut_by_whole_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = sparse.csr_array(np.ones((10, 3), np.float32))
    np.testing.assert_array_equal(affordable(groups).toarray(), groups.toarray())
    monkeypatch.setattr(meanvectors, "MOST_PAIRS", 40)
    assert affordable(groups).shape == (4, 3)  # nine pairs in each


def taste_plays() -> list[tuple[int, int, float]]:
    rng = np.random.default_rng(0)
    plays = []
    for user in range(40):
        taste = 0 if user < 20 else 10
        for day in range(5, 90, 5):
            plays += [(user, taste + int(item), day + 0.01) for item in rng.choice(10, 4, replace=False)]
    return plays


def test_vectors_of_one_taste_are_close() -> None:
    known = inputs_of(history_of([*taste_plays(), (40, 0, 95.0)]))
    fitted = MeanVectors(dim=2).fit(known, AT)
    cosine = fitted.item_vectors @ fitted.item_vectors.T
    assert cosine[:10, :10].min() > 0.9
    assert np.abs(cosine[:10, 10:]).max() < 0.3
    assert isinstance(fitted, Neighbours)
    assert (fitted.similar(np.array([4], np.int32), 9) < 10).all()
    assert {*lists(MeanVectors(dim=2), known, [40], n=9, exclude_heard=True)[0]} == set(range(1, 10))


def test_a_listener_is_the_mean_of_what_she_played_lately() -> None:
    known = inputs_of(history_of([*taste_plays(), (40, 0, 86.0), (40, 10, 100.0)]))
    fitted = MeanVectors(dim=2, half_life_days=7.0).fit(known, AT)
    expected = (fitted.item_vectors[0] / 4 + fitted.item_vectors[10]) / (1 / 4 + 1)  # 14 days are two half-lives
    np.testing.assert_allclose(fitted.vectors(np.array([40], np.int32))[0], expected, rtol=1e-5)
    assert kept(fitted.recommend(np.array([40], np.int32), 1, exclude_heard=True))[0][0] >= 10
