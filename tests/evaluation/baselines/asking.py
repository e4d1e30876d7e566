"""What the tests of all baselines share."""

import numpy as np

from palate.core.clock import DAY_SECONDS
from palate.embeddings.inputs import Inputs
from palate.evaluation.method import Continues, Fitted, Method

AT = 100.0 * DAY_SECONDS


def kept(ranked: np.ndarray) -> list[list[int]]:
    """The lists without their padding."""
    return [[item for item in row if item >= 0] for row in ranked.tolist()]


def lists(method: Method, known: Inputs, users: list[int], n: int = 10, exclude_heard: bool = False) -> list[list[int]]:
    """What the method recommends at AT."""
    return kept(method.fit(known, AT).recommend(np.array(users, np.int32), n, exclude_heard))


def goes_on(fitted: Fitted, *playlists: list[int], n: int = 10) -> list[list[int]]:
    """How playlists go on."""
    assert isinstance(fitted, Continues)
    return kept(fitted.continued([np.array(items, np.int32) for items in playlists], n))
