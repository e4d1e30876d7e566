"""What comes after the scores, each knob with an answer known beforehand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.candidates import Candidates, Offer, merge
from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.ranking.arrange import EXPLORATION, Arranger, ArrangeSettings, arrange
from palate.retrieval.query import Aired, Query, Steer
from palate.retrieval.stock import Stock
from retrieval.small import NOW, query_of, record_of, stock_of

PLAIN = ArrangeSettings(diversity=0.0, aired=0.0, exploration=0.0)
ROUND = [[np.cos(a), np.sin(a), 0.0] for a in np.linspace(0.0, np.pi / 2, 6)]  # a fan of six directions


def scored(scores: list[float]) -> Candidates:
    """Items 0, 1, 2, ... with these scores."""
    rows = np.arange(len(scores), dtype=np.int32)
    merged = merge([("any", Offer.of(rows, np.zeros(len(rows), np.float32)))])
    merged.scores[:] = scores
    return merged


def order(settings: ArrangeSettings, scores: list[float], query: Query, stock: Stock, n: int = 99) -> list[int]:
    shown: list[int] = Arranger(settings)(scored(scores), query, stock, n)[0].items.tolist()
    return shown


def test_without_wishes_the_order_is_by_score() -> None:
    assert order(PLAIN, [1, 3, 2], query_of(), stock_of(np.eye(3))) == [1, 2, 0]


def test_of_versions_of_a_song_the_best_scored_is_shown_and_the_others_are_counted() -> None:
    stock = stock_of(np.eye(4), song=[5, 5, -1, -1])
    shown, removed = Arranger(PLAIN)(scored([1, 4, 3, 2]), query_of(), stock, 9)
    assert shown.items.tolist() == [1, 2, 3]
    assert [(one.items.tolist(), one.reason) for one in removed] == [([0], "another version of the song")]


def test_who_was_held_back_by_an_artists_turn_is_counted() -> None:
    stock = stock_of(np.eye(5), artist=[0, 0, 0, 0, 1])
    shown, removed = Arranger(PLAIN)(scored([5, 4, 3, 2, 1]), query_of(), stock, 4)
    assert shown.items.tolist() == [0, 1, 2, 4]
    assert [(one.items.tolist(), one.reason) for one in removed] == [([3], "same artist too often")]


def test_diversity_prefers_what_is_unlike_what_is_shown() -> None:
    """Items 0 and 1 are the same thing, 2 is another; the scores are 1.2 standard deviations apart at most."""
    stock = stock_of([[1, 0, 0], [1, 0, 0], [0, 1, 0]])
    assert order(PLAIN, [3, 2, 1], query_of(), stock) == [0, 1, 2]
    assert order(replace(PLAIN, diversity=1.0), [3, 2, 1], query_of(), stock) == [0, 1, 2]  # 1.22 > 1
    assert order(replace(PLAIN, diversity=1.3), [3, 2, 1], query_of(), stock) == [0, 2, 1]


def test_an_item_shown_and_left_unplayed_loses_until_it_is_played() -> None:
    aired = Aired(np.array([0], np.int32), np.array([3], np.int32), np.array([NOW - DAY_SECONDS]))
    settings = replace(PLAIN, aired=0.5)
    stock = stock_of(np.eye(3))
    assert order(settings, [3, 2.9, 1], replace(query_of(), aired=aired), stock) == [1, 0, 2]
    played = query_of(record_of([(0, 0.5)], dim=3), taste=(0, 0, 0))
    assert order(settings, [3, 2.9, 1], replace(played, aired=aired), stock) == [0, 1, 2]


def test_more_like_lifts_and_less_like_lowers() -> None:
    record = record_of(dim=3)
    record.mark(5, Event.MORE_LIKE, NOW)
    stock = stock_of(ROUND)
    scores = [1.0] * 6
    assert order(PLAIN, scores, query_of(record, (0, 0, 0)), stock)[0] == 5
    record.mark(5, Event.LESS_LIKE, NOW + 1.0)
    assert order(PLAIN, scores, query_of(record, (0, 0, 0)), stock)[-1] == 5


def test_energy_is_near_the_wish_and_the_unknown_stays_in_between() -> None:
    stock = stock_of(np.eye(3), energy=[0.1, np.nan, 0.9])
    for wish, expected in ((0.0, [0, 1, 2]), (1.0, [2, 1, 0])):
        query = replace(query_of(), steer=Steer(energy=wish))
        assert order(PLAIN, [1, 1, 1], query, stock) == expected


def test_safe_is_what_was_heard_and_surprising_what_was_not_and_few_hear() -> None:
    stock = stock_of(np.eye(4), month=[9, 9, 900, 9])
    query = query_of(record_of([(3, 5.0)], dim=4), taste=(0, 0, 0, 0))
    scores = [1.0, 0.9, 1.1, 0.5]
    assert order(PLAIN, scores, replace(query, steer=Steer(-1.0)), stock)[0] == 3
    assert order(PLAIN, scores, replace(query, steer=Steer(1.0)), stock) == [0, 1, 2, 3]


def explored(listener: str, day: int, adventure: float = 0.0, n: int = 50) -> Candidates:
    """300 candidates, of which the listener heard the first 100; each is played as often as its row says."""
    stock = stock_of(np.ones((300, 2)), ever=np.arange(300))
    record = record_of([(row, 1.0) for row in range(100)])
    query = replace(query_of(record), listener=listener, now=NOW + day * DAY_SECONDS, steer=Steer(adventure))
    return Arranger(replace(PLAIN, exploration=0.04))(scored(np.arange(300.0).tolist()), query, stock, n)[0]


def drawn(shown: Candidates) -> list[int]:
    places = [p for p in range(len(shown)) if shown.source(p) == EXPLORATION]
    found: list[int] = shown.items[places].tolist()
    return found


def test_chance_fills_its_places_with_what_is_unheard_and_little_known() -> None:
    shown = explored("a", 0)
    assert [p + 1 for p in range(50) if shown.source(p) == EXPLORATION] == [25, 50]
    assert all(100 <= item < 200 for item in drawn(shown))
    assert shown.offered[24, 0] == pytest.approx(1 / 100)  # a hundred unheard ones are played at most as often as half
    assert len(set(shown.items.tolist())) == 50


def test_the_draw_is_the_listeners_own_and_stays_for_the_day() -> None:
    assert explored("a", 0).items.tolist() == explored("a", 0).items.tolist()
    draws = [drawn(explored(listener, day)) for listener in ("a", "b") for day in (0, 1)]
    assert len({tuple(one) for one in draws}) == 4


def test_nothing_is_drawn_for_nobody_or_for_who_plays_it_safe() -> None:
    assert drawn(explored("a", 0, adventure=-0.1)) == []
    assert len(drawn(explored("a", 0, adventure=1.0))) == 7  # .14 of fifty
    stock = stock_of(np.eye(3))
    assert Arranger(replace(PLAIN, exploration=1.0))(scored([1, 2, 3]), query_of(), stock, 2)[0].sources == ("any",)


def test_every_item_is_drawn_about_equally_often() -> None:
    counts = np.zeros(300)
    for listener in range(400):
        counts[drawn(explored(str(listener), 0))] += 1
    assert counts.sum() == 800
    assert counts[100:200].min() > 0  # expected 8; none of a hundred is left out
    assert counts.max() < 25


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 3), st.floats(-5, 5, width=32)), max_size=40),
       st.integers(1, 50), st.floats(0, 2), st.floats(-1, 1))  # fmt: skip
def test_each_is_shown_once_or_counted_and_a_shorter_answer_begins_a_longer(items, n, diversity, adventure) -> None:
    size = max(len(items), 1)
    vectors = np.random.default_rng(0).normal(size=(size, 4))
    stock = stock_of(vectors, artist=[one[0] for one in items] or [0], song=[one[1] for one in items] or [0])
    query = replace(query_of(taste=(0, 0, 0, 0)), listener="u", steer=Steer(adventure))
    settings, candidates = ArrangeSettings(diversity=diversity, exploration=0.1), scored([one[2] for one in items])
    shown, removed = Arranger(settings)(candidates, query, stock, n)
    doubles = sum(len(one.items) for one in removed if one.reason == "another version of the song")
    assert len(set(shown.items.tolist())) == len(shown) == min(n, len(items) - doubles)
    shorter = Arranger(settings)(candidates, query, stock, max(n // 2, 1))[0]
    assert shown.items[: len(shorter)].tolist() == shorter.items.tolist()


def test_of_nothing_there_is_nothing() -> None:
    shown, removed = arrange(scored([]), query_of(), stock_of(np.eye(2)), 10)
    assert (len(shown), removed) == (0, [])


def test_a_home_decides_where_a_recipe_does_not() -> None:
    own, homes = ArrangeSettings(diversity=0.7), ArrangeSettings(diversity=0.9)
    assert arrange.under(homes).settings == homes
    assert Arranger(own).under(homes).settings == own


@pytest.mark.parametrize("wrong", [{"same_artist": 0}, {"in_a_row_of": 0}, {"exploration": 1.5}])
def test_impossible_knobs_are_refused(wrong) -> None:
    with pytest.raises(ValueError, match="must be"):
        ArrangeSettings(**wrong)
