from pathlib import Path

import numpy as np
import pytest

from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.listening.history import History
from palate.retrieval import stock as stock_module
from palate.retrieval.trends import Trends

from .small import NOW, stock_of


def history_of(plays: list[tuple[int, float, Event, float]], n_items: int) -> History:
    """(item, days before NOW, event, seconds of 200 played), by one listener, latest last."""
    item, ago, event, seconds = (list(column) for column in zip(*sorted(plays, key=lambda play: -play[1]), strict=True))
    n = len(plays)
    return History(
        user=np.zeros(n, np.int32), item=np.array(item, np.int32), timestamp=NOW - np.array(ago) * DAY_SECONDS,
        event=np.array(event, np.uint8), seconds_played=np.array(seconds, np.float32),
        duration_seconds=np.full(n, 200, np.float32), session=np.zeros(n, np.int64), users=["u"], n_items=n_items,
    )  # fmt: skip


PLAYS = [
    (0, 0.0, Event.PLAY, 200.0),  # at the moment itself: not before it
    (0, 7.0, Event.PLAY, 200.0),  # exactly a week ago is in the week
    (0, 7.1, Event.PLAY, 200.0),
    (1, 1.0, Event.PLAY, 5.0),  # a skip
    (1, 2.0, Event.SAVE, np.nan),
    (1, 28.0, Event.PLAY, 200.0),
    (1, 400.0, Event.PLAY, 200.0),
    (2, 3.0, Event.SKIP, 5.0),
]


def test_trends_by_hand() -> None:
    trends = Trends.at(history_of(PLAYS, 4), NOW)
    assert trends.week.tolist() == [1, 0, 0, 0]
    assert trends.month.tolist() == [2, 1, 0, 0]
    assert trends.ever.tolist() == [2, 2, 0, 0]
    assert ((NOW - trends.first_heard) / DAY_SECONDS).tolist() == [7.1, 400.0, -np.inf, -np.inf]
    assert float(trends.moment) == NOW


def test_trends_of_nothing_are_zeros() -> None:
    trends = Trends.at(history_of(PLAYS, 4), NOW - 1_000 * DAY_SECONDS)
    assert trends.ever.tolist() == trends.week.tolist() == [0] * 4
    assert np.isinf(trends.first_heard).all()


def test_saved_then_loaded_trends_are_the_same(tmp_path: Path) -> None:
    trends = Trends.at(history_of(PLAYS, 4), NOW)
    trends.save(tmp_path / "trends.npz")
    loaded = Trends.load(tmp_path / "trends.npz")
    for name in Trends.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(trends, name))
        assert getattr(loaded, name).dtype == getattr(trends, name).dtype


def test_a_direction_leaves_popularity_and_length_out() -> None:
    stock = stock_of([[3, 4, 99], [0, 0, 5], [0, -2, 0]])
    np.testing.assert_allclose(stock.directions, [[0.6, 0.8], [0, 0], [0, -1]], rtol=1e-6)
    assert stock.vectors[0].tolist() == [3, 4, 99]


def test_what_is_taken_off_the_shelf_is_neither_new_nor_popular() -> None:
    stock = stock_of(np.ones((3, 2)), available=[True, False, True], ever=[1, 9, 2])
    assert stock.popular.tolist() == [2, 0]
    assert stock.new.tolist() == [0, 2]


def test_the_future_is_new_too() -> None:
    """A release that is dated after the moment has not been out for longer than two months."""
    stock = stock_of(np.ones((2, 2)), released=[NOW + DAY_SECONDS, NOW - 61 * DAY_SECONDS], first_heard=[0, 0])
    assert stock.new.tolist() == [0]


def test_the_direction_of_a_taste_is_of_what_items_have_too() -> None:
    """The third coordinate is a habit: no item has anything there. The last one is popularity."""
    stock = stock_of([[3.0, 4.0, 0.0, 7.0], [1.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(stock.direction_of(np.array([6.0, 8.0, 500.0, 9.0], np.float32)), [0.6, 0.8, 0.0])
    assert stock.direction_of(np.array([0.0, 0.0, 5.0, 1.0], np.float32)).tolist() == [0.0, 0.0, 0.0]


def test_of_too_much_that_is_new_the_newest_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock_module, "NEWEST", 3)
    day = 86_400.0
    heard = [NOW - 50 * day, NOW - 2 * day, np.inf, np.inf, NOW - 30 * day, NOW - 90 * day]
    released = [np.nan, np.nan, np.nan, NOW - 1 * day, NOW - 40 * day, np.nan]
    stock = stock_of(np.ones((6, 2)), first_heard=heard, released=released)
    assert stock.new.tolist() == [1, 3, 4]  # 2 is known by nothing, 0 heard longest ago, 5 too long ago
    assert stock.new_vectors.shape == (3, 2)
