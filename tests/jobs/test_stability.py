"""Stability: other axes cost old heads everything and new ones nothing, and turned back all is kept."""

import json
from dataclasses import astuple, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.core.home import Home
from palate.embeddings.encoder import WINDOWS, feature_count
from palate.embeddings.inputs import Inputs
from palate.embeddings.rotation import Rotation
from palate.embeddings.space import Spaces
from palate.evaluation.probes.settings import ProbeSettings
from palate.jobs.fit import FitSettings
from palate.jobs.inputs import gather
from palate.jobs.nearness import RHOS, mixed_index, near
from palate.jobs.readable import Readable, narrowed
from palate.jobs.rotating import plays_of
from palate.jobs.stability import Stability, retrained, retrained_pair, stability, stability_of

SMALL = ProbeSettings(train_weeks=4, test_weeks=4, bootstrap=50, min_positives=5)
DAY, ROUNDING = 86_400.0, 1e-5


@pytest.fixture(scope="session")
def inputs(trained: Home) -> Inputs:
    return gather(trained)


@pytest.fixture(scope="session")
def live(trained: Home) -> Readable:
    return Readable.of(Spaces(trained.spaces).live)


def reaxed(one: Readable, seed: int) -> Readable:
    """The same version in other axes: every dot product is what it was."""
    dim = one.dim - 1
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(dim, dim)))
    rotation = replace(Rotation.fit(np.zeros((0, dim), np.float32), np.zeros((0, dim), np.float32)), matrix=q)
    return by(rotation, one)


def turned(old: Readable, new: Readable, inputs: Inputs) -> Readable:
    """What the chain makes of `new`."""
    rotation = Rotation.fit(
        old.item_vectors[:, :-1], new.item_vectors[:, :-1], np.sqrt(plays_of(inputs.history)).astype(np.float64)
    )
    return by(rotation, new)


def by(rotation: Rotation, one: Readable) -> Readable:
    encoder = replace(one.encoder, weights=rotation.turn_factors(one.encoder.weights))
    return replace(one, item_vectors=rotation.turn_factors(one.item_vectors), encoder=encoder)


@pytest.fixture(scope="session")
def beside_itself(live: Readable, inputs: Inputs) -> Stability:
    return stability(live, live, inputs, SMALL)


def test_a_version_beside_itself_keeps_everything(beside_itself: Stability) -> None:
    heads = beside_itself.heads
    assert any(one.counts for one in heads.heads)
    for one in heads.heads:
        for other in (one.new_on_new, one.old_on_new):  # a head answers a larger batch with other roundings
            assert astuple(other) == pytest.approx(astuple(one.old_on_old), abs=ROUNDING)
        assert not one.flip_rate.value > 0.0, "0, and NaN for numbers"
    assert astuple(heads.kept_share) == pytest.approx((1.0, 1.0, 1.0), abs=ROUNDING)
    assert heads.kept_above_chance.value == pytest.approx(1.0, abs=ROUNDING)
    assert (heads.tax.value, heads.flip_rate.value) == (pytest.approx(0.0, abs=ROUNDING), 0.0)
    for side in (beside_itself.near_listeners, beside_itself.near_items):
        assert side.n > 50
        assert side.overlap.value == 1.0
        assert side.cosine.value == pytest.approx(1.0)
    mixed = beside_itself.mixed
    assert mixed.old.value > 0.0
    assert set(mixed.new_by_rho) == set(RHOS)
    assert {round(one.value, 12) for one in mixed.new_by_rho.values()} == {round(mixed.old.value, 12)}


def test_other_axes_break_old_heads_alone_and_turning_mends_them(
    live: Readable, inputs: Inputs, beside_itself: Stability
) -> None:
    other = reaxed(live, seed=1)
    broken = stability(live, other, inputs, SMALL)
    assert broken.heads.kept_above_chance.value < 0.6
    assert broken.heads.kept_share.high < 0.98
    assert broken.heads.flip_rate.value > 0.02
    assert abs(broken.near_items.cosine.value) < 0.3
    for side in (broken.near_listeners, broken.near_items):
        assert side.overlap.value > 0.99, "who is near to whom does not hang on the axes"
    mixed = broken.mixed
    assert mixed.new_by_rho[1.0].value == pytest.approx(mixed.old.value, abs=1e-3)
    assert mixed.new_by_rho[0.0].value < 0.8 * mixed.old.value
    mended = stability(live, turned(live, other, inputs), inputs, SMALL)
    assert mended.heads.kept_share.value == pytest.approx(1.0, abs=1e-3)
    assert mended.heads.flip_rate.value < 0.005
    assert mended.near_items.cosine.value > 0.9999
    assert mended.mixed.new_by_rho[0.0].value == pytest.approx(mixed.old.value, abs=1e-3)
    for one, same in zip(mended.heads.heads, beside_itself.heads.heads, strict=True):
        assert one.old_on_old == same.old_on_old, "the old side does not hang on the new one"


def test_what_is_told_as_json_and_as_text(beside_itself: Stability) -> None:
    told = json.loads(json.dumps(beside_itself.to_json(), allow_nan=False))
    assert (told["old"], told["new"]) == ("taste@1", "taste@1")
    assert told["heads"]["kept_share"]["value"] == pytest.approx(1.0, abs=ROUNDING)
    assert set(told["mixed"]["new_by_rho"]) == {"0", "0.25", "0.5", "0.75", "1"}
    assert {"task", "old_on_old", "new_on_new", "old_on_new", "kept_share", "flip_rate"} <= set(
        told["heads"]["heads"][0]
    )
    text = beside_itself.table()
    assert "old heads keep 1.0000 [" in text
    assert all(one.task in text for one in beside_itself.heads.heads)
    figures = beside_itself.figures()
    assert figures["stability.kept_share"] == pytest.approx(1.0, abs=ROUNDING)
    assert {"stability.flip_rate", "stability.item_overlap", "stability.mixed_0.25"} <= set(figures)
    assert all(np.isfinite(value) for value in figures.values())


def test_the_same_seed_gives_the_same_table(live: Readable, inputs: Inputs, beside_itself: Stability) -> None:
    assert stability(live, live, inputs, SMALL).to_json() == beside_itself.to_json()


def test_two_published_versions_of_a_home(trained: Home) -> None:
    found = stability_of(trained, "taste@1", "taste@1")
    assert (found.old, found.new) == ("taste@1", "taste@1")
    assert found.heads.kept_share.value == pytest.approx(1.0, abs=ROUNDING)
    with pytest.raises(BadInput, match="no space 'taste@7'"):
        stability_of(trained, "taste@1", "taste@7")


def test_a_retraining_ends_before_its_moment_and_publishes_nothing(inputs: Inputs, trained: Home) -> None:
    settings = FitSettings.of(Spaces(trained.spaces).live.manifest["settings"])
    old, new = retrained_pair(inputs, inputs.end - 60 * DAY, inputs.end - 30 * DAY, settings)
    assert (old.label, new.label, old.dim) == ("older", "newer", 16)
    assert (old.moment, new.moment) == (inputs.end - 60 * DAY, inputs.end - 30 * DAY)
    again = retrained(inputs.until(inputs.end - 60 * DAY), inputs.end - 60 * DAY, "again", settings)
    np.testing.assert_array_equal(old.item_vectors, again.item_vectors)
    assert len(Spaces(trained.spaces).versions()) == 1


def test_a_log_that_is_too_short_or_says_nothing_is_refused(live: Readable, inputs: Inputs) -> None:
    with pytest.raises(BadInput, match="import a longer log"):
        stability(live, live, inputs.until(float(inputs.history.timestamp[0]) + 20 * DAY), SMALL)
    with pytest.raises(BadInput, match="heads has 10000 listeners of either answer"):
        stability(live, live, inputs, replace(SMALL, min_positives=10_000))


def test_a_wider_version_is_read_by_old_heads_and_a_narrower_one_is_not(live: Readable, inputs: Inputs) -> None:
    wide = np.insert(live.item_vectors, live.dim - 1, 0.0, axis=1)
    listened = np.insert(live.listened, live.dim - 1, 0.0, axis=1)
    columns = [*range(live.dim - 1), live.dim]
    rows = [window * (live.dim + 1) + column for window in range(WINDOWS) for column in columns]
    rows += [*range(WINDOWS * (live.dim + 1), feature_count(live.dim + 1))]
    weights = np.zeros((feature_count(live.dim + 1), live.dim + 1), np.float32)
    weights[np.ix_(rows, columns)] = live.encoder.weights
    start = live.encoder.start
    assert start is not None
    start = start.with_rows(np.insert(start.rows, live.dim - 1, 0.0, axis=1))
    encoder = replace(live.encoder, weights=weights, start=start)
    wider = replace(live, item_vectors=wide, listened=listened, encoder=encoder)
    found = stability(live, wider, inputs, SMALL)
    assert found.heads.kept_share.value == pytest.approx(1.0, abs=1e-3)
    with pytest.raises(BadInput, match="heads made for 17 dimensions cannot read vectors of 16"):
        stability(wider, live, inputs, SMALL)


def test_what_a_narrower_head_reads() -> None:
    vectors = np.arange(8, dtype=np.float32).reshape(2, 4)
    np.testing.assert_array_equal(narrowed(vectors, 3), [[0, 1, 3], [4, 5, 7]])
    assert narrowed(vectors, 4) is vectors


def test_records_add_up_what_the_version_says(own: Home) -> None:
    """A version with other vectors for what was heard than for what will be: those stay when the space is turned."""
    space = Spaces(own.spaces).live
    plain = Readable.of(space)
    np.testing.assert_array_equal(plain.listened, space.listened)
    np.save(space.folder / "listened.npy", np.zeros_like(plain.item_vectors))
    silent, inputs = Readable.of(Spaces(own.spaces).live), gather(own)
    users = np.array([5, 0], np.int32)
    tastes = plain.tastes(inputs.history, inputs.columns.kind, users)
    np.testing.assert_allclose(tastes[::-1], plain.tastes(inputs.history, inputs.columns.kind, users[::-1]), atol=1e-5)
    assert not np.allclose(tastes, silent.tastes(inputs.history, inputs.columns.kind, users))
    assert not plain.tastes(inputs.history.take(slice(0, 0)), inputs.columns.kind, users).any()


def test_neighbours_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four on a line of angles; in the new version the last has moved to the other end."""
    monkeypatch.setattr("palate.jobs.nearness.NEAREST", 1)

    def at(*degrees: float) -> NDArray[np.float32]:
        radians = np.radians(degrees)
        return np.column_stack([np.cos(radians), np.sin(radians)]).astype(np.float32)

    found = near(at(0, 10, 30, 45), at(0, 10, 30, -5), np.arange(4), 20, 0)
    assert found.overlap.value == (0 + 1 + 0 + 0) / 4  # nearest: 1, 0, 3, 2 before; 3, 0, 1, 0 now
    assert found.cosine.value == pytest.approx((3 + np.cos(np.radians(50))) / 4, abs=1e-6)
    assert found.n == 4
    assert near(at(0), at(0), np.arange(1), 20, 0).n == 0


def test_a_mixed_index_by_hand() -> None:
    """Two tastes, each with one item; in the new axes everything is mirrored."""
    old = np.eye(2, dtype=np.float32)
    new = -np.eye(2, dtype=np.float32)
    indptr, targets, listeners = np.array([0, 1, 2]), np.array([0, 1]), np.array([3, 4])
    mixed = mixed_index((old, new), (old, new), indptr, targets, listeners, 20, 0)
    second = 1 / np.log2(3)
    assert (mixed.old.value, mixed.new_by_rho[1.0].value, mixed.listeners) == (1.0, 1.0, 2)
    assert mixed.new_by_rho[0.0].value == pytest.approx(second)
    assert mixed.new_by_rho[0.5].value == pytest.approx((1 + second) / 2)
