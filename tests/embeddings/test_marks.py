"""Marks: the latest of what takes each other back counts, whatever the order of arrival."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.core.listens import STEERING, Event
from palate.embeddings.marks import NO_MARKS, Marks, hides, steering

ARTIST = np.array([7, 7, 8, -1], np.int32)  # of items 0 to 3

said = st.tuples(st.integers(0, 5), st.sampled_from(STEERING), st.integers(0, 6).map(float))


def marks_of(*events: tuple[int, Event, float]) -> Marks:
    """(item, what, when), one after another."""
    marks = NO_MARKS
    for item, what, when in events:
        marks = marks.plus(np.array([item]), np.array([what]), np.array([when]))
    return marks


def test_what_takes_back_counts_if_it_is_later() -> None:
    assert marks_of((3, Event.HIDE, 1.0), (3, Event.UNHIDE, 2.0)).hidden.tolist() == []
    assert marks_of((3, Event.HIDE, 1.0), (3, Event.UNHIDE, 2.0), (3, Event.HIDE, 3.0)).hidden.tolist() == [3]
    assert marks_of((3, Event.UNHIDE, 2.0), (3, Event.HIDE, 1.0)).hidden.tolist() == []
    assert marks_of((3, Event.HIDE, 2.0), (3, Event.UNHIDE, 2.0)).hidden.tolist() == []


def test_slots_do_not_touch_each_other() -> None:
    marks = marks_of((3, Event.HIDE, 1.0), (3, Event.UNHIDE_ARTIST, 2.0), (3, Event.MORE_LIKE, 3.0))
    assert marks.hidden.tolist() == [3]
    assert marks.of(Event.MORE_LIKE).tolist() == [3]
    assert len(marks) == 3


def test_an_artist_is_hidden_by_any_item_and_shown_again_by_any() -> None:
    assert marks_of((0, Event.HIDE_ARTIST, 1.0)).hidden_artists(ARTIST).tolist() == [7]
    assert marks_of((0, Event.HIDE_ARTIST, 1.0), (1, Event.UNHIDE_ARTIST, 2.0)).hidden_artists(ARTIST).tolist() == []
    both = marks_of((1, Event.UNHIDE_ARTIST, 1.0), (0, Event.HIDE_ARTIST, 2.0), (2, Event.HIDE_ARTIST, 2.0))
    assert both.hidden_artists(ARTIST).tolist() == [7, 8]


def test_nobodys_item_and_one_of_a_later_catalogue_hide_no_artist() -> None:
    assert marks_of((3, Event.HIDE_ARTIST, 1.0), (9, Event.HIDE_ARTIST, 1.0)).hidden_artists(ARTIST).tolist() == []


def test_an_item_rests_from_the_moment_it_was_said() -> None:
    marks = marks_of((4, Event.NOT_NOW, 10 * DAY_SECONDS))
    assert marks.resting(39 * DAY_SECONDS, 30 * DAY_SECONDS).tolist() == [4]
    assert marks.resting(40 * DAY_SECONDS, 30 * DAY_SECONDS).tolist() == []


def test_only_steering_events_are_marks() -> None:
    every = np.array(list(Event), np.uint8)
    assert {Event(what) for what in steering(every) if what} == set(STEERING)


def test_what_was_hidden_at_an_unknown_time_is_hidden() -> None:
    assert hides(np.array([5, 2], np.int32)).hidden.tolist() == [2, 5]


@given(st.lists(said, max_size=12), st.randoms(use_true_random=False), st.integers(0, 12))
def test_any_order_any_pieces_and_twice_give_the_same(events, chance, cut) -> None:
    whole, shuffled = marks_of(*events), events * 2
    chance.shuffle(shuffled)
    assert marks_of(*shuffled) == whole
    assert marks_of(*shuffled[:cut]).merge(marks_of(*shuffled[cut:])) == whole
    assert Marks.unpack(whole.pack()) == whole


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data + b"\0", lambda data: data[:8] + b"\0" + data[9:]]
)
def test_damaged_marks_are_refused(damage) -> None:
    with pytest.raises(ValueError, match=r"marks|buffer"):
        Marks.unpack(damage(marks_of((3, Event.HIDE, 1.0)).pack()))
