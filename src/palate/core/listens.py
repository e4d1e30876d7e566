"""One thing that a listener did, and the kinds of thing there are."""

from dataclasses import dataclass
from enum import IntEnum

from palate.core.ids import ItemId, UserId


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

    @property
    def word(self) -> str:
        """The name used in files and over HTTP, e.g. "add_to_playlist"."""
        return self.name.lower()


EVENT_WORDS: dict[str, Event] = {event.word: event for event in Event}


@dataclass(frozen=True, slots=True)
class Listen:
    """One event. `timestamp` is unix seconds; `event_id` makes a repeat of the same event change nothing.

    Without an `event_id`, two events are the same when listener, item, time and kind are the same.
    `session_id` groups what was heard in one sitting; without it sessions are cut at pauses (listening/sessions.py).
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
