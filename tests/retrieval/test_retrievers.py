from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.candidates import Offer
from palate.embeddings.records import UserRecord
from palate.retrieval.retrievers import (
    RECENT_ITEMS,
    RETRIEVERS,
    again,
    company,
    company_of_seeds,
    near_seeds,
    near_taste,
    new,
    popular,
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
    if name in ("near_taste", "near_seeds", "new", "popular"):
        assert all(available[item] for item in rows(offer))
    else:
        assert set(offer.because.tolist()) <= set(own)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200), st.integers(1, 8))
def test_cutting_before_sorting_changes_nothing(weights: list[int], n: int) -> None:
    """Many own items, few asked for: the same as sorting them all."""
    items = np.arange(len(weights), dtype=np.int32)
    record = UserRecord.empty(2)
    record.items, record.weights, record.plays = items, np.array(weights, np.float64), np.ones(len(items), np.int32)
    record.skips, record.last = np.zeros(len(items), np.int32), np.full(len(items), NOW)
    by_hand = sorted(range(len(weights)), key=lambda item: (-weights[item], item))[:n]
    assert rows(again(query_of(record), stock_of(np.ones((len(weights), 2))), n)) == by_hand
