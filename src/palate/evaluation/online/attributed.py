"""Which of the shown items were heard from their slate: exposures and listens joined by the slate's id.

A listen belongs to a slate if its `context_id` is the slate's id. A time window would do without it, and would also
count what the listener would have played anyway.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from palate.core.listens import Event
from palate.evaluation.online.replay import Logged
from palate.listening.backlog import LogBatch
from palate.listening.exposures import Exposures
from palate.listening.history import skips


def heard_from(exposures: Exposures, batches: Iterable[LogBatch]) -> NDArray[np.float64]:
    """(m,) for each place of the exposures 1 if its item was played from its slate and not skipped, else 0."""
    place_of = {
        (exposures.slate_id[slate], exposures.item_id[place]): place
        for slate in range(len(exposures))
        for place in range(int(exposures.indptr[slate]), int(exposures.indptr[slate + 1]))
    }
    heard = np.zeros(len(exposures.item_id), np.float64)
    for batch in batches:
        if batch.context_id is None:
            continue
        skipped = skips(batch.event, batch.seconds_played, batch.duration_seconds)
        for row in np.flatnonzero((batch.event == Event.PLAY) & ~skipped).tolist():
            place = place_of.get((batch.context_id[row] or "", batch.item_id[row]))
            if place is not None:
                heard[place] = 1.0
    return heard


def logged(exposures: Exposures, reward: NDArray[np.float64]) -> Logged:
    """The exposures as slates for `replay`, with the (m,) reward of each place.

    Shorter slates are filled up with places that weigh 1 and bring nothing, as `Logged` says. An item with an unknown
    propensity keeps its NaN, which `replay` refuses.
    """
    sizes = np.diff(exposures.indptr)
    slate = np.repeat(np.arange(len(exposures)), sizes)
    place = np.arange(len(reward)) - exposures.indptr[slate]
    shape = (len(exposures), int(sizes.max(initial=0)))
    propensity, gained = np.ones(shape, np.float64), np.zeros(shape, np.float64)
    propensity[slate, place], gained[slate, place] = exposures.propensity, reward
    _, listener = np.unique(np.array(exposures.user_id, object), return_inverse=True)
    return Logged(listener.astype(np.int64), propensity, gained)
