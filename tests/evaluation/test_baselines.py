from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.evaluation.baselines import ItemKnn, OwnHistory, PopularAll, PopularRecent, standard
from palate.evaluation.baselines.itemknn import session_cosine
from palate.evaluation.baselines.scored import top
from palate.evaluation.method import Method
from palate.listening.history import History

from .worlds import history_of, random_history, skipped_at

AT = 100.0 * DAY_SECONDS
EVERY = [*standard(), ItemKnn(neighbours=5)]


def lists(
    method: Method, train: History, users: list[int], n: int = 10, exclude_heard: bool = False
) -> list[list[int]]:
    ranked = method.fit(train, AT).recommend(np.array(users, np.int32), n, exclude_heard)
    return [[item for item in row if item >= 0] for row in ranked.tolist()]


def test_popular_counts_heard_plays() -> None:
    plays = [(0, 2, 1.0), (1, 2, 2.0), (0, 1, 3.0), (2, 0, 99.0), (2, 3, 4.0)]
    train = skipped_at(history_of(plays, n_items=6), [3])  # the play of item 3 was a skip
    assert lists(PopularAll(), train, [0]) == [[2, 0, 1]]  # items 0 and 1 are level: the lower row first
    assert lists(PopularRecent(), train, [0]) == [[0]]
    assert lists(PopularAll(), train, [0, 2], exclude_heard=True) == [[0], [2, 1]]


def test_own_history_weighs_plays_by_age_and_goes_on_with_what_is_popular() -> None:
    plays = [(0, 0, 72.0), (0, 0, 72.1), (0, 0, 72.2), (0, 1, 99.0), (1, 2, 98.0), (2, 2, 98.0), (2, 3, 98.5)]
    train = history_of(plays)
    # three plays 28 days ago are 3 / 4 of a fresh one; with a long memory they are worth more than it
    assert lists(OwnHistory(), train, [0]) == [[1, 0, 2, 3]]
    assert lists(OwnHistory(half_life_days=1000.0), train, [0]) == [[0, 1, 2, 3]]
    assert lists(OwnHistory(), train, [0], exclude_heard=True) == [[2, 3]]


def test_cosine_of_sessions_by_hand() -> None:
    # item 0 in three sessions, item 1 in two of them, item 2 alone
    train = history_of([(0, 0, 1.0), (0, 1, 1.1), (0, 0, 2.0), (0, 1, 2.1), (0, 0, 3.0), (0, 2, 4.0), (0, 2, 4.1)])
    expected = np.array([[1, 2 / (3 * 2) ** 0.5, 0], [2 / (3 * 2) ** 0.5, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(session_cosine(train).toarray(), expected, rtol=1e-6)
    np.testing.assert_allclose(session_cosine(train, neighbours=1).toarray(), np.eye(3), rtol=1e-6)


def test_neighbours_find_a_planted_taste_that_popularity_cannot() -> None:
    rng = np.random.default_rng(0)
    plays = [(user, 20, day) for user in range(40) for day in (93.0, 94.0, 95.0, 96.0, 97.0)]  # a hit, played alone
    for user in range(40):
        taste = 0 if user < 20 else 10  # items 0..9 go together, and items 10..19
        for day in range(5, 90, 5):
            kept = [item for item in range(taste, taste + 10) if (user, item) not in ((7, 3), (33, 15))]
            plays += [(user, int(item), day + 0.01) for item in rng.choice(kept, 4, replace=False)]
    train = history_of(plays)
    assert [row[0] for row in lists(ItemKnn(), train, [7, 33], exclude_heard=True)] == [3, 15]
    popular = [lists(PopularAll(), train, [7, 33], n=1, exclude_heard=exclude_heard) for exclude_heard in (False, True)]
    assert popular[0] == [[20], [20]]
    assert 3 not in popular[1][0] + lists(PopularRecent(), train, [7], exclude_heard=True)[0]


def test_neighbours_follow_the_latest_taste() -> None:
    others = [(user, item, float(user)) for user in (1, 2, 3) for item in (0, 1)]
    others += [(user, item, float(user)) for user in (4, 5, 6) for item in (2, 3)]
    train = history_of([*others, (0, 0, 10.0), (0, 2, 95.0)])
    assert lists(ItemKnn(), train, [0], exclude_heard=True) == [[3, 1]]


@pytest.mark.parametrize("method", EVERY, ids=lambda method: f"{method.name}-{getattr(method, 'neighbours', '')}")
class TestContract:
    """What the docstring of `Fitted.recommend` promises."""

    def test_shape_padding_and_no_repeats(self, method: Method) -> None:
        train = random_history(1)
        ranked = method.fit(train, AT).recommend(np.arange(30, dtype=np.int32), 60, exclude_heard=False)
        assert ranked.shape == (30, 60)
        assert ranked.dtype == np.int32
        for row in ranked.tolist():
            kept = [item for item in row if item >= 0]
            assert row == kept + [-1] * (60 - len(kept))
            assert len(set(kept)) == len(kept)

    def test_heard_items_are_left_out_and_skipped_ones_are_not(self, method: Method) -> None:
        train = random_history(2)
        heard = train.heard()
        before = method.fit(train, AT).recommend(np.arange(30, dtype=np.int32), 40, exclude_heard=True)
        for user, row in enumerate(before.tolist()):
            assert not set(row) & set(heard.item[heard.user == user].tolist())

    def test_one_listener_at_a_time_gives_the_same(self, method: Method) -> None:
        fitted, users = method.fit(random_history(3), AT), np.array([4, 0, 17, 4], np.int32)
        for exclude_heard in (False, True):
            together = fitted.recommend(users, 12, exclude_heard)
            alone = [fitted.recommend(users[[row]], 12, exclude_heard)[0] for row in range(4)]
            np.testing.assert_array_equal(together, alone)

    def test_a_shorter_list_is_the_start_of_a_longer_one(self, method: Method) -> None:
        fitted, users = method.fit(random_history(4), AT), np.arange(30, dtype=np.int32)
        np.testing.assert_array_equal(fitted.recommend(users, 5, False), fitted.recommend(users, 25, False)[:, :5])

    def test_a_listener_without_plays_gets_a_list_or_padding_and_no_error(self, method: Method) -> None:
        train = replace(random_history(5), users=[f"u{row}" for row in range(31)])
        assert method.fit(train, AT).recommend(np.array([30], np.int32), 5, True).shape == (1, 5)

    def test_an_empty_log_recommends_nothing(self, method: Method) -> None:
        empty = history_of([], n_users=2, n_items=3)
        assert (method.fit(empty, AT).recommend(np.array([0, 1], np.int32), 4, False) == -1).all()

    def test_nobody_asks(self, method: Method) -> None:
        assert method.fit(random_history(6), AT).recommend(np.array([], np.int32), 4, False).shape == (0, 4)


@given(
    scores=st.lists(st.lists(st.sampled_from([-np.inf, 0.0, 0.5, 1.0, 2.0]), min_size=6, max_size=6), min_size=1),
    n=st.integers(1, 8),
)
def test_top_is_a_full_sort_cut_short(scores: list[list[float]], n: int) -> None:
    slow = [sorted((-score, item) for item, score in enumerate(row) if score > -np.inf)[:n] for row in scores]
    expected = [[item for _, item in row] + [-1] * (n - len(row)) for row in slow]
    assert top(np.array(scores), n).tolist() == expected


def test_top_of_no_columns_is_padding() -> None:
    assert top(np.zeros((2, 0)), 3).tolist() == [[-1] * 3] * 2
