"""Small logs made by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from palate.catalog.columns import ItemColumns, Playlists
from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs
from palate.listening.history import History

Play = tuple[int, int, float]  # user row, item row, day


def history_of(plays: Sequence[Play], n_users: int | None = None, n_items: int | None = None) -> History:
    """Full plays, in the order of their days; one session per listener and day."""
    rows = sorted(plays, key=lambda play: play[2])
    user = np.array([row[0] for row in rows], np.int32)
    item = np.array([row[1] for row in rows], np.int32)
    day = np.array([row[2] for row in rows], np.float64)
    n_users = n_users or int(user.max(initial=-1)) + 1
    return History(
        user=user,
        item=item,
        timestamp=day * DAY_SECONDS,
        event=np.full(len(rows), Event.PLAY, np.uint8),
        seconds_played=np.full(len(rows), 200.0, np.float32),
        duration_seconds=np.full(len(rows), 210.0, np.float32),
        session=user.astype(np.int64) * 100_000 + np.floor(day).astype(np.int64),
        users=[f"u{row}" for row in range(n_users)],
        n_items=n_items or int(item.max(initial=-1)) + 1,
    )


def inputs_of(history: History, playlists: Playlists | None = None, columns: ItemColumns | None = None) -> Inputs:
    """A home with these listens, and nothing known of the items unless it is given."""
    return Inputs(history, playlists or Playlists.none(), columns or ItemColumns.unknown(history.n_items))


def playlists_of(places: Sequence[tuple[int, int, float]]) -> Playlists:
    """Places on playlists: (playlist, item row, day on which it was added)."""
    playlist = np.array([place[0] for place in places], np.int32)
    n = int(playlist.max(initial=-1)) + 1
    return Playlists(
        playlist=playlist,
        item=np.array([place[1] for place in places], np.int32),
        position=np.arange(len(places), dtype=np.int32),
        added=np.array([place[2] for place in places]) * DAY_SECONDS,
        removed=np.full(len(places), np.nan),
        ids=[f"p{row}" for row in range(n)],
        names=[None] * n,
        owners=[None] * n,
    )


def skipped_at(history: History, rows: Sequence[int]) -> History:
    """The same log with the plays at `rows` left after five seconds."""
    seconds = history.seconds_played.copy()
    seconds[list(rows)] = 5.0
    return replace(history, seconds_played=seconds)


def random_history(
    seed: int, n_users: int = 30, n_items: int = 40, n_plays: int = 1500, days: float = 100.0
) -> History:
    """Listeners who play at random, a few items much more than the others."""
    rng = np.random.default_rng(seed)
    item = np.minimum(rng.geometric(0.08, n_plays) - 1, n_items - 1)
    user, day = rng.integers(0, n_users, n_plays), np.sort(rng.uniform(0.0, days, n_plays))
    plays = [(int(u), int(i), float(d)) for u, i, d in zip(user, item, day, strict=True)]
    return skipped_at(history_of(plays, n_users, n_items), range(0, n_plays, 17))
