from math import log

import numpy as np
import pytest

from palate.core.candidates import Candidates
from palate.ranking.features import NAMES, features
from palate.retrieval.query import Query
from palate.retrieval.retrieve import retrieve
from palate.retrieval.stock import Stock
from retrieval.small import NOW, query_of, record_of, stock_of

DAY = 86_400.0
NAN = float("nan")

# Item 0 was played now and 28 days ago, item 1 was skipped 3 days ago, item 2 (an episode) was played 182 days ago,
# item 3 is unknown to the listener and item 4 is unknown to everybody.
VECTORS = [[3, 4, 1], [0, 2, 0], [1, 0, 5], [0, -1, 2], [0, 0, 0]]
STOCK = stock_of(
    VECTORS,
    {0: [(3, 0.5)]},
    week=[3, 0, 1, 7, 0],
    month=[7, 0, 1, 7, 0],
    ever=[20, 1, 1, 7, 0],
    first_heard=[NOW - 100 * DAY, NOW - 3 * DAY, NOW - 182 * DAY, NOW - 5 * DAY, np.inf],
    released=[NOW - 500 * DAY, np.nan, NOW - 200 * DAY, NOW - 6 * DAY, np.nan],
    kind=[0, 0, 1, 0, 2],
    artist=[0, 0, 1, 0, -1],
    genre=[0, 1, 1, 2, -1],
    language=[0, 0, 0, -1, 1],
)
RECORD = record_of(plays=[(0, 0), (0, 28), (2, 182)], skips=[(1, 3)], vectors=VECTORS, kinds=[0, 0, 1, 0, 2])
TASTE = [0.6, 0.8, 0.1]
QUERY = query_of(RECORD, taste=TASTE)

WEIGHT_0, WEIGHT_2 = 1 + 1 / 2, 2 ** (-182 / 28)  # decayed with four weeks
ALL = WEIGHT_0 + WEIGHT_2
BEST = 0.25 + 0.025 / 5  # company and popularity of item 0, the highest of what was played
HALF_YEAR_TRACKS, HALF_YEAR_EPISODES = 1 + 2 ** (-28 / 182), 1 / 2

# By hand: what stands in each column for items 0 to 4.
BY_HAND = {
    "taste_score": [0.6 * 3 + 0.8 * 4 + 0.1, 1.6, 0.6 + 0.5, -0.8 + 0.2, 0],
    "taste_cosine": [1, 0.8, 0.6, -0.8, 0],
    "company_score": [NAN, NAN, NAN, 0.5, NAN],
    "own_weight": [WEIGHT_0, 0, WEIGHT_2, 0, 0],
    "own_plays": [2, 0, 1, 0, 0],
    "own_skips": [0, 1, 0, 0, 0],
    "own_days_since": [0, 3, 182, NAN, NAN],
    "own_share": [WEIGHT_0 / ALL, 0, WEIGHT_2 / ALL, 0, 0],
    "plays_week": [log(4), 0, log(2), log(8), 0],
    "plays_month": [log(8), 0, log(2), log(8), 0],
    "plays_ever": [log(21), log(2), log(2), log(8), 0],
    "trend": [log(2), log(4), log(4), log(4), log(4)],
    "days_since_first_heard": [100, 3, 182, 5, NAN],
    "days_since_release": [500, NAN, 200, 6, NAN],
    "artist_weight": [WEIGHT_0 / ALL, WEIGHT_0 / ALL, WEIGHT_2 / ALL, WEIGHT_0 / ALL, 0],
    "genre_weight": [WEIGHT_0 / ALL, WEIGHT_2 / ALL, WEIGHT_2 / ALL, 0, 0],
    "language_weight": [1, 1, 1, 0, 0],
    "kind_weight": [
        *[HALF_YEAR_TRACKS / (HALF_YEAR_TRACKS + HALF_YEAR_EPISODES)] * 2,
        HALF_YEAR_EPISODES / (HALF_YEAR_TRACKS + HALF_YEAR_EPISODES),
        HALF_YEAR_TRACKS / (HALF_YEAR_TRACKS + HALF_YEAR_EPISODES),
        0,
    ],
    "listener_events": [log(1 + HALF_YEAR_TRACKS + HALF_YEAR_EPISODES)] * 5,
    "listener_week": [log(1 + 1 + 2 ** (-28 / 7) + 2 ** (-182 / 7))] * 5,
    "listener_items": [log(3)] * 5,
    "listener_repeats": [3 / 2] * 5,
    "listener_days_away": [0] * 5,
    "offers": [2, 2, 2, 3, 1],  # again: 0, 2; company: 3; new: 1, 3, 4; popular: 0, 1, 2, 3
    # Over the highest among what was played, items 0 and 2; decayed with two weeks, with 30 days.
    "own_lately": [1, 0, 2 ** (-182 / 14) / WEIGHT_0, 0, 0],
    "company_share": [1, 0, 2 ** (-182 / 30), 0.5, 0],
    "fold_in_share": [NAN] * 5,
    "popularity_share": [1 / 5, 0, 1, 2 / 5, 0],
    "taste_share": [1, 1.6 / 5.1, 1.1 / 5.1, -0.6 / 5.1, 0],
    "mixture": [
        0.5 * (0.25 * 1 + 0.025 * 1 / 5) / BEST + 0.5,
        0,
        0.5 * (0.25 * 2 ** (-182 / 30) + 0.025 * 1) / BEST + 0.5 * 2 ** (-182 / 14) / WEIGHT_0,
        0.5 * (0.25 * 0.5 + 0.025 * 2 / 5) / BEST,
        0,
    ],
}


def everything(query: Query, stock: Stock) -> Candidates:
    """All five items in order of their rows."""
    found = retrieve({"again": 5, "company": 5, "new": 5, "popular": 5}, query, stock)
    return found.take(np.argsort(found.items))


@pytest.mark.parametrize("name", NAMES)
def test_each_column_by_hand(name: str) -> None:
    candidates = everything(QUERY, STOCK)
    assert candidates.items.tolist() == [0, 1, 2, 3, 4]
    column = features(candidates, QUERY, STOCK)[:, NAMES.index(name)]
    np.testing.assert_allclose(column, np.array(BY_HAND[name], np.float32), rtol=1e-5, atol=1e-6)


def test_there_is_a_value_by_hand_for_every_column() -> None:
    assert tuple(BY_HAND) == NAMES


def test_away_is_counted_from_the_latest_event() -> None:
    record = record_of(plays=[(0, 12)], skips=[(1, 10)], vectors=VECTORS)
    values = features(everything(QUERY, STOCK), query_of(record, taste=TASTE), STOCK)
    np.testing.assert_allclose(values[:, NAMES.index("listener_days_away")], 10, rtol=1e-6)


def test_of_a_stranger_only_the_items_are_known() -> None:
    query = query_of(taste=[0, 0, 0.1])
    candidates = retrieve({"new": 5, "popular": 5}, query, STOCK)
    values = features(candidates, query, STOCK)
    assert values.shape == (5, len(NAMES))
    for name in ("company_score", "own_days_since", "listener_days_away"):
        assert np.isnan(values[:, NAMES.index(name)]).all()
    for name in ("taste_cosine", "own_weight", "own_share", "artist_weight", "kind_weight", "listener_repeats"):
        assert (values[:, NAMES.index(name)] == 0).all()


def test_no_candidates_have_no_rows() -> None:
    nothing = retrieve({}, QUERY, STOCK)
    assert features(nothing, QUERY, STOCK).shape == (0, len(NAMES))


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    candidates = everything(QUERY, STOCK)
    together = features(candidates, QUERY, STOCK)
    for row in range(len(candidates)):
        alone = features(candidates.take(np.array([row])), QUERY, STOCK)
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-6)
