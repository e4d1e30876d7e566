import numpy as np
import pytest

from palate.evaluation.baselines import ItemKnn, PopularAll, PopularRecent, itemknn
from palate.evaluation.baselines.itemknn import group_cosine
from palate.evaluation.baselines.profiles import sittings
from palate.evaluation.method import Neighbours

from ..worlds import history_of, inputs_of, playlists_of, random_history
from .asking import AT, goes_on, kept, lists


def test_cosine_of_sittings_by_hand() -> None:
    # item 0 in three sittings, item 1 in two of them, item 2 alone
    plays = [(0, 0, 1.0), (0, 1, 1.1), (0, 0, 2.0), (0, 1, 2.1), (0, 0, 3.0), (0, 2, 4.0), (0, 2, 4.1)]
    groups = sittings(inputs_of(history_of(plays)))
    expected = np.array([[1, 2 / (3 * 2) ** 0.5, 0], [2 / (3 * 2) ** 0.5, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(group_cosine(groups).toarray(), expected, rtol=1e-6)
    np.testing.assert_allclose(group_cosine(groups, neighbours=1).toarray(), np.eye(3), rtol=1e-6)


def test_neighbours_find_a_planted_taste_that_popularity_cannot() -> None:
    rng = np.random.default_rng(0)
    plays = [(user, 20, day) for user in range(40) for day in (93.0, 94.0, 95.0, 96.0, 97.0)]  # a hit, played alone
    for user in range(40):
        taste = 0 if user < 20 else 10  # items 0..9 go together, and items 10..19
        for day in range(5, 90, 5):
            chosen = [item for item in range(taste, taste + 10) if (user, item) not in ((7, 3), (33, 15))]
            plays += [(user, int(item), day + 0.01) for item in rng.choice(chosen, 4, replace=False)]
    known = inputs_of(history_of(plays))
    assert [row[0] for row in lists(ItemKnn(), known, [7, 33], exclude_heard=True)] == [3, 15]
    popular = [lists(PopularAll(), known, [7, 33], n=1, exclude_heard=exclude_heard) for exclude_heard in (False, True)]
    assert popular[0] == [[20], [20]]
    assert 3 not in popular[1][0] + lists(PopularRecent(), known, [7], exclude_heard=True)[0]


def test_neighbours_follow_the_latest_taste() -> None:
    others = [(user, item, float(user)) for user in (1, 2, 3) for item in (0, 1)]
    others += [(user, item, float(user)) for user in (4, 5, 6) for item in (2, 3)]
    known = inputs_of(history_of([*others, (0, 0, 10.0), (0, 2, 95.0)]))
    assert lists(ItemKnn(), known, [0], exclude_heard=True) == [[3, 1]]


def test_playlists_teach_as_sittings_do() -> None:
    # 0 with 1 in one sitting, with 2 on one playlist; 2 is on another playlist as well, so it is less close
    known = inputs_of(
        history_of([(0, 0, 1.0), (0, 1, 1.1)], n_items=5), playlists_of([(0, 0, 2.0), (0, 2, 2.0), (1, 2, 3.0)])
    )
    fitted = ItemKnn().fit(known, AT)
    assert goes_on(fitted, [0], [2], [0, 1], [4]) == [[1, 2], [0], [2], []]
    assert isinstance(fitted, Neighbours)
    assert kept(fitted.similar(np.array([0, 1], np.int32), 3)) == [[1, 2], [0]]


def test_a_large_catalogue_keeps_the_closest_neighbours_only(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = sittings(inputs_of(random_history(1)))
    monkeypatch.setattr(itemknn, "MOST_PAIRS", 10)
    monkeypatch.setattr(itemknn, "KEPT_NEIGHBOURS", 3)
    few = group_cosine(groups)
    assert np.diff(few.indptr).max() == 3
    np.testing.assert_array_equal(few.toarray(), group_cosine(groups, neighbours=3).toarray())
