from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.candidates import Offer
from palate.embeddings.records import UserRecord
from palate.listening.history import History
from palate.retrieval.crowds import LEAST_LISTENERS, LISTED, Crowds
from palate.retrieval.everybody import circle, country, new, popular, rarely_heard, rising
from palate.retrieval.lately import INTERESTS, LEAST_OF_INTERESTS, due, interests, sequence
from palate.retrieval.retrievers import (
    RECENT_ITEMS,
    RETRIEVERS,
    again,
    company,
    company_of_seeds,
    near_seeds,
    near_taste,
)

from .small import NOW, query_of, record_of, stock_of

DAY = 86_400.0
FOUR = np.eye(4, 3)  # the last row is zeros: an item without a vector


def rows(offer: Offer) -> list[int]:
    return offer.items.tolist()


def test_again_offers_own_items_by_decayed_plays() -> None:
    record = record_of(plays=[(3, 0), (1, 28), (1, 28), (2, 56)], skips=[(0, 0)])
    offer = again(query_of(record), stock_of(np.eye(5, 2)), 10)
    assert rows(offer) == [1, 3, 2]  # 1/2 + 1/2 equals 1: the smaller row stands first
    np.testing.assert_allclose(offer.scores, [1, 1, 1 / 4])
    assert offer.because.tolist() == rows(offer)
    assert rows(again(query_of(record), stock_of(np.eye(5, 2)), 2)) == [1, 3]


def test_company_sums_what_the_latest_listens_call() -> None:
    stock = stock_of(np.eye(5, 2), {0: [(2, 0.4), (3, 0.2)], 1: [(4, 0.9), (2, 0.4)]})
    offer = company(query_of(record_of(plays=[(0, 0), (1, 30)])), stock, 10)
    assert rows(offer) == [2, 4, 3]
    np.testing.assert_allclose(offer.scores, [1 * 0.4 + 0.5 * 0.4, 0.5 * 0.9, 1 * 0.2], rtol=1e-6)
    assert offer.because.tolist() == [0, 1, 0]  # who gave the most
    assert rows(company(query_of(record_of(plays=[(0, 0), (1, 30)])), stock, 1)) == [2]


def test_company_counts_from_the_latest_listen_not_from_now() -> None:
    stock = stock_of(np.eye(3, 2), {0: [(1, 0.5)]})
    offer = company(query_of(record_of(plays=[(0, 365)])), stock, 10)
    np.testing.assert_allclose(offer.scores, [0.5])


def test_what_was_only_skipped_calls_no_company() -> None:
    stock = stock_of(np.eye(3, 2), {0: [(1, 0.5)]})
    assert rows(company(query_of(record_of(skips=[(0, 0)])), stock, 10)) == []


def test_only_the_latest_items_call_their_company() -> None:
    n = RECENT_ITEMS + 1
    stock = stock_of(np.ones((n, 2)), {0: [(1, 0.9)], 1: [(2, 0.1)]})
    record = record_of(plays=[(0, 50), *((item, 1) for item in range(2, n)), (1, 2)])
    assert rows(company(query_of(record), stock, 10)) == [2]  # item 0, heard longest ago, is one too many


def test_seeds_call_their_company_the_first_loudest() -> None:
    stock = stock_of(np.eye(4, 2), {1: [(2, 0.5), (3, 0.1)], 0: [(3, 0.5)]})
    offer = company_of_seeds(query_of(seeds=[1, 0]), stock, 10)
    assert rows(offer) == [3, 2]
    np.testing.assert_allclose(offer.scores, [0.1 + 0.9 * 0.5, 0.5], rtol=1e-6)
    assert offer.because.tolist() == [0, 1]


def test_near_taste_is_by_dot_product_popularity_included() -> None:
    stock = stock_of([[1, 0, 0], [0.5, 0, 3], [0, 1, 0], [2, 0, 0]])
    offer = near_taste(query_of(record_of(plays=[(0, 0)], dim=3), taste=[1, 0, 0.3]), stock, 3)
    assert rows(offer) == [3, 1, 0]
    np.testing.assert_allclose(offer.scores, [2, 0.5 + 0.9, 1], rtol=1e-6)


def test_nothing_is_near_a_stranger() -> None:
    assert rows(near_taste(query_of(taste=[1, 0, 1]), stock_of(FOUR), 3)) == []


def test_what_is_told_of_a_stranger_makes_the_taste_their_own() -> None:
    stock = replace(stock_of(FOUR), stranger=np.array([1, 0, 0], np.float32))
    same, told = (query_of(taste=taste) for taste in ([1, 0, 1e-9], [1, 0, 0.3]))
    assert (stock.knows(same), rows(near_taste(same, stock, 3))) == (False, [])
    assert (stock.knows(told), rows(near_taste(told, stock, 3))) == (True, [0, 2, 1])


def test_near_seeds_is_by_angle_popularity_left_out() -> None:
    stock = stock_of([[1, 0, 9], [3, 3, 0], [0.1, 0.01, 0], [0, 5, 0], [-1, 0, 0]])
    offer = near_seeds(query_of(taste=[0, 0, 0], seeds=[0, 3]), stock, 10)
    assert rows(offer) == [0, 2, 1]  # at a right angle or beyond is not near
    np.testing.assert_allclose(offer.scores, [1, 0.1 / np.hypot(0.1, 0.01), np.sqrt(0.5)], rtol=1e-6)
    assert offer.because.tolist() == [0, 0, 0]
    assert rows(near_seeds(query_of(taste=[0, 0, 0], seeds=[0]), stock, 2)) == [0, 2]


def test_nothing_is_near_a_seed_without_a_direction() -> None:
    stock = stock_of([[0, 0, 2], [1, 0, 0], [0, 1, 0]])
    assert rows(near_seeds(query_of(taste=[0, 0, 0], seeds=[0]), stock, 2)) == []
    assert rows(near_seeds(query_of(taste=[0, 0, 0]), stock, 2)) == []


def test_new_is_by_taste_and_for_a_stranger_by_the_week() -> None:
    released = [NOW - 10 * DAY, NOW - 400 * DAY, np.nan, np.nan, NOW - 400 * DAY]
    first = [NOW - 9 * DAY, NOW - 300 * DAY, NOW - 59 * DAY, NOW - 61 * DAY, np.inf]
    stock = stock_of(
        [[1, 0], [9, 0], [2, 0], [9, 0], [3, 0]], released=released, first_heard=first, week=[7, 0, 2, 0, 0]
    )
    listener = query_of(record_of(plays=[(0, 0)]), taste=[1, 0])
    assert rows(new(listener, stock, 10)) == [4, 2, 0]  # never heard counts as new
    np.testing.assert_allclose(new(listener, stock, 10).scores, [3, 2, 1])
    assert rows(new(listener, stock, 1)) == [4]
    assert rows(new(query_of(), stock, 10)) == [0, 2, 4]


def test_popular_is_by_week_then_month_then_ever_then_row() -> None:
    week, month, ever = [0, 3, 0, 0, 0, 3], [1, 3, 2, 1, 0, 3], [9, 4, 5, 9, 0, 4]
    stock = stock_of(np.ones((6, 2)), week=week, month=month, ever=ever)
    offer = popular(query_of(), stock, 10)
    assert rows(offer) == [1, 5, 2, 0, 3]  # what nobody ever heard is not popular
    assert offer.scores.tolist() == [3, 3, 0, 0, 0]
    assert rows(popular(query_of(), stock, 2)) == [1, 5]


@pytest.mark.parametrize("name", RETRIEVERS)
def test_a_stranger_without_seeds_is_offered_what_is_new_and_popular(name: str) -> None:
    stock = stock_of(FOUR, {0: [(1, 0.5)]}, ever=[1, 1, 0, 0], first_heard=[0, 0, np.inf, np.inf])
    offer = RETRIEVERS[name](query_of(taste=[0, 0, 1]), stock, 5)
    assert rows(offer) == {"new": [2, 3], "popular": [0, 1]}.get(name, [])
    assert offer.items.dtype == np.int32
    assert offer.scores.dtype == np.float32


@pytest.mark.parametrize("name", RETRIEVERS)
def test_what_was_imported_after_the_training_does_no_harm(name: str) -> None:
    """A record may hold a row that the stock has never heard of."""
    stock = stock_of(FOUR, {0: [(1, 0.5)]}, ever=[1, 1, 1, 1])
    record = record_of(plays=[(0, 1), (4_000, 0)], dim=3)
    offer = RETRIEVERS[name](query_of(record, taste=[1, 0, 0], seeds=[0]), stock, 5)
    assert (offer.items < 4).all()


@st.composite
def shelves(draw: st.DrawFn) -> tuple[list[list[float]], list[bool], list[int], list[int]]:
    """Vectors on a coarse grid, so that ties are common; what is available; plays; own items."""
    n = draw(st.integers(1, 40))
    cell = st.integers(-2, 2).map(float)
    vectors = draw(st.lists(st.lists(cell, min_size=3, max_size=3), min_size=n, max_size=n))
    available = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    plays = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    own = draw(st.lists(st.integers(0, n - 1), max_size=10))
    return vectors, available, plays, own


@pytest.mark.parametrize("name", RETRIEVERS)
@settings(max_examples=40)
@given(shelf=shelves(), n=st.integers(1, 12))
def test_an_offer_is_short_descending_and_without_repeats(
    name: str, shelf: tuple[list[list[float]], list[bool], list[int], list[int]], n: int
) -> None:
    vectors, available, plays, own = shelf
    pairs = {item: [((item + step) % len(vectors), 0.5) for step in (1, 2) if len(vectors) > 2] for item in own}
    stock = stock_of(vectors, pairs, available=available, week=plays, month=plays, ever=plays)
    record = record_of(plays=[(item, at) for at, item in enumerate(own)], dim=3)
    offer = RETRIEVERS[name](query_of(record, taste=[1, 1, 0], seeds=own[:3]), stock, n)
    assert len(offer.items) == len(offer.scores) == len(offer.because) <= n
    assert len(set(rows(offer))) == len(rows(offer))
    assert (np.diff(offer.scores) <= 0).all()
    tied = np.diff(offer.scores) == 0
    assert (np.diff(offer.items)[tied] > 0).all()
    if name in ("near_taste", "near_seeds", "rising", "new", "popular", "rarely_heard"):
        assert all(available[item] for item in rows(offer))
    else:
        assert set(offer.because.tolist()) <= set(own)


def test_the_sequence_calls_the_last_item_loudest() -> None:
    stock = stock_of(np.eye(5, 2), {0: [(2, 0.4), (3, 0.2)], 1: [(4, 0.8), (2, 0.4)]})
    offer = sequence(query_of(record_of(plays=[(0, 30), (1, 60)])), stock, 10)  # 1 was before 0, however long ago
    assert rows(offer) == [2, 4, 3]
    np.testing.assert_allclose(offer.scores, [0.4 + 0.8 * 0.4, 0.8 * 0.8, 0.2], rtol=1e-6)
    assert offer.because.tolist() == [0, 1, 0]


def test_each_interest_has_its_own_neighbours() -> None:
    """Three directions, two listens of each; between them stands what no interest wants."""
    corners = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    between = [1 / np.sqrt(3)] * 3
    vectors = np.array([[*c, 0] for c in [*corners, *corners, *corners, between]])
    record = record_of(plays=[(item, item) for item in range(6)], dim=4)
    offer = interests(query_of(record, taste=[1, 1, 1, 0]), stock_of(vectors), 9)
    assert set(rows(offer)) == set(range(9))
    because = dict(zip(rows(offer), offer.because.tolist(), strict=True))
    assert {item: because[item] % INTERESTS for item in (6, 7, 8)} == {6: 0, 7: 1, 8: 2}
    assert all(item != anchor for item, anchor in because.items())
    few = record_of(plays=[(item, 1) for item in range(LEAST_OF_INTERESTS - 1)], dim=4)
    assert rows(interests(query_of(few, taste=[1, 1, 1, 0]), stock_of(vectors), 6)) == []


def test_what_is_due_was_played_twice_and_has_rested() -> None:
    record = record_of(
        plays=[(0, 20), (0, 300), (1, 20), (2, 1), (2, 2), (3, 200), (3, 300), (4, 40), (4, 41), (4, 42)]
    )
    offer = due(query_of(record), stock_of(np.eye(5, 2)), 10)
    assert rows(offer) == [0, 4]  # 1 once only, 2 just now, 3 too long ago
    np.testing.assert_allclose(offer.scores, [np.log(3) * (14 / 20) ** 0.5, np.log(4) * (14 / 40) ** 0.5], rtol=1e-6)
    assert offer.because.tolist() == rows(offer)


def test_rising_is_more_than_usual() -> None:
    stock = stock_of(np.ones((5, 2)), week=[10, 10, 4, 20, 5], month=[10, 40, 4, 40, 5], available=[1, 1, 1, 1, 0])
    offer = rising(query_of(), stock, 10)
    assert rows(offer) == [0, 3]  # 1 as usual, 2 too few, 4 cannot be played
    np.testing.assert_allclose(offer.scores, [11 / 3.5, 21 / 11], rtol=1e-6)


def crowds_of(**lists: dict[int, list[tuple[int, int]]]) -> Crowds:
    """Lists of (item, listeners) by place: countries=..., circles=...; circle c points along axis c."""

    def table(groups: dict[int, list[tuple[int, int]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        items, listeners = np.full((len(groups), LISTED), -1, np.int32), np.zeros((len(groups), LISTED), np.int32)
        for place, pairs in groups.items():
            for at, (item, count) in enumerate(pairs):
                items[place, at], listeners[place, at] = item, count
        return items, listeners, 2 * listeners

    countries, circles = lists.get("countries", {}), lists.get("circles", {})
    names: list[str] = ["DE", "SE"][: len(countries)]
    return Crowds(NOW, names, *table(countries), np.eye(len(circles), 2, dtype=np.float32), *table(circles))


def test_a_country_and_a_circle_offer_their_own_lists() -> None:
    crowds = crowds_of(countries={0: [(3, 9), (1, 4)], 1: [(0, 5)]}, circles={0: [(2, 7)], 1: [(1, 6), (0, 3)]})
    stock = replace(stock_of(np.eye(4, 3), available=[1, 0, 1, 1]), crowds=crowds)
    german = replace(query_of(taste=[0, 0, 1]), country="DE")
    assert (rows(country(german, stock, 9)), country(german, stock, 9).scores.tolist()) == ([3], [9])
    assert rows(country(replace(german, country="FR"), stock, 9)) == rows(country(query_of(), stock, 9)) == []
    known = query_of(record_of(plays=[(0, 1)], dim=3), taste=[0.2, 0.9, 5.0])
    assert (rows(circle(known, stock, 9)), circle(known, stock, 9).scores.tolist()) == ([0], [3])
    assert rows(circle(known, replace(stock, crowds=None), 9)) == []


def test_rarely_heard_is_what_is_near_and_hardly_heard() -> None:
    stock = stock_of(np.eye(4, 3), ever=[5, 0, 2, 9])
    query = query_of(record_of(plays=[(3, 1)], dim=3), taste=[1, 1, 1])
    offer = rarely_heard(query, stock, 2)
    assert (rows(offer), offer.scores.tolist()) == ([1, 2], [0, -2])


def test_crowds_count_what_a_group_heard_lately(tmp_path: Path) -> None:
    """Two countries of three; item 0 is heard by all Germans, item 1 by two, item 2 long ago."""
    plays = [(u, 0, 1) for u in range(3)] + [(0, 1, 2), (1, 1, 2), (0, 2, 40), (1, 2, 40), (2, 2, 40), (0, 0, 2)]
    plays.sort(key=lambda one: -one[2])
    user, item, ago = (np.array(column) for column in zip(*plays, strict=True))
    n = len(plays)
    history = History(
        user.astype(np.int32), item.astype(np.int32), NOW - ago * DAY, np.zeros(n, np.uint8),
        *[np.full(n, 200, np.float32)] * 2, np.arange(n), [f"u{i}" for i in range(6)], 4,
    )  # fmt: skip
    crowds = Crowds.at(history, NOW, np.zeros((6, 2), np.float32), ["DE", "DE", "DE", "SE", None, "SE"])
    assert LEAST_LISTENERS == 3
    assert (crowds.countries, crowds.country_items[:, :2].tolist()) == (["DE", "SE"], [[0, -1], [-1, -1]])
    assert (crowds.country_listeners[0, 0], crowds.country_plays[0, 0]) == (3, 4)
    assert crowds.circle(np.ones(2, np.float32)) is None
    crowds.save(tmp_path / "crowds.npz")
    again = Crowds.load(tmp_path / "crowds.npz")
    assert (again.countries, again.country_plays.tolist()) == (crowds.countries, crowds.country_plays.tolist())


def test_circles_are_of_tastes_that_point_the_same_way() -> None:
    """Four hundred listeners along two axes, each half hears one item."""
    angle = np.concatenate([np.linspace(0, 0.3, 200), np.linspace(1.3, 1.57, 200)])
    directions = np.column_stack([np.cos(angle), np.sin(angle)]).astype(np.float32)
    user, n = np.arange(400, dtype=np.int32), 400
    history = History(
        user, (user >= 200).astype(np.int32), np.full(n, NOW - DAY), np.zeros(n, np.uint8), np.full(n, 200, np.float32),
        np.full(n, 200, np.float32), np.arange(n), [f"u{i}" for i in range(n)], 2,
    )  # fmt: skip
    crowds = Crowds.at(history, NOW, directions, [None] * n)
    assert len(crowds.centres) == 4
    for axis in range(2):
        place = crowds.circle(np.eye(2, dtype=np.float32)[axis])
        assert crowds.circle_items[place, :2].tolist() == [axis, -1]
    assert crowds.circle_listeners[:, 0].sum() == n


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200), st.integers(1, 8))
def test_cutting_before_sorting_changes_nothing(weights: list[int], n: int) -> None:
    """Many own items, few asked for: the same as sorting them all."""
    items = np.arange(len(weights), dtype=np.int32)
    record = UserRecord.empty(2)
    record.items, record.weights, record.plays = items, np.array(weights, np.float64), np.ones(len(items), np.int32)
    record.skips, record.last = np.zeros(len(items), np.int32), np.full(len(items), NOW)
    by_hand = sorted(range(len(weights)), key=lambda item: (-weights[item], item))[:n]
    assert rows(again(query_of(record), stock_of(np.ones((len(weights), 2))), n)) == by_hand
