"""A planted world: two halves of listeners, each with a half of the items."""

import numpy as np

from palate.catalog.columns import ItemColumns, Playlists
from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs
from palate.listening.history import History

DAYS, LISTENERS, ITEMS = 80, 40, 40  # listeners and items below the middle are of one half
AT = DAYS * DAY_SECONDS


def history_of(user: np.ndarray, item: np.ndarray, seconds: np.ndarray, n_users: int, n_items: int) -> History:
    """Full plays in the order of their times; one sitting per listener and day."""
    order = np.argsort(seconds, kind="stable")
    user, item, seconds = user[order].astype(np.int32), item[order].astype(np.int32), seconds[order]
    return History(
        user=user,
        item=item,
        timestamp=seconds,
        event=np.full(len(user), Event.PLAY, np.uint8),
        seconds_played=np.full(len(user), 200.0, np.float32),
        duration_seconds=np.full(len(user), 210.0, np.float32),
        session=user.astype(np.int64) * 100_000 + (seconds // DAY_SECONDS).astype(np.int64),
        users=[f"u{row}" for row in range(n_users)],
        n_items=n_items,
    )


def inputs_of(history: History) -> Inputs:
    """A home with these listens, of whose items nothing is known."""
    return Inputs(history, Playlists.none(), ItemColumns.unknown(history.n_items))


def halves(seed: int = 0, plays: int = 40) -> Inputs:
    """Everybody hears some 12 of the 20 items of their half, over and over: 8 of their half are left to be found."""
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(LISTENERS), plays)
    mine = np.stack([rng.permutation(ITEMS // 2)[:12] for _ in range(LISTENERS)])
    item = mine[user, rng.integers(0, 12, len(user))] + np.where(user < LISTENERS // 2, 0, ITEMS // 2)
    return inputs_of(history_of(user, item, rng.uniform(0, AT - 1, len(user)), LISTENERS, ITEMS))


def right_share(ranked: np.ndarray) -> float:
    """The share of recommended items that are of the listener's half; ranked # (LISTENERS, n), without padding."""
    assert (ranked >= 0).all()
    half = np.arange(LISTENERS)[:, None] < LISTENERS // 2
    return float(((ranked < ITEMS // 2) == half).mean())
