import numpy as np

from palate.core.clock import DAY_SECONDS
from palate.evaluation.baselines.profiles import Fading, rows_of, shares, sittings, tastes

from ..worlds import history_of, inputs_of, playlists_of
from .asking import AT


def test_plays_fade_from_the_moment_of_each_listener() -> None:
    heard = history_of([(0, 0, 70.0), (0, 0, 100.0), (0, 1, 85.0), (1, 0, 70.0)])
    at = np.array([100.0, 130.0]) * DAY_SECONDS
    last = Fading(30.0).profiles(heard, at).toarray()
    np.testing.assert_allclose(last, [[1, 0.5**0.5], [1 / 4, 0]])
    every = Fading(30.0, every_play=True).profiles(heard, at).toarray()
    np.testing.assert_allclose(every, [[1 + 1 / 2, 0.5**0.5], [1 / 4, 0]])
    np.testing.assert_array_equal(Fading(None).profiles(heard, at).toarray(), [[1, 1], [1, 0]])
    np.testing.assert_array_equal(Fading(None, every_play=True).profiles(heard, at).toarray(), [[2, 1], [1, 0]])


def test_shares_sum_to_one_however_old() -> None:
    heard = history_of([(0, 0, -9_000.0), (0, 1, -9_030.0)], n_users=2)
    rows = shares(Fading(30.0).profiles(heard, np.full(2, AT)))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows.toarray(), [[2 / 3, 1 / 3], [0, 0]], rtol=1e-6)


def test_lists_are_rows_of_ones() -> None:
    found = rows_of([np.array([2, 0, 2], np.int32), np.array([], np.int32)], 3)
    np.testing.assert_array_equal(found.toarray(), [[1, 0, 1], [0, 0, 0]])
    assert rows_of([], 3).shape == (0, 3)


def test_long_playlists_are_cut_in_the_order_in_which_items_came() -> None:
    places = playlists_of([(0, 3, 9.0), (0, 1, 5.0), (0, 0, 7.0), (0, 1, 8.0), (1, 4, np.nan), (1, -1, 1.0)])
    known = inputs_of(history_of([(0, 2, 1.0), (0, 2, 1.1), (0, 4, 1.2)], n_items=5), places)
    expected = [[0, 0, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    np.testing.assert_array_equal(sittings(known, longest=2).toarray(), expected)


def test_tastes_are_listeners_then_playlists_without_empty_rows() -> None:
    known = inputs_of(history_of([(1, 0, 70.0)], n_users=4, n_items=2), playlists_of([(1, 1, 1.0), (1, 0, 1.0)]))
    np.testing.assert_array_equal(tastes(known, AT, Fading(30.0)).toarray(), [[1 / 2, 0], [1, 1]])
