import numpy as np

from palate.core.clock import DAY_SECONDS
from palate.evaluation.baselines import PopularAll, PopularRecent

from ..worlds import history_of, inputs_of, playlists_of, skipped_at
from .asking import AT, goes_on, kept, lists

PLAYS = [(0, 2, 1.0), (1, 2, 2.0), (0, 1, 3.0), (2, 0, 99.0), (2, 3, 4.0)]


def test_popular_counts_heard_plays() -> None:
    known = inputs_of(skipped_at(history_of(PLAYS, n_items=6), [3]))  # the play of item 3 was a skip
    assert lists(PopularAll(), known, [0]) == [[2, 0, 1]]  # items 0 and 1 are level: the lower row first
    assert lists(PopularRecent(), known, [0]) == [[0]]
    assert lists(PopularAll(), known, [0, 2], exclude_heard=True) == [[0], [2, 1]]


def test_a_playlist_goes_on_with_what_is_on_most_playlists_then_with_the_most_played() -> None:
    places = playlists_of([(0, 4, 5.0), (1, 4, 6.0), (0, 3, 7.0), (1, 5, 98.0)])
    known = inputs_of(history_of(PLAYS, n_items=6), places)
    # 4 is on two playlists; 3 and 5 on one each, but 3 was played; then 2 (two plays), 0 and 1 (one each)
    assert goes_on(PopularAll().fit(known, AT), [], [4, 2]) == [[4, 3, 5, 2, 0, 1], [3, 5, 0, 1]]
    # in the last week 5 came to a playlist, and 0 was played
    assert goes_on(PopularRecent().fit(known, AT), [2]) == [[5, 0]]


def test_an_item_twice_on_one_playlist_counts_once() -> None:
    places = playlists_of([(0, 4, 5.0), (0, 4, 6.0), (0, 3, 7.0), (1, 3, 98.0)])
    assert goes_on(PopularAll().fit(inputs_of(history_of([], 1, 6), places), AT), []) == [[3, 4]]


def test_later_listens_change_what_was_heard_and_not_what_is_popular() -> None:
    fitted = PopularAll().fit(inputs_of(history_of(PLAYS, n_items=6)), AT)
    later = history_of([*PLAYS, (0, 0, 101.0), (0, 5, 102.0), (1, 5, 102.0)], n_items=6)
    again = fitted.refreshed(later, np.full(3, 103 * DAY_SECONDS))
    assert kept(again.recommend(np.array([0], np.int32), 5, exclude_heard=False)) == [[2, 0, 1, 3]]
    assert kept(again.recommend(np.array([0], np.int32), 5, exclude_heard=True)) == [[3]]
