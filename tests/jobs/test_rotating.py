"""What a training publishes instead of what it found: the same dot products, in the axes of the live version."""

from dataclasses import replace

import numpy as np
import pytest

from palate.core.home import Home
from palate.embeddings.encoder import Encoder
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
    found = rotated_onto_live(mixed_axes(old), live.encoder.weights, live, plays_of(inputs.history))
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
    found = rotated_onto_live(vectors, weights, live, plays_of(inputs.history))
    users, kinds, listened = np.arange(20, dtype=np.int32), inputs.columns.kind, np.array(live.listened)
    before = Readable("new", vectors, listened, Encoder(weights), 0.0)
    after = Readable("new", found.item_vectors, listened, Encoder(found.rows), 0.0)
    one, two = (each.tastes(inputs.history, kinds, users) @ each.item_vectors.T for each in (before, after))
    np.testing.assert_allclose(two, one, rtol=0, atol=1e-4 * np.abs(one).max())
    assert not np.allclose(found.item_vectors, vectors)
    np.testing.assert_array_equal(found.item_vectors[:, -1], vectors[:, -1])


def test_items_that_came_later_are_turned_along(live: Space, inputs: Inputs) -> None:
    old = np.array(live.item_vectors)
    more = np.vstack([mixed_axes(old), mixed_axes(old)[:3]]).astype(np.float32)
    plays = np.append(plays_of(inputs.history), [9, 9, 9])
    found = rotated_onto_live(more, live.encoder.weights, live, plays)
    np.testing.assert_allclose(found.item_vectors[-3:], old[:3], atol=1e-5 * np.abs(old).max())


def test_where_there_is_nothing_to_turn_onto_everything_comes_back_as_it_was(live: Space, inputs: Inputs) -> None:
    vectors, weights, plays = np.array(live.item_vectors), live.encoder.weights, plays_of(inputs.history)
    first = rotated_onto_live(vectors, weights, None, plays)
    assert (first.item_vectors is vectors, first.rows is weights, first.manifest) == (True, True, {})
    same = rotated_onto_live(vectors, weights, live, plays)
    assert (same.item_vectors is vectors, same.rows is weights) == (True, True), "turning by nothing would round"
    assert same.manifest["mean_cosine_before"] == pytest.approx(1.0)
    nobody = rotated_onto_live(mixed_axes(vectors), weights, live, np.zeros_like(plays))
    assert (nobody.rows is weights, nobody.manifest["shared_items"], nobody.manifest["residual"]) == (True, 0, None)
    narrow = rotated_onto_live(vectors[:, 1:], weights[:, 1:], live, plays)
    assert narrow.item_vectors.shape[1] == 15
    assert narrow.manifest == {
        "rotated_onto": None, "not_rotated": "15 dimensions cannot hold the 16 of taste@1",
    }  # fmt: skip


def test_plays_are_what_was_heard(inputs: Inputs) -> None:
    history: History = inputs.history
    plays = plays_of(history)
    assert (len(plays), plays.sum()) == (history.n_items, len(history.heard()))
    assert not plays_of(replace(history.take(slice(0, 0)), n_items=3)).any()
