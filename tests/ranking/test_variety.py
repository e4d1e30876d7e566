import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from palate.core.candidates import Candidates, Offer, merge
from palate.ranking.variety import IN_A_ROW_OF, SAME_ARTIST, spread
from palate.retrieval.stock import Stock
from retrieval.small import stock_of


def scored(scores: list[float]) -> Candidates:
    """Items 0, 1, 2, ... with these scores."""
    rows = np.arange(len(scores), dtype=np.int32)
    merged = merge([("any", Offer.of(rows, np.zeros(len(rows), np.float32)))])
    merged.scores[:] = scores
    return merged


def by(artists: list[int]) -> Stock:
    return stock_of(np.ones((len(artists), 2)), artist=artists)


def test_the_fourth_of_one_artist_waits() -> None:
    stock = by([0, 0, 0, 0, 1, 2])
    assert spread(scored([9, 8, 7, 6, 5, 4]), stock, 6).items.tolist() == [0, 1, 2, 4, 5, 3]
    assert spread(scored([9, 8, 7, 6, 5, 4]), stock, 4).items.tolist() == [0, 1, 2, 4]


def test_it_comes_back_when_the_first_is_ten_places_away() -> None:
    artists = [0, 0, 0, 0, *range(1, 12)]
    order = spread(scored([float(-row) for row in range(len(artists))]), by(artists), 99).items.tolist()
    assert order == [0, 1, 2, *range(4, 11), 3, *range(11, 15)]
    assert order.index(3) - order.index(0) == IN_A_ROW_OF


def test_order_is_by_score_and_then_by_row() -> None:
    unknown = by([-1] * 5)
    assert spread(scored([1, 3, 2, 3, float("nan")]), unknown, 9).items.tolist() == [1, 3, 2, 0, 4]
    assert spread(scored([1, 3, 2, 3, float("nan")]), by([0, 1, 2, 3, 4]), 9).items.tolist() == [1, 3, 2, 0, 4]


def test_unknown_artists_are_not_one_artist() -> None:
    assert spread(scored([5, 4, 3, 2, 1]), by([-1, -1, -1, -1, 0]), 9).items.tolist() == [0, 1, 2, 3, 4]


def test_nothing_to_spread() -> None:
    assert len(spread(scored([]), by([0]), 5)) == 0


def neighbours(order: list[int], artists: list[int], place: int) -> int:
    """How many of the nine places before `place` are by the same artist."""
    before = order[max(0, place - IN_A_ROW_OF + 1) : place]
    return sum(artists[item] == artists[order[place]] for item in before)


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 5)), max_size=40), st.integers(1, 50))
def test_the_rule_gives_way_only_when_nothing_else_is_left(items: list[tuple[int, int]], n: int) -> None:
    artists, scores = [artist for artist, _ in items], [float(score) for _, score in items]
    order = spread(scored(scores), by(artists or [0]), n).items.tolist()
    assert len(order) == min(n, len(items))
    assert len(set(order)) == len(order)
    for place, item in enumerate(order):
        fits = artists[item] < 0 or neighbours(order, artists, place) < SAME_ARTIST
        waiting = [other for other in range(len(items)) if other not in order[:place]]
        free = [w for w in waiting if artists[w] < 0 or neighbours([*order[:place], w], artists, place) < SAME_ARTIST]
        best = min(free or waiting, key=lambda other: (-scores[other], other))
        assert fits or not free
        assert item == best  # and it moves nothing that fits
