"""Examples with a known answer: plays of the weeks after the space, and as many items that were not played."""

import numpy as np
from numpy.typing import NDArray

from palate.heads import Frame, Head, frame
from palate.listening.log import ListeningLog

from .conftest import Trained


def plays_after(trained: Trained, n: int, seed: int = 0) -> tuple[list[str], list[str], list[float]]:
    """n plays after the space had learnt, drawn by `seed`: who, what, when (unix seconds)."""
    found = []
    with ListeningLog(trained.home.log) as log:
        for batch in log.replay(0):
            columns = zip(batch.user_id, batch.item_id, batch.timestamp.tolist(), batch.event.tolist(), strict=True)
            found += [(user, item, time) for user, item, time, event in columns if event == 0 and time > trained.until]
    chosen = np.random.default_rng(seed).choice(len(found), n, replace=False)
    users, items, times = zip(*(found[place] for place in chosen.tolist()), strict=True)
    return list(users), list(items), list(times)


def examples(trained: Trained, n: int = 300, seed: int = 0) -> tuple[Frame, NDArray[np.float64]]:
    """2 n examples: plays (1), and the same listeners and moments with the items of other plays (0)."""
    users, items, times = plays_after(trained, n, seed)
    others = np.random.default_rng(seed + 1).permutation(items).tolist()
    return frame(trained.home, users * 2, items + others, times * 2), np.repeat([1.0, 0.0], n)


def taught(trained: Trained, name: str = "likes", seed: int = 0, **settings: object) -> tuple[Head, Frame]:
    """A head that has learnt from `examples`, and those."""
    found, labels = examples(trained, seed=seed)
    return Head(name, **settings).fit(found, labels), found
