"""How much one event says about a taste."""

import numpy as np
from numpy.typing import NDArray

from palate.core.listens import Event
from palate.listening.history import History, skips

# A play is the unit. A save or a pick at onboarding is a choice, and counts like a play: other weights were tried, and
# none was better (docs/rooms/staleness.md, docs/rooms/cold_start.md). A skip says what is not wanted and is kept as a
# count, out of the sum (docs/log.md: subtracting it lowered NDCG in the simulated world).
EVENT_WEIGHTS = np.zeros(len(Event), np.float32)
EVENT_WEIGHTS[[Event.PLAY, Event.SAVE, Event.ADD_TO_PLAYLIST, Event.ONBOARDING]] = 1.0


def event_weights(
    event: NDArray[np.uint8], seconds_played: NDArray[np.float32], duration_seconds: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(n,) what each event adds to a taste, 0 for skips and what is no choice of an item; (n,) is it a skip."""
    skipped = skips(event, seconds_played, duration_seconds)
    return np.where(skipped, np.float32(0.0), EVENT_WEIGHTS[event]), skipped


def taste_weights(history: History) -> NDArray[np.float32]:
    """(n,) the same for every event of a history."""
    return event_weights(history.event, history.seconds_played, history.duration_seconds)[0]
