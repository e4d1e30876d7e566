"""Generated logs for property tests: small, and odd in every way in which real ones are. Needs hypothesis."""

import numpy as np
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.listening.history import History

START_SECONDS = 1_400_000_000.0  # a time as logs have it: float64 keeps fractions of a microsecond there
LONGEST_SECONDS = 400 * DAY_SECONDS

# Few round moments, so that equal timestamps and gaps of exactly one half-life are common.
_moments = st.sampled_from([0.0, 1.0, 7 * DAY_SECONDS, 28 * DAY_SECONDS, 35 * DAY_SECONDS, 182 * DAY_SECONDS])
_played = st.sampled_from([np.nan, 0.0, 5.0, 29.0, 31.0, 200.0])
_durations = st.sampled_from([np.nan, 8.0, 40.0, 210.0])


@st.composite
def histories(draw: st.DrawFn, /, n_users: int = 3, n_items: int = 6, most_events: int = 30) -> History:
    """A History of up to `most_events` events of every sort; some listeners and items may have none.

    Plays, skips by name and by length, saves, searches; unknown lengths; equal timestamps; a year of silence. One
    session for each listener and day.
    """
    moment = st.one_of(_moments, st.floats(0.0, LONGEST_SECONDS))
    users, items = st.integers(0, n_users - 1), st.integers(0, n_items - 1)
    events = st.one_of(st.just(Event.PLAY), st.sampled_from(Event))  # half of them plays
    rows = draw(st.lists(st.tuples(users, items, moment, events, _played, _durations), max_size=most_events))
    rows.sort(key=lambda row: row[2])
    columns = np.array(rows, np.float64).reshape(-1, 6).T
    user = columns[0].astype(np.int32)
    return History(
        user=user,
        item=columns[1].astype(np.int32),
        timestamp=START_SECONDS + columns[2],
        event=columns[3].astype(np.uint8),
        seconds_played=columns[4].astype(np.float32),
        duration_seconds=columns[5].astype(np.float32),
        session=user.astype(np.int64) * 1_000 + (columns[2] // DAY_SECONDS).astype(np.int64),
        users=[f"u{row}" for row in range(n_users)],
        n_items=n_items,
    )
