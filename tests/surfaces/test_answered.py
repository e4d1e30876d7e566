"""What is kept of an answer: the answer itself, the ranks behind it, and the features as the ranker saw them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palate.core.clock import DAY_SECONDS, Clock
from palate.listening.airing import Airing
from palate.listening.slates import FILE, SlateLog, SlateSettings
from palate.ranking.features import NAMES, features
from palate.ranking.watch import HORIZON
from palate.retrieval.query import Steer
from palate.surfaces.airings import Airings
from palate.surfaces.answered import answered, more
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer
from palate.surfaces.screens.for_you import FOR_YOU

pytestmark = pytest.mark.slow
USER = "sim-user-0003"
ALL, NONE = SlateSettings(features_share=1.0), SlateSettings(features_share=0.0)


@pytest.fixture
def still(live: LiveHome) -> LiveHome:
    """The home at one moment, so that two answers can be compared; three days on, when the pause before is over."""
    now = live.clock.wall() + 3 * DAY_SECONDS
    return replace(live, clock=Clock(live.clock.calendar, lambda: now))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SlateLog]:
    with SlateLog(tmp_path / FILE) as opened:
        yield opened


def test_keeping_an_answer_does_not_change_it(still: LiveHome) -> None:
    for name, seeds in (("for_you", ()), ("radio", ()), ("similar", ("sim-track-00001",))):
        ask = Ask(USER, 10, seeds)
        kept = answered(still, name, ask, NONE)
        assert kept.slate == answer(still, name, ask)
        assert (kept.timestamp, kept.home_time) == (still.clock.wall(), still.clock.now())


def test_the_ranks_begin_with_what_is_shown_and_reach_to_the_horizon(still: LiveHome) -> None:
    kept = answered(still, "for_you", Ask(USER, 7), NONE)
    assert len(kept.rows) == len(kept.scores) == len(kept.sources) == len(kept.because) == HORIZON
    assert [still.items.id(row) for row in kept.rows[:7].tolist()] == [item.item_id for item in kept.slate.items]
    assert [item.source for item in kept.slate.items] == list(kept.sources[:7])
    assert len(set(kept.rows.tolist())) == HORIZON


def test_further_pages_are_what_a_longer_slate_says(still: LiveHome, log: SlateLog) -> None:
    kept, long = answered(still, "for_you", Ask(USER, 7), NONE), answer(still, "for_you", Ask(USER, 60))
    assert more(still, kept, 0, 60) == long.items
    assert more(still, kept, 3, 5) == long.items[3:5]
    log.append([kept])
    found = log.find(kept.slate.slate_id)
    assert found is not None
    pages = [more(still, found, begin, begin + 10) for begin in range(0, 60, 10)]
    assert [item for page in pages for item in page] == long.items, "from the log, in a process that never saw it"


def test_features_are_what_the_ranker_saw(still: LiveHome) -> None:
    kept = answered(still, "for_you", Ask(USER, 12), ALL)
    assert kept.names == NAMES
    assert kept.features is not None
    ranked = still.path.rank(FOR_YOU, still.query(Ask(USER), "for_you"), 12).candidates
    wanted = features(ranked, still.query(Ask(USER), "for_you"), still.path.stock)
    np.testing.assert_allclose(kept.features, wanted, rtol=1e-4, atol=1e-5)  # products over other rows sum otherwise
    scores = still.path.ranker.score(kept.features)
    np.testing.assert_allclose(scores, [item.score for item in kept.slate.items], rtol=1e-6)
    assert answered(still, "for_you", Ask(USER, 12), NONE).features is None
    assert answered(still, "for_you", Ask("nobody", 5), ALL).features is None, "strangers are not ranked by features"


def test_what_the_request_said_is_kept_in_short(still: LiveHome) -> None:
    seeds, steer = ("sim-track-00001",), Steer(0.5, None)
    kept = answered(still, "radio", Ask(USER, 20, seeds, ("x", "y"), others=("sim-user-0004",), steer=steer), NONE)
    steered = {"adventure": 0.5, "energy": None}
    assert kept.ask == {"seeds": seeds, "others": ("sim-user-0004",), "steer": steered, "excluded": 2}
    assert kept.named == ("sim-user-0004",)
    assert answered(still, "for_you", Ask(USER), NONE).ask == {}


def test_a_query_knows_what_was_shown_but_not_in_private(still: LiveHome, log: SlateLog) -> None:
    remembers = replace(still, airings=Airings(log))
    first = answered(remembers, "for_you", Ask(USER, 5), NONE)
    fresh = [row for row in first.rows.tolist() if row not in remembers.state(USER).record.items.tolist()][:3]
    log.append([], [Airing(USER, "for_you", still.clock.wall() - DAY_SECONDS, np.array(fresh, np.int32))])
    aired = replace(still, airings=Airings(log)).query(Ask(USER), "for_you").aired
    assert aired is not None
    assert (aired.items.tolist(), aired.times.tolist()) == (sorted(fresh), [1] * len(fresh))
    others = replace(still, airings=Airings(log))
    for one in (others.query(Ask(USER), "radio").aired, others.query(Ask("sim-user-0004"), "for_you").aired):
        assert one is not None
        assert len(one.items) == 0
    assert others.query(Ask(USER, private=True), "for_you").aired is None
    assert others.query(Ask(), "for_you").aired is None
    assert still.query(Ask(USER), "for_you").aired is None, "nothing is kept here"
