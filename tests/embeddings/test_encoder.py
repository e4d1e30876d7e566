"""From records to tastes: a linear map. That it is learnt well is in test_training.py and test_foundation.py."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from palate.core.artefacts import write_arrays
from palate.core.clock import DAY_SECONDS
from palate.embeddings.encoder import Encoder, feature_count, features
from palate.embeddings.records import HALF_LIVES_DAYS, UserRecord
from palate.listening.history import History
from palate.testing.strategies import histories

from .worlds import folded, made_up_items

DAY, DIM = DAY_SECONDS, 4
WINDOWS = len(HALF_LIVES_DAYS)
SIZE = WINDOWS * DIM + WINDOWS + 1
VECTORS, KINDS_OF_ITEMS = made_up_items(40, DIM)


def random_records(n: int, seed: int) -> list[UserRecord]:
    """Listeners with one to thirty listens each, over two years."""
    rng, records = np.random.default_rng(seed), []
    for _ in range(n):
        record = UserRecord.empty(DIM)
        for _ in range(int(rng.integers(1, 30))):
            item = int(rng.integers(0, 40))
            record.add(item, int(KINDS_OF_ITEMS[item]), VECTORS[item], rng.uniform(0, 700) * DAY, 1.0, False)
        records.append(record)
    return records


def test_a_window_is_its_sum_over_a_power_of_its_count_by_hand() -> None:
    record, a, b = UserRecord.empty(2), np.array([1.0, 2.0], np.float32), np.array([3.0, -4.0], np.float32)
    record.add(0, 0, a, 0.0, 1.0, False)
    assert features([record], 2).tolist() == [[1.0, 2.0, 1.0, 2.0, 1.0, 2.0, *[float(np.log(np.float32(2)))] * 3, 1.0]]
    record.add(1, 1, b, 28 * DAY, 1.0, False)  # another kind: a window sums over kinds
    row = features([record], 2, 0.75)[0]
    for window, fade in enumerate((1 / 16, 1 / 2, 2 ** (-28 / 182))):
        expected = (fade * a + b) / (fade + 1) ** 0.75
        assert row[2 * window : 2 * window + 2].tolist() == pytest.approx(expected.tolist(), rel=1e-6)
        assert row[6 + window] == pytest.approx(np.log(1 + fade + 1), rel=1e-6)
    assert row[-1] == 1.0


def test_a_stranger_and_one_who_only_skips_have_nothing_but_the_constant() -> None:
    skipper = UserRecord.empty(2)
    skipper.add(0, 0, np.ones(2, np.float32), 5.0, 0.0, True)
    assert features([UserRecord.empty(2), skipper], 2).tolist() == [[0] * 9 + [1]] * 2


def test_what_rounding_leaves_of_removed_listens_is_no_window() -> None:
    record = UserRecord.empty(DIM)
    moments = [day * DAY / 7 for day in range(50)]
    for moment in moments:
        record.add(3, 0, VECTORS[3], moment, 1.0, False)
    for moment in reversed(moments):
        record.remove(3, 0, VECTORS[3], moment, 1.0, False)
    row = features([record], DIM)[0]
    assert row[: WINDOWS * DIM].tolist() == [0.0] * (WINDOWS * DIM)
    assert np.abs(row[WINDOWS * DIM : -1]).max() < 1e-9
    assert row[-1] == 1.0


def test_nobody_is_encoded_as_nothing() -> None:
    assert features([], DIM).shape == (0, SIZE) == (0, feature_count(DIM))
    assert Encoder(np.ones((SIZE, DIM), np.float32)).encode([]).shape == (0, DIM)


@given(histories(n_users=6, n_items=40))
def test_a_batch_equals_its_members_one_by_one(history: History) -> None:
    """Up to rounding: BLAS may add in another order for one row than for many."""
    weights = np.random.default_rng(0).normal(size=(SIZE, DIM)).astype(np.float32)
    encoder = Encoder(weights)
    records = [UserRecord.empty(DIM), *folded(history, VECTORS, KINDS_OF_ITEMS).values()]
    together = encoder.encode(records)
    assert (together.shape, together.dtype) == ((len(records), DIM), np.float32)
    np.testing.assert_allclose(together, np.concatenate([encoder.encode([one]) for one in records]), atol=1e-4)
    np.testing.assert_array_equal(together[0], weights[-1])


def test_saved_then_loaded_equals(tmp_path: Path) -> None:
    encoder, records = Encoder(np.arange(SIZE * DIM, dtype=np.float32).reshape(SIZE, DIM)), random_records(5, seed=1)
    encoder.save(tmp_path / "encoder.npz")
    np.testing.assert_array_equal(Encoder.load(tmp_path / "encoder.npz").encode(records), encoder.encode(records))


@given(histories(n_users=1), st.integers(1, 5), st.lists(st.floats(0.0, 60.0), min_size=1, max_size=8))
def test_listening_on_and_on_to_one_direction_turns_a_window_towards_it_and_never_back(
    history: History, item: int, gaps_days: list[float]
) -> None:
    """True of each window of the record, and so of any encoder that passes one window on.

    A learnt encoder mixes coordinates and windows, and then no such law holds for every item; what it does on a world
    that it has learnt is the next test.
    """
    records = folded(history, VECTORS, KINDS_OF_ITEMS)
    record = records.get(0, UserRecord.empty(DIM))
    vector, moment = VECTORS[item], record.at if len(record.items) else 0.0
    nearness: list[NDArray[np.float64]] = []
    for gap in (0.0, *gaps_days):
        moment += gap * DAY
        record.add(item, 0, vector, moment, 1.0, False)
        windows = features([record], DIM)[0, : WINDOWS * DIM].reshape(-1, DIM).astype(np.float64)
        nearness.append(windows @ vector / (np.linalg.norm(windows, axis=1) * np.linalg.norm(vector)))
    assert (np.diff(nearness, axis=0) >= -1e-6).all()  # features are float32


def test_without_listeners_a_taste_is_the_sum_of_what_was_heard_in_four_weeks():
    encoder = Encoder.plain(3, popularity_share=0.1)
    record = UserRecord.empty(3)
    np.testing.assert_allclose(encoder.encode([record]), [[0.0, 0.0, 0.1]])
    record.add(0, 0, np.array([2.0, 1.0, 9.0], np.float32), timestamp=0.0, weight=1.0, skip=False)
    np.testing.assert_allclose(encoder.encode([record]), [[2.0, 1.0, 0.1]], rtol=1e-6)


def test_how_much_was_heard_can_be_told_from_what_was_heard() -> None:
    """Two listeners of one item, one of whom heard it nine times: their means are equal, their counts are not."""
    weights = np.zeros((SIZE, DIM), np.float32)
    weights[WINDOWS * DIM, 0] = 1.0  # of the shortest window
    records = [UserRecord.empty(DIM) for _ in range(2)]
    for record, times in zip(records, (1, 9), strict=True):
        for _ in range(times):
            record.add(1, 0, VECTORS[1], 5.0, 1.0, False)
    found = features(records, DIM, count_power=1.0)
    np.testing.assert_allclose(found[0, : WINDOWS * DIM], found[1, : WINDOWS * DIM], rtol=1e-6)
    np.testing.assert_allclose(Encoder(weights, 1.0).encode(records)[:, 0], np.log([2.0, 10.0]), rtol=1e-6)


def test_an_encoder_of_before_there_were_counts_answers_as_it_did(tmp_path: Path) -> None:
    """Its file holds no power either: it was the root."""
    weights = np.random.default_rng(0).normal(size=(WINDOWS * DIM + 1, DIM)).astype(np.float32)
    write_arrays(tmp_path / "old.npz", weights=weights)
    old, records = Encoder.load(tmp_path / "old.npz"), [UserRecord.empty(DIM), *random_records(5, seed=1)]
    windows = []
    for record in records:
        count = record.counts.sum(axis=1, keepdims=True)
        windows.append([*(record.sums.sum(axis=1) / np.sqrt(np.maximum(count, 1e-9))).ravel(), 1.0])
    np.testing.assert_allclose(old.encode(records), np.array(windows) @ weights, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(old.encode(records[:1])[0], weights[-1])
    assert old.encode([]).shape == (0, DIM)
