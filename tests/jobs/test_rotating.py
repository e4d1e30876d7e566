"""What a training publishes instead of what it found: the same dot products, in the axes of the live version."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palate.core.home import Home
from palate.embeddings.encoder import Encoder, feature_count, with_gap
from palate.embeddings.habits import HABITS
from palate.embeddings.inputs import Inputs
from palate.embeddings.space import Space, Spaces
from palate.jobs.inputs import gather
from palate.jobs.readable import Readable
from palate.jobs.rotating import plays_of, rotated_onto_live
from palate.listening.history import History


@pytest.fixture(scope="module")
def live(trained: Home) -> Space:
    return Spaces(trained.spaces).live


@pytest.fixture(scope="module")
def inputs(trained: Home) -> Inputs:
    return gather(trained)


def mixed_axes(vectors: np.ndarray, seed: int = 0) -> np.ndarray:
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(vectors.shape[1] - 1,) * 2))
    return np.hstack([vectors[:, :-1] @ q, vectors[:, -1:]]).astype(np.float32)


def test_a_retraining_in_other_axes_comes_back_to_those_of_the_live_version(live: Space, inputs: Inputs) -> None:
    old = np.array(live.item_vectors)
    found = rotated_onto_live(mixed_axes(old), live.encoder, live, plays_of(inputs.history))
    np.testing.assert_allclose(found.item_vectors, old, atol=1e-5 * np.abs(old).max())
    told = found.manifest
    assert (told["rotated_onto"], told["directions"]) == ("taste@1", 15)
    assert 0 < told["shared_items"] <= len(old)
    assert told["mean_cosine_before"] < 0.5 < told["mean_cosine_after"]
    assert told["mean_cosine_after"] == pytest.approx(1.0)
    assert told["residual"] == pytest.approx(0.0, abs=1e-6)


def test_no_score_of_any_listener_changes(live: Space, inputs: Inputs) -> None:
    """Training found something else than what is live; whatever it was, listeners are answered as it would have."""
    rng, old = np.random.default_rng(3), np.array(live.item_vectors)
    vectors = (mixed_axes(old) + rng.normal(size=old.shape) * old.std()).astype(np.float32)
    weights = rng.normal(size=live.encoder.weights.shape).astype(np.float32)
    found = rotated_onto_live(vectors, Encoder(weights), live, plays_of(inputs.history))
    users, kinds, listened = np.arange(20, dtype=np.int32), inputs.columns.kind, np.array(live.listened)
    before = Readable("new", vectors, listened, Encoder(weights), 0.0)
    after = Readable("new", found.item_vectors, listened, found.encoder, 0.0)
    one, two = (each.tastes(inputs.history, kinds, users) @ each.item_vectors.T for each in (before, after))
    np.testing.assert_allclose(two, one, rtol=0, atol=1e-4 * np.abs(one).max())
    assert not np.allclose(found.item_vectors, vectors)
    np.testing.assert_array_equal(found.item_vectors[:, -1], vectors[:, -1])


def test_items_that_came_later_are_turned_along(live: Space, inputs: Inputs) -> None:
    old = np.array(live.item_vectors)
    more = np.vstack([mixed_axes(old), mixed_axes(old)[:3]]).astype(np.float32)
    plays = np.append(plays_of(inputs.history), [9, 9, 9])
    found = rotated_onto_live(more, live.encoder, live, plays)
    np.testing.assert_allclose(found.item_vectors[-3:], old[:3], atol=1e-5 * np.abs(old).max())


def test_where_there_is_nothing_to_turn_onto_everything_comes_back_as_it_was(live: Space, inputs: Inputs) -> None:
    vectors, encoder, plays = np.array(live.item_vectors), live.encoder, plays_of(inputs.history)
    first = rotated_onto_live(vectors, encoder, None, plays)
    assert (first.item_vectors is vectors, first.encoder is encoder, first.manifest) == (True, True, {})
    same = rotated_onto_live(vectors, encoder, live, plays)
    assert (same.item_vectors is vectors, same.encoder is encoder) == (True, True), "turning by nothing would round"
    assert same.manifest["mean_cosine_before"] == pytest.approx(1.0)
    nobody = rotated_onto_live(mixed_axes(vectors), encoder, live, np.zeros_like(plays))
    assert (nobody.encoder is encoder, nobody.manifest["shared_items"], nobody.manifest["residual"]) == (True, 0, None)
    narrow = rotated_onto_live(vectors[:, 1:], Encoder(encoder.weights[:, 1:]), live, plays)
    assert narrow.item_vectors.shape[1] == 15
    assert narrow.manifest == {
        "rotated_onto": None, "not_rotated": "15 dimensions cannot hold the 16 of taste@1",
    }  # fmt: skip


def telling_habits(encoder: Encoder, since: float) -> Encoder:
    """The same encoder for wider records, whose tastes tell habits."""
    weights = np.zeros((feature_count(encoder.dim + len(HABITS)), encoder.dim), np.float32)
    weights[: len(encoder.weights)] = encoder.weights
    return Encoder(weights).with_habits(since)


def with_habits(space: Space, folder: Path, since: float) -> Space:
    """The same version, told to have habits."""
    folder.mkdir()
    np.save(folder / "item_vectors.npy", with_gap(np.array(space.item_vectors), len(HABITS)))
    telling_habits(space.encoder, since).save(folder / "encoder.npz")
    return Space(folder)


def test_habits_stay_where_they_are_and_count_time_as_the_live_version_does(
    live: Space, inputs: Inputs, tmp_path: Path
) -> None:
    old, plays = with_habits(live, tmp_path / "taste@8", since=5.0), plays_of(inputs.history)
    vectors = with_gap(mixed_axes(np.array(live.item_vectors)), len(HABITS))
    encoder = telling_habits(live.encoder, 70.0)
    found = rotated_onto_live(vectors, encoder, old, plays)
    np.testing.assert_allclose(found.item_vectors, old.item_vectors, atol=1e-5 * np.abs(vectors).max())
    columns = list(encoder.habits.values())
    np.testing.assert_array_equal(found.encoder.weights[:, columns], encoder.weights[:, columns])
    assert (found.encoder.habits, found.encoder.habits_since) == (encoder.habits, 5.0)
    assert found.manifest["directions"] == 15
    same = rotated_onto_live(np.array(old.item_vectors), encoder, old, plays)
    assert same.encoder.habits_since == 5.0


def test_onto_a_version_without_habits_as_many_factors_as_there_are(
    live: Space, inputs: Inputs, tmp_path: Path
) -> None:
    """As wide as the live one, of which so many factors give way to habits."""
    n, old = len(HABITS), np.array(live.item_vectors)
    fewer = np.delete(mixed_axes(old), np.arange(15 - n, 15), axis=1)
    encoder = Encoder(np.delete(live.encoder.weights, np.arange(15 - n, 15), axis=1)).with_habits(70.0)
    found = rotated_onto_live(with_gap(fewer, n), encoder, live, plays_of(inputs.history))
    assert (found.manifest["lost_factors"], found.encoder.habits_since) == (n, 70.0)
    assert not found.item_vectors[:, list(encoder.habits.values())].any()
    lost = rotated_onto_live(old, live.encoder, with_habits(live, tmp_path / "taste@8", 5.0), plays_of(inputs.history))
    assert lost.manifest["not_rotated"] == f"16 dimensions cannot hold the {16 + n} of taste@8"


def test_plays_are_what_was_heard(inputs: Inputs) -> None:
    history: History = inputs.history
    plays = plays_of(history)
    assert (len(plays), plays.sum()) == (history.n_items, len(history.heard()))
    assert not plays_of(replace(history.take(slice(0, 0)), n_items=3)).any()
