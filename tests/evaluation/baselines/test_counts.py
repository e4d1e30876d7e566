import numpy as np

from palate.evaluation.baselines import Counts
from palate.evaluation.baselines.counts import hashing

from ..worlds import history_of, inputs_of
from .asking import AT, lists


def test_counts_of_plays_stand_in_the_places_of_their_items() -> None:
    known = inputs_of(history_of([(0, 0, 1.0), (0, 0, 2.0), (0, 3, 3.0), (1, 2, 4.0)], n_users=3))
    places = hashing(4, 64).toarray()
    vectors = Counts(dim=64).fit(known, AT).vectors(np.arange(3, dtype=np.int32))
    np.testing.assert_array_equal(vectors, [2 * places[0] + places[3], places[2], np.zeros(64)])
    assert lists(Counts(), known, [0, 1, 2]) == [[0, 3], [2], []]


def test_places_are_even_and_stay_when_the_catalogue_grows() -> None:
    places = hashing(50_000, 512)
    assert (np.abs(places.data) == 1).all()
    taken = np.bincount(places.indices, minlength=512)
    assert taken.min() > 60
    assert taken.max() < 140  # 98 on average, and five deviations of a fair draw
    assert abs(places.data.sum()) < 1_200
    np.testing.assert_array_equal(hashing(100, 512).toarray(), places[:100].toarray())
