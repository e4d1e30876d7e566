"""The body of POST /v1/events: what is read, and the sentence for what is not."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.api.events import parse_events
from palate.core.errors import BadInput
from palate.core.listens import EVENT_WORDS, Event, Listen

NOW = 1_700_000_000.0
PLAIN = {"user_id": "u", "item_id": "i"}


def parse(*events: object, most: int = 10) -> list[Listen]:
    return parse_events(json.dumps({"events": events}).encode(), NOW, most)


def fault(*events: object) -> str:
    with pytest.raises(BadInput) as raised:
        parse(*events)
    return str(raised.value)


def test_every_field_arrives():
    event = {
        "id": "e1", "user_id": 5879, "item_id": " 12 ", "timestamp": 1_600_000_000, "event": "skip",
        "seconds_played": 12.5, "duration_seconds": 200, "session_id": 7, "surface": "for_you", "context_id": "s",
        "position_seconds": 90.5, "end_reason": "fwdbtn", "of_tomorrow": True,
    }  # fmt: skip
    assert parse(event) == [
        Listen("5879", "12", 1_600_000_000.0, Event.SKIP, 12.5, 200.0, "7", "for_you", "s", "e1", 90.5, "fwdbtn")  # type: ignore[arg-type]
    ]


def test_what_is_left_out_or_null_is_unknown_and_the_time_is_now():
    bare = Listen("u", "i", NOW)  # type: ignore[arg-type]
    names = (
        "id", "timestamp", "event", "seconds_played", "duration_seconds", "session_id", "surface", "context_id",
        "position_seconds", "end_reason",
    )  # fmt: skip
    assert parse(PLAIN, PLAIN | dict.fromkeys(names)) == [bare, bare]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2020-09-13T12:26:40Z", 1_600_000_000.0),
        ("2020-09-13T14:26:40+02:00", 1_600_000_000.0),
        ("2020-09-13 12:26:40.5", 1_600_000_000.5),
        ("2020-09-13", datetime(2020, 9, 13, tzinfo=UTC).timestamp()),
    ],
)
def test_iso_times_without_a_zone_are_utc(text, seconds):
    assert parse(PLAIN | {"timestamp": text})[0].timestamp == seconds


@pytest.mark.parametrize("word", list(EVENT_WORDS))
def test_every_kind_of_event_has_its_word(word):
    assert parse(PLAIN | {"event": word})[0].event is EVENT_WORDS[word]


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ("x", "events[1] is text; an event is an object"),
        ({"item_id": "i"}, "events[1] has no user_id"),
        (PLAIN | {"user_id": ""}, "events[1].user_id has 0 characters"),
        (PLAIN | {"user_id": " \t"}, "events[1].user_id has 0 characters"),
        (PLAIN | {"item_id": "x" * 513}, "events[1].item_id has 513 characters"),
        (PLAIN | {"item_id": 1.5}, "events[1].item_id is a number; an id is text or a whole number"),
        (PLAIN | {"item_id": True}, "events[1].item_id is true or false"),
        (PLAIN | {"item_id": "a\0b"}, "holds a NUL"),
        (PLAIN | {"event": "dance"}, "events[1].event is 'dance'; choose from play, skip"),
        (PLAIN | {"event": ["play"]}, "events[1].event is a list"),
        (PLAIN | {"seconds_played": -1}, "events[1].seconds_played is -1; it must be from 0"),
        (PLAIN | {"seconds_played": 1e300}, "events[1].seconds_played is 1e+300"),
        (PLAIN | {"duration_seconds": "200"}, "events[1].duration_seconds is text"),
        (PLAIN | {"position_seconds": -3}, "events[1].position_seconds is -3; it must be from 0"),
        (PLAIN | {"end_reason": 1.5}, "events[1].end_reason is a number"),
        (PLAIN | {"timestamp": NOW * 1000}, "looks like milliseconds"),
        (PLAIN | {"timestamp": NOW + 86_401}, "is in the future"),
        (PLAIN | {"timestamp": -1}, "is before 1970"),
        (PLAIN | {"timestamp": "yesterday"}, "events[1].timestamp 'yesterday' is no time"),
        (PLAIN | {"timestamp": "9999-12-31T23:59:59-23:59"}, "events[1].timestamp"),
        (PLAIN | {"timestamp": False}, "events[1].timestamp is true or false"),
        (PLAIN | {"timestamp": {}}, "events[1].timestamp is an object"),
        (PLAIN | {"id": "y" * 600}, "events[1].id has 600 characters"),
    ],
)
def test_the_first_fault_is_named(event, sentence):
    assert sentence in fault(PLAIN, event)


def test_clocks_differ_by_a_minute_and_what_is_ahead_by_more_happened_just_now():
    sent = [NOW + ahead for ahead in (-5.0, 0.0, 60.0, 61.0, 86_399.0)]
    times = [one.timestamp for one in parse(*(PLAIN | {"timestamp": moment} for moment in sent))]
    assert times == [NOW - 5.0, NOW, NOW + 60.0, NOW, NOW]


def test_a_repeat_of_what_was_ahead_is_known_by_the_time_that_was_sent():
    ahead = PLAIN | {"timestamp": NOW + 3_600}
    body = json.dumps({"events": [ahead]}).encode()
    first, again = (parse_events(body, NOW + later, 10)[0] for later in (0.0, 30.0))
    assert (first.timestamp, again.timestamp) == (NOW, NOW + 30.0)
    assert first.event_id == again.event_id is not None
    others = parse(ahead | {"timestamp": NOW + 3_601}, ahead | {"event": "skip"}, ahead | {"user_id": "v"})
    assert len({one.event_id for one in others} | {first.event_id}) == 4
    assert parse(ahead | {"id": "e1"})[0].event_id == "e1"
    assert parse(PLAIN | {"timestamp": NOW + 60})[0].event_id is None


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"events": 3}', b'{"event": []}', b'{"events": []}', b"\xff", b'"\\ud800"',
     b'{"events": [{"user_id": "\\ud800", "item_id": "i"}]}', b'{"events": [{"timestamp": NaN}]}', b"[" * 100_000],
)  # fmt: skip
def test_what_is_no_list_of_events_is_refused(body):
    with pytest.raises(BadInput):
        parse_events(body, NOW, 10)


def test_too_many_events_are_refused():
    with pytest.raises(BadInput, match="11 events came; send 1 to 10"):
        parse(*[PLAIN] * 11)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (
    "id",
    "user_id",
    "item_id",
    "timestamp",
    "event",
    "seconds_played",
    "duration_seconds",
    "session_id",
    "surface",
    "position_seconds",
    "end_reason",
)


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), json_values) | json_values, max_size=3))
def test_whatever_comes_is_read_or_refused_in_one_sentence(events):
    sentence, listens = read(json.dumps({"events": events}).encode())
    assert (sentence == "") == (listens is not None)
    assert "\n" not in sentence
    for one in listens or []:
        assert 0 <= one.timestamp <= NOW + 60
        assert 1 <= len(one.user_id) <= 512
        assert 1 <= len(one.item_id) <= 512


def read(body: bytes) -> tuple[str, list[Listen] | None]:
    """The error's sentence, or the listens."""
    try:
        return "", parse_events(body, NOW, 10)
    except BadInput as error:
        return str(error), None
