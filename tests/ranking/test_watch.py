"""Looking on: what the ranker saw is told to whoever watches, in their own thread, and to nobody else."""

import threading

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates, Offer, merge
from palate.ranking.watch import Watch, note_ranks, watched, watching


def candidates(*rows: int) -> Candidates:
    items = np.array(rows, np.int32)
    return merge([("popular", Offer.of(items, np.zeros(len(items), np.float32)))])


@watched
def doubled(some: Candidates, by: float) -> NDArray[np.float32]:
    return np.stack([some.items * by, some.items], axis=1).astype(np.float32)


def test_nobody_watches_by_default() -> None:
    assert doubled(candidates(3, 1), 2.0).tolist() == [[6.0, 3.0], [2.0, 1.0]]
    note_ranks("s", candidates(1))
    with watching() as watch:
        pass
    assert (watch.features, watch.ranks) == ([], {})


def test_who_watches_gets_the_very_rows_by_item() -> None:
    with watching() as watch:
        doubled(candidates(3, 1, 5), 2.0)
        doubled(candidates(5, 8), 10.0)
        note_ranks("s", candidates(5))
    found = watch.features_of(np.array([5, 4, 1, -1], np.int32))
    assert found is not None
    nothing = [np.nan, np.nan]
    np.testing.assert_array_equal(found, np.array([[50.0, 5.0], nothing, [2.0, 1.0], nothing], np.float32))
    assert watch.features_of(np.array([4], np.int32)) is None
    assert watch.ranks["s"].items.tolist() == [5]


def test_nothing_seen_is_none() -> None:
    assert Watch().features_of(np.array([1], np.int32)) is None
    with watching() as watch:
        doubled(candidates(), 2.0)
    assert watch.features_of(np.array([1], np.int32)) is None


def test_another_thread_is_not_watched() -> None:
    with watching() as watch:
        other = threading.Thread(target=doubled, args=(candidates(1), 2.0))
        other.start()
        other.join()
    assert watch.features == []
