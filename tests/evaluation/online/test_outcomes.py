"""What listeners did: counts by hand, and shares whose mean and variance are those of the delta method."""

import math

import numpy as np
import pytest

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput
from palate.core.listens import Event
from palate.evaluation.online.outcomes import METRICS, counts, metric, values
from palate.listening.history import History

# who, when, what, seconds played
ROWS = [
    (0, 10.0, Event.PLAY, 200.0),
    (0, 20.0, Event.PLAY, 5.0),  # a skip by its length
    (0, 30.0, Event.SKIP, 9.0),
    (0, DAY_SECONDS + 5.0, Event.PLAY, math.nan),
    (0, DAY_SECONDS + 6.0, Event.SAVE, math.nan),
    (1, 15.0, Event.PLAY, 100.0),
    (2, 40.0, Event.PLAY, 50.0),
]


def history(rows=ROWS) -> History:
    user, time, event, seconds = (list(column) for column in zip(*sorted(rows, key=lambda row: row[1]), strict=True))
    n = len(user)
    return History(
        user=np.array(user, np.int32),
        item=np.zeros(n, np.int32),
        timestamp=np.array(time),
        event=np.array(event, np.uint8),
        seconds_played=np.array(seconds, np.float32),
        duration_seconds=np.full(n, 200.0, np.float32),
        session=np.zeros(n, np.int64),
        users=["ana", "bo", "cy"],
        n_items=1,
    )


def test_counts_by_hand():
    """cy first, ana second, then somebody who was never heard of; bo is not asked for."""
    users = np.array([2, 0, -1], np.int32)
    found = counts(history(), users, np.zeros(3), np.full(3, 1e9))
    assert found["plays"].tolist() == [1, 2, 0]
    assert found["skips"].tolist() == [0, 2, 0]
    assert found["starts"].tolist() == [1, 4, 0]
    assert found["seconds_played"].tolist() == [50, 214, 0]
    assert found["days"].tolist() == [1, 2, 0]
    assert found["saves"].tolist() == [0, 1, 0]


def test_each_listener_has_a_window_of_their_own():
    users = np.array([0, 1], np.int32)
    found = counts(history(), users, np.array([20.0, 15.0]), np.array([30.0, 15.5]))
    assert found["starts"].tolist() == [1, 1]  # from 20 on and before 30; from 15 on
    assert found["plays"].tolist() == [0, 1]


def test_nobody_did_nothing():
    found = counts(history(), np.zeros(0, np.int32), np.zeros(0), np.zeros(0))
    assert {len(column) for column in found.values()} == {0}


def test_every_metric_reads_counts_that_are_there():
    found = counts(history(), np.zeros(1, np.int32), np.zeros(1), np.ones(1))
    assert {one.of for one in METRICS.values()} | {one.per for one in METRICS.values()} - {None} <= set(found)


def test_a_share_is_made_of_its_sums_and_has_the_delta_method_s_variance():
    rng = np.random.default_rng(0)
    starts = rng.poisson(5.0, 4_000).astype(float)
    skips = rng.binomial(starts.astype(int), rng.beta(2.0, 3.0, 4_000)).astype(float)
    group = np.repeat([0, 1], 2_000)
    told = values(METRICS["skip_share"], {"skips": skips, "starts": starts}, group)
    for which in (0, 1):
        a, b = skips[group == which], starts[group == which]
        assert told[group == which].mean() == pytest.approx(a.sum() / b.sum())
        drawn = rng.integers(0, 2_000, (2_000, 2_000))
        redrawn = a[drawn].sum(axis=1) / b[drawn].sum(axis=1)
        assert told[group == which].var() / 2_000 == pytest.approx(redrawn.var(), rel=0.1)


def test_a_share_of_nothing_is_no_number():
    told = values(METRICS["skip_share"], {"skips": np.zeros(2), "starts": np.array([0.0, 3.0])}, np.array([0, 1]))
    assert math.isnan(told[0])
    assert told[1] == 0.0


def test_an_unknown_metric_has_choices():
    with pytest.raises(BadInput, match="choose from plays, seconds_played"):
        metric("joy")
