from palate.evaluation.baselines import OwnHistory

from ..worlds import history_of, inputs_of
from .asking import lists


def test_own_history_weighs_plays_by_age_and_goes_on_with_what_is_popular() -> None:
    plays = [(0, 0, 72.0), (0, 0, 72.1), (0, 0, 72.2), (0, 1, 99.0), (1, 2, 98.0), (2, 2, 98.0), (2, 3, 98.5)]
    known = inputs_of(history_of(plays))
    # three plays 28 days ago are 3 / 4 of a fresh one; with a long memory they are worth more than it
    assert lists(OwnHistory(), known, [0]) == [[1, 0, 2, 3]]
    assert lists(OwnHistory(half_life_days=1000.0), known, [0]) == [[0, 1, 2, 3]]
    assert lists(OwnHistory(), known, [0], exclude_heard=True) == [[2, 3]]


def test_a_play_of_years_ago_still_counts() -> None:
    known = inputs_of(history_of([(0, 0, -5_000.0), (0, 1, 99.0), (1, 2, 99.0)]))  # 364 half-lives
    assert lists(OwnHistory(), known, [0]) == [[1, 0, 2]]
