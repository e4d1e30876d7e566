"""One thing that a listener did, and the kinds of thing there are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from palate.core.ids import ItemId, UserId

V = TypeVar("V", str, float)


class Event(IntEnum):
    """What happened. The number is what the log stores: add at the end, never renumber."""

    PLAY = 0
    SKIP = 1
    SAVE = 2
    UNSAVE = 3
    ADD_TO_PLAYLIST = 4
    FOLLOW = 5
    HIDE = 6
    IMPRESSION = 7
    SEARCH = 8
    ONBOARDING = 9
    MORE_LIKE = 10
    LESS_LIKE = 11
    HIDE_ARTIST = 12
    NOT_NOW = 13
    UNHIDE = 14
    UNHIDE_ARTIST = 15

    @property
    def word(self) -> str:
        """The name used in files and over HTTP, e.g. "add_to_playlist"."""
        return self.name.lower()


EVENT_WORDS: dict[str, Event] = {event.word: event for event in Event}

# What a listener says of an item without listening: kept as marks (embeddings/marks.py), no part of a taste.
STEERING = (
    Event.HIDE, Event.UNHIDE, Event.HIDE_ARTIST, Event.UNHIDE_ARTIST, Event.MORE_LIKE, Event.LESS_LIKE, Event.NOT_NOW,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listen:
    """One event. `timestamp` is unix seconds; `event_id` makes a repeat of the same event change nothing.

    Without an `event_id`, two events are the same when listener, item, time and kind are the same.
    `session_id` groups what was heard in one sitting; without it sessions are cut at pauses (listening/sessions.py).
    `position_seconds` is where in the item the play ended, `end_reason` why, in the player's own word.
    """

    user_id: UserId
    item_id: ItemId
    timestamp: float
    event: Event = Event.PLAY
    seconds_played: float | None = None
    duration_seconds: float | None = None
    session_id: str | None = None
    surface: str | None = None
    context_id: str | None = None
    event_id: str | None = None
    position_seconds: float | None = None
    end_reason: str | None = None


@dataclass(frozen=True)
class Listens:
    """Many events in columns, in the order they were read; every column has the same length n.

    timestamp        # (n,) float64, unix seconds
    event            # (n,) uint8, Event
    seconds_played   # (n,) float32, NaN where unknown
    duration_seconds # (n,) float32, NaN where unknown
    The optional columns are None when no row has a value.
    """

    user_id: list[str]
    item_id: list[str]
    timestamp: NDArray[np.float64]
    event: NDArray[np.uint8]
    seconds_played: NDArray[np.float32]
    duration_seconds: NDArray[np.float32]
    session_id: list[str | None] | None = None
    surface: list[str | None] | None = None
    context_id: list[str | None] | None = None
    event_id: list[str | None] | None = None
    position_seconds: list[float | None] | None = None
    end_reason: list[str | None] | None = None

    def __len__(self) -> int:
        return len(self.user_id)

    def take(self, rows: NDArray[np.intp]) -> "Listens":
        """The events at `rows`, positions in the order wanted."""
        columns: dict[str, Any] = {}
        for name, values in vars(self).items():
            if isinstance(values, np.ndarray):
                columns[name] = values[rows]
            else:
                columns[name] = None if values is None else [values[row] for row in rows.tolist()]
        return Listens(**columns)


def in_columns(listens: Sequence[Listen]) -> Listens:
    """The same events in columns."""

    def numbers(values: list[float | None]) -> NDArray[np.float32]:
        return np.array([math.nan if v is None else v for v in values], np.float32)

    def given(values: list[V | None]) -> list[V | None] | None:
        return values if any(v is not None for v in values) else None

    return Listens(
        user_id=[str(one.user_id) for one in listens],
        item_id=[str(one.item_id) for one in listens],
        timestamp=np.array([one.timestamp for one in listens], np.float64),
        event=np.array([one.event for one in listens], np.uint8),
        seconds_played=numbers([one.seconds_played for one in listens]),
        duration_seconds=numbers([one.duration_seconds for one in listens]),
        session_id=given([one.session_id for one in listens]),
        surface=given([one.surface for one in listens]),
        context_id=given([one.context_id for one in listens]),
        event_id=given([one.event_id for one in listens]),
        position_seconds=given([one.position_seconds for one in listens]),
        end_reason=given([one.end_reason for one in listens]),
    )
