"""A model that has seen the future is caught; every method of the house is clean."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from palate.catalog.columns import ItemColumns
from palate.core.clock import DAY_SECONDS
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines import standard
from palate.evaluation.baselines.popular import PopularAll
from palate.evaluation.leakage import leaks, poisoned
from palate.evaluation.splits import EvalSettings, windows
from palate.evaluation.tasks import standard_tasks

from .worlds import inputs_of, playlists_of, random_history

SETTINGS = EvalSettings(windows=2, k=(5, 20))


@pytest.fixture(scope="module")
def home() -> Inputs:
    rng = np.random.default_rng(5)
    places = [(int(rng.integers(6)), int(rng.integers(40)), float(day)) for day in np.sort(rng.uniform(0, 100, 80))]
    columns = replace(
        ItemColumns.unknown(45),
        released=np.where(np.arange(45) < 40, 0.0, rng.uniform(60, 100, 45)) * DAY_SECONDS,
        artist=(np.arange(45) % 7).astype(np.int32),
        artists=[f"artist {n}" for n in range(7)],
    )
    history = replace(random_history(5), n_items=45)
    return inputs_of(history, playlists_of(places), columns)


@dataclass(frozen=True)
class Peeking:
    """Popular items, counted over everything that the home holds: a leak as it happens in real life."""

    everything: Inputs
    name: str = "peeking"

    def fit(self, known: Inputs, at: float) -> object:
        return PopularAll().fit(self.everything, at)


@dataclass
class Restless:
    """Another list at every training: nothing leaks, but nothing can be repeated either."""

    rng: np.random.Generator
    name: str = "restless"

    def fit(self, known: Inputs, at: float) -> "Restless":
        self.order = self.rng.permutation(known.history.n_items).astype(np.int32)
        return self

    def recommend(self, users, n, exclude_heard, only=None):
        return np.tile(self.order[:n], (len(users), 1))


def test_a_model_that_peeks_is_caught_and_named(home: Inputs) -> None:
    found = leaks(
        lambda inputs: [PopularAll(), Peeking(inputs)], home, windows(home, SETTINGS)[-1], SETTINGS, standard_tasks()
    )
    assert {leak.method for leak in found} == {"peeking"}
    assert {"next", "discover"} <= {leak.task for leak in found}
    assert all(leak.reproducible and leak.changed == leak.asked > 0 for leak in found)
    assert "it has seen listens from after the moment" in str(found[0])


def test_a_training_without_a_seed_is_told_apart_from_a_leak(home: Inputs) -> None:
    tasks = [task for task in standard_tasks() if task.name == "next"]
    rng = np.random.default_rng(0)
    found = leaks(lambda inputs: [Restless(rng)], home, windows(home, SETTINGS)[-1], SETTINGS, tasks)
    assert [leak.reproducible for leak in found] == [False]
    assert "give it a seed" in str(found[0])


@pytest.mark.parametrize("window", [0, 1])
def test_no_baseline_sees_the_future(home: Inputs, window: int) -> None:
    assert (
        leaks(
            lambda inputs: standard(inputs.columns), home, windows(home, SETTINGS)[window], SETTINGS, standard_tasks()
        )
        == []
    )


def test_the_poison_is_strong_and_stays_in_the_future(home: Inputs) -> None:
    moment = windows(home, SETTINGS)[-1].at
    other = poisoned(home, moment)
    before, after = home.until(moment), other.until(moment)
    for name in ("user", "item", "timestamp", "event", "seconds_played", "session"):
        np.testing.assert_array_equal(getattr(before.history, name), getattr(after.history, name))
        assert len(getattr(other.history, name)) < len(getattr(home.history, name))
    np.testing.assert_array_equal(before.playlists.item, after.playlists.item)
    np.testing.assert_array_equal(before.columns.available, after.columns.available)
    known = before.columns.available
    np.testing.assert_array_equal(home.columns.artist[known], other.columns.artist[known])
    for name in ("artist", "genre", "language", "released"):  # of what is to come, nothing is told
        np.testing.assert_array_equal(getattr(before.columns, name), getattr(after.columns, name))
    assert (home.columns.artist != other.columns.artist).any()
    assert (home.playlists.item != other.playlists.item).any()
