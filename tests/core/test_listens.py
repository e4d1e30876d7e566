import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from palate.core.ids import ItemId, UserId
from palate.core.listens import EVENT_WORDS, Event, Listen, in_columns

texts = st.none() | st.text(max_size=5)
numbers = st.none() | st.floats(0, 1e5, width=32)
listens = st.builds(
    Listen,
    user_id=st.text(min_size=1, max_size=5).map(UserId),
    item_id=st.text(min_size=1, max_size=5).map(ItemId),
    timestamp=st.floats(0, 4e9),
    event=st.sampled_from(Event),
    seconds_played=numbers,
    duration_seconds=numbers,
    session_id=texts,
    surface=texts,
    context_id=texts,
    event_id=texts,
)


def test_the_numbers_that_the_log_stores_never_change():
    assert {event.word: int(event) for event in Event} == {
        "play": 0,
        "skip": 1,
        "save": 2,
        "unsave": 3,
        "add_to_playlist": 4,
        "follow": 5,
        "hide": 6,
        "impression": 7,
        "search": 8,
        "onboarding": 9,
        "more_like": 10,
        "less_like": 11,
        "hide_artist": 12,
        "not_now": 13,
        "unhide": 14,
        "unhide_artist": 15,
    }


def test_words_and_events_are_the_same_in_both_directions():
    assert {word: event.word for word, event in EVENT_WORDS.items()} == {word: word for word in EVENT_WORDS}
    assert set(EVENT_WORDS.values()) == set(Event)


def test_two_listens_in_columns():
    columns = in_columns(
        [
            Listen(UserId("u1"), ItemId("t1"), 100.0, seconds_played=12.5, surface="home"),
            Listen(UserId("u2"), ItemId("t2"), 90.0, Event.SKIP, duration_seconds=200.0),
        ]
    )
    assert len(columns) == 2
    assert columns.user_id == ["u1", "u2"]
    assert columns.item_id == ["t1", "t2"]
    assert columns.timestamp.tolist() == [100.0, 90.0]  # the order they were read, not of time
    assert columns.event.tolist() == [0, 1]
    np.testing.assert_array_equal(columns.seconds_played, [12.5, math.nan])
    np.testing.assert_array_equal(columns.duration_seconds, [math.nan, 200.0])
    assert columns.surface == ["home", None]
    assert columns.session_id is None


def test_no_listens_are_columns_of_no_length():
    columns = in_columns([])
    assert len(columns) == 0
    assert columns.timestamp.shape == columns.event.shape == columns.seconds_played.shape == (0,)
    assert columns.event_id is None


@given(st.lists(listens, max_size=6))
def test_columns_hold_what_the_listens_say(many):
    columns = in_columns(many)
    assert columns.timestamp.dtype == np.float64
    assert columns.event.dtype == np.uint8
    assert columns.seconds_played.dtype == columns.duration_seconds.dtype == np.float32
    for row, one in enumerate(many):
        assert (columns.user_id[row], columns.item_id[row], columns.timestamp[row], columns.event[row]) == (
            one.user_id,
            one.item_id,
            one.timestamp,
            one.event,
        )
        for name in ("seconds_played", "duration_seconds"):
            stored, said = float(getattr(columns, name)[row]), getattr(one, name)
            assert math.isnan(stored) if said is None else stored == said
        for name in ("session_id", "surface", "context_id", "event_id"):
            column = getattr(columns, name)
            assert (None if column is None else column[row]) == getattr(one, name)
