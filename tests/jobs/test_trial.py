"""The online evaluation from end to end, through the files of a home, where the truth is known."""

import json
from pathlib import Path

import numpy as np
import pytest

from palate.core.errors import BadInput
from palate.core.experiment import CONTROL
from palate.evaluation.online.planted import plant
from palate.jobs.trial import (
    TREATMENT,
    Trial,
    planted_effect,
    run,
    text,
    to_json,
    trial,
    trial_experiment,
    write,
)
from palate.listening.exposures import FILE, ExposureLog
from palate.listening.log import ListeningLog

LISTENERS = 800


@pytest.fixture(scope="module")
def found() -> Trial:
    """Small, and with a lift that so few listeners can show."""
    return trial(LISTENERS, lift=0.3, seed=1)


def test_what_was_planted_is_found_and_nothing_else(found):
    quiet, loud = planted_effect(found.nothing), planted_effect(found.something)
    assert not quiet.excludes_zero
    assert loud.low > 0.0
    assert loud.low <= 0.3 <= loud.high
    assert found.something.verdicts[TREATMENT].decision == "ship"
    assert found.nothing.verdicts[TREATMENT].decision in ("wait", "stop")
    assert found.passed


def test_the_replay_of_the_control_covers_the_truth(found):
    assert set(found.replays) == {"a lift of 30%", "taste alone"}
    for one, truth in found.replays.values():
        assert one.supported
        assert one.capped.low <= truth <= one.capped.high
        assert one.listeners == found.something.exposed[CONTROL]
    lift = found.replays["a lift of 30%"][0].lift
    assert lift.low <= 0.3 <= lift.high


def test_everybody_is_dealt_by_hash_and_counted_once(found):
    one = trial_experiment(LISTENERS, "seed-3")
    assert found.something.experiment == one
    assert sum(found.something.exposed.values()) == LISTENERS
    assert found.something.switched == 0
    assert not found.something.sample_ratio.mismatch


def test_it_is_called_simulated_in_words_and_data(found):
    told = json.loads(json.dumps(to_json(found), allow_nan=False))
    assert (told["simulated"], told["passed"], told["true_lift"], told["listeners"]) == (True, True, 0.3, LISTENERS)
    assert told["ab"]["variants"][TREATMENT]["decision"] == "ship"
    assert told["replay"]["taste alone"]["truth"] == pytest.approx(found.replays["taste alone"][1])
    words = text(found)
    assert words.startswith("SIMULATED")
    assert "A/A" in words
    assert "found nothing, as it should" in words
    assert "covers the truth" in words


def test_the_logs_hold_what_happened(tmp_path: Path):
    planted = plant(60, 0, items=400)
    write(tmp_path, planted, trial_experiment(60, "s"), planted.taste, seed=0)
    with ExposureLog(tmp_path / FILE) as shown, ListeningLog(tmp_path / "log.sqlite") as log:
        exposures = shown.read("trial")
        batches = list(log.replay(0))
    assert len(exposures) == planted.visits.sum()
    assert not np.isnan(exposures.propensity).any()
    contexts = [context for batch in batches for context in batch.context_id or [None] * len(batch)]
    assert {context for context in contexts if context} <= set(exposures.slate_id)
    assert contexts.count(None) > 0  # what was heard before the experiment


def test_the_same_seed_finds_the_same(tmp_path: Path):
    planted = plant(100, 0, items=400)
    one, two = (run(tmp_path / name, planted, planted.taste, 7)[0] for name in ("one", "two"))
    assert one.exposed == two.exposed
    assert planted_effect(one).value == planted_effect(two).value


@pytest.mark.parametrize(("listeners", "lift", "says"), [(399, 0.03, "use 400 or more"), (400, 9.0, "out of reach")])
def test_a_trial_that_cannot_be(listeners, lift, says):
    with pytest.raises(BadInput, match=says):
        trial(listeners, lift)


@pytest.mark.slow
def test_a_planted_three_percent_is_found_by_twenty_thousand_listeners():
    found = trial(20_000, lift=0.03, seed=0)
    assert found.passed, text(found)
