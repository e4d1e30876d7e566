"""The body of POST /v1/events: checked as a whole before any of it is written."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import orjson

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput
from palate.core.ids import MAX_ID_CHARACTERS, ItemId, UserId
from palate.core.listens import EVENT_WORDS, Event, Listen

SKEW_SECONDS = 60.0  # clocks differ by so much; what is ahead by no more is kept as it was sent
AHEAD_SECONDS = DAY_SECONDS  # clocks are set wrong and zones get lost: what is ahead by no more happened just now
MILLISECONDS_FROM = 1e11  # as seconds this is the year 5138, as milliseconds 1973
MAX_SECONDS = 366 * DAY_SECONDS  # nobody plays one thing for a year: the number is something else


def parse_events(body: bytes, now: float, max_events: int) -> list[Listen]:
    """The events of a body, in their order, a missing time being `now` (unix seconds).

    BadInput names the first event that is wrong by its index, and what is wrong with it.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f'the body is not valid JSON ({error}); send {{"events": [...]}}') from error
    events = document.get("events") if isinstance(document, dict) else None
    if not isinstance(events, list):
        raise BadInput(f'the body is {_kind(document)}; send {{"events": [...]}} with a list of events')
    if not 1 <= len(events) <= max_events:
        raise BadInput(f"{len(events):,} events came; send 1 to {max_events:,} in one request")
    return [_event(event, f"events[{index}]", now) for index, event in enumerate(events)]


def is_private(body: bytes) -> bool:
    """Whether a body that `parse_events` took says `"private": true`; BadInput when it says neither true nor false."""
    if b'"private"' not in body:  # most do not: one search, instead of a second reading
        return False
    private = orjson.loads(body).get("private", False)
    if not isinstance(private, bool):
        raise BadInput(f"private is {_kind(private)}; send true or false")
    return private


def id_text(text: str, name: str) -> str:
    """An id as the log keeps it: without spaces around it; BadInput when it cannot be one."""
    text = text.strip()
    if not 1 <= len(text) <= MAX_ID_CHARACTERS:
        raise BadInput(f"{name} has {len(text):,} characters; an id has 1 to {MAX_ID_CHARACTERS}")
    if "\0" in text or "\n" in text:
        raise BadInput(f"{name} {text[:40]!r} holds a NUL or a line break; an id is one line of text")
    return text


def _event(event: Any, where: str, now: float) -> Listen:
    if not isinstance(event, dict):
        raise BadInput(f"{where} is {_kind(event)}; an event is an object with user_id and item_id")
    user_id, item_id = _id(event, "user_id", where), _id(event, "item_id", where)
    sent, word = _moment(event.get("timestamp"), where, now), _word(event.get("event"), where)
    event_id = _optional_id(event, "id", where)
    # A record's time must not lie in the future. Known by the time that was sent, so that a repeat is still one.
    ahead = sent > now + SKEW_SECONDS
    if ahead and event_id is None:
        event_id = json.dumps(["ahead", user_id, item_id, sent, word])
    return Listen(
        user_id=UserId(user_id),
        item_id=ItemId(item_id),
        timestamp=now if ahead else sent,
        event=word,
        seconds_played=_seconds(event, "seconds_played", where),
        duration_seconds=_seconds(event, "duration_seconds", where),
        session_id=_optional_id(event, "session_id", where),
        surface=_optional_id(event, "surface", where),
        context_id=_optional_id(event, "context_id", where),
        event_id=event_id,
        position_seconds=_seconds(event, "position_seconds", where),
        end_reason=_optional_id(event, "end_reason", where),
    )


def _id(event: dict[str, Any], name: str, where: str) -> str:
    value = event.get(name)
    if value is None:
        raise BadInput(f"{where} has no {name}; every event needs user_id and item_id")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadInput(f"{where}.{name} is {_kind(value)}; an id is text or a whole number")
    return id_text(str(value), f"{where}.{name}")


def _optional_id(event: dict[str, Any], name: str, where: str) -> str | None:
    return None if event.get(name) is None else _id(event, name, where)


def _word(value: Any, where: str) -> Event:
    if value is None:
        return Event.PLAY
    if not isinstance(value, str) or value not in EVENT_WORDS:
        raise BadInput(f"{where}.event is {_shown(value)}; choose from {', '.join(EVENT_WORDS)}")
    return EVENT_WORDS[value]


def _seconds(event: dict[str, Any], name: str, where: str) -> float | None:
    value = event.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"{where}.{name} is {_kind(value)}; a number of seconds is needed")
    if not 0 <= value <= MAX_SECONDS:
        raise BadInput(f"{where}.{name} is {value:g}; it must be from 0 to {MAX_SECONDS:.0f} seconds")
    return float(value)


def _moment(value: Any, where: str, now: float) -> float:
    """Unix seconds; `now` when there is no value."""
    if value is None:
        return now
    seconds = _iso_seconds(value, where) if isinstance(value, str) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise BadInput(f"{where}.timestamp is {_kind(value)}; unix seconds or ISO 8601 text is needed")
    if seconds >= MILLISECONDS_FROM:
        raise BadInput(f"{where}.timestamp {_shown(value)} looks like milliseconds; unix seconds are needed")
    if seconds > now + AHEAD_SECONDS:
        raise BadInput(f"{where}.timestamp {_shown(value)} is in the future; send when it happened, in unix seconds")
    if seconds < 0:
        raise BadInput(f"{where}.timestamp {_shown(value)} is before 1970; send when it happened, in unix seconds")
    return float(seconds)


def _iso_seconds(text: str, where: str) -> float:
    """ISO 8601 -> unix seconds; a time without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{where}.timestamp {_shown(text)} is no time; send unix seconds or ISO 8601 text") from error


def _kind(value: Any) -> str:
    """What a JSON value is, in words."""
    names = {type(None): "null", bool: "true or false", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")


def _shown(value: Any) -> str:
    """A value short enough for a sentence."""
    return repr(value)[:60] if isinstance(value, str | int | float | None) else _kind(value)
