import numpy as np
import pytest

from palate.core.errors import BadInput
from palate.evaluation.baselines import ItemKnn, OwnPlus, PopularAll
from palate.evaluation.baselines.history import OwnHistory

from ..worlds import history_of, inputs_of, random_history
from .asking import AT


def test_shares_are_mixed_by_hand() -> None:
    # sittings: 0 with 1, 0 with 2; the listener heard 0 at the moment and 1 a month before
    plays = [(1, 0, 1.0), (1, 1, 1.1), (2, 0, 2.0), (2, 2, 2.1), (0, 1, 70.0), (0, 0, 100.0)]
    fitted = OwnPlus(ItemKnn(), own_weight=0.9).fit(inputs_of(history_of(plays, n_items=4)), AT)
    close = 1 / (3 * 2) ** 0.5  # 0 is in three sittings, 1 in two, 2 in one
    knn = np.array([1 + close / 2, close + 1 / 2, 1 / 3**0.5])
    own = np.array([1, 0.5 ** (30 / 14), 0])
    expected = 0.9 * own / own.max() + 0.1 * knn / knn.max()
    scores = fitted.scores(np.array([0], np.int32))[0]
    np.testing.assert_allclose(scores[:3], expected, rtol=1e-6)
    assert scores[3] == -np.inf


def test_the_weight_goes_from_the_model_to_own_history() -> None:
    known, users = inputs_of(random_history(1)), np.arange(30, dtype=np.int32)
    model, own = ItemKnn().fit(known, AT), OwnHistory().fit(known, AT)
    np.testing.assert_array_equal(
        OwnPlus(ItemKnn(), own_weight=0.0).fit(known, AT).recommend(users, 20, True), model.recommend(users, 20, True)
    )
    mixed = OwnPlus(ItemKnn(), own_weight=1.0).fit(known, AT).recommend(users, 5, False)
    np.testing.assert_array_equal(mixed, own.recommend(users, 5, False))


def test_what_has_no_scores_cannot_be_blended() -> None:
    with pytest.raises(BadInput, match="popular-all gives lists without scores"):
        OwnPlus(PopularAll()).fit(inputs_of(random_history(1)), AT)
