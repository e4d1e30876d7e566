"""From records to tastes: a linear map, learnt from exact fold-ins."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns, Playlists
from palate.core.clock import DAY_SECONDS
from palate.embeddings.bulk import build_records
from palate.embeddings.encoder import Encoder, features, fit_encoder
from palate.embeddings.items import ItemModel, ItemSettings, fit_items
from palate.embeddings.records import HALF_LIVES_DAYS, UserRecord
from palate.listening.history import History
from palate.testing.strategies import histories

from .worlds import checkerboard, folded, made_up_items

DAY, DIM = DAY_SECONDS, 4
SIZE = len(HALF_LIVES_DAYS) * DIM + 1
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
    assert features([record], 2).tolist() == [[1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0]]
    record.add(1, 1, b, 28 * DAY, 1.0, False)  # another kind: a window sums over kinds
    row = features([record], 2, 0.75)[0]
    for window, fade in enumerate((1 / 16, 1 / 2, 2 ** (-28 / 182))):
        expected = (fade * a + b) / (fade + 1) ** 0.75
        assert row[2 * window : 2 * window + 2].tolist() == pytest.approx(expected.tolist(), rel=1e-6)
    assert row[-1] == 1.0


def test_a_stranger_and_one_who_only_skips_have_nothing_but_the_constant() -> None:
    skipper = UserRecord.empty(2)
    skipper.add(0, 0, np.ones(2, np.float32), 5.0, 0.0, True)
    assert features([UserRecord.empty(2), skipper], 2).tolist() == [[0, 0, 0, 0, 0, 0, 1]] * 2


def test_what_rounding_leaves_of_removed_listens_is_no_window() -> None:
    record = UserRecord.empty(DIM)
    moments = [day * DAY / 7 for day in range(50)]
    for moment in moments:
        record.add(3, 0, VECTORS[3], moment, 1.0, False)
    for moment in reversed(moments):
        record.remove(3, 0, VECTORS[3], moment, 1.0, False)
    assert features([record], DIM)[0].tolist() == [0.0] * (SIZE - 1) + [1.0]


def test_nobody_is_encoded_as_nothing() -> None:
    assert features([], DIM).shape == (0, SIZE)
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


def test_a_known_linear_map_is_found_again() -> None:
    records, unseen = random_records(600, seed=1), random_records(100, seed=2)
    planted = np.random.default_rng(3).normal(size=(SIZE, DIM)).astype(np.float32)
    encoder = fit_encoder([(records, features(records, DIM) @ planted)], DIM)
    truth = features(unseen, DIM) @ planted
    assert np.abs(encoder.encode(unseen) - truth).max() < 0.02 * np.abs(truth).max()
    np.testing.assert_allclose(encoder.weights[-1], planted[-1], atol=0.02)


def test_how_listeners_are_cut_into_batches_does_not_matter() -> None:
    records = random_records(60, seed=1)
    targets = np.random.default_rng(4).normal(size=(60, DIM)).astype(np.float32)

    def cut(size: int) -> Iterator[tuple[list[UserRecord], NDArray[np.float32]]]:
        for start in range(0, 60, size):
            yield records[start : start + size], targets[start : start + size]

    expected = fit_encoder(cut(60), DIM).weights
    for size in (1, 7):
        np.testing.assert_allclose(fit_encoder(cut(size), DIM).weights, expected, rtol=1e-4, atol=1e-5)


def test_with_nobody_to_learn_from_every_taste_is_zero() -> None:
    encoder = fit_encoder([], DIM)
    assert (encoder.weights.shape, encoder.weights.dtype, encoder.dim) == ((SIZE, DIM), np.float32, DIM)
    assert not encoder.encode(random_records(3, seed=1)).any()


def test_strangers_alone_teach_the_constant() -> None:
    target = np.array([[1.0, -2.0, 3.0, 0.5]], np.float32)
    encoder = fit_encoder([([UserRecord.empty(DIM)] * 3, np.repeat(target, 3, axis=0))], DIM)
    np.testing.assert_allclose(encoder.encode([UserRecord.empty(DIM)]), target, atol=1e-5)


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
        windows = features([record], DIM)[0, :-1].reshape(-1, DIM).astype(np.float64)
        nearness.append(windows @ vector / (np.linalg.norm(windows, axis=1) * np.linalg.norm(vector)))
    assert (np.diff(nearness, axis=0) >= -1e-6).all()  # features are float32


@dataclass(frozen=True)
class TwoGroups:
    """A checkerboard of listeners and items, learnt by iALS and distilled."""

    history: History
    model: ItemModel
    records: dict[int, UserRecord]
    exact: NDArray[np.float32]
    encoder: Encoder


@pytest.fixture(scope="module")
def two_groups() -> TwoGroups:
    history = checkerboard(30)
    model = fit_items(history, Playlists.none(), ItemColumns.unknown(30), ItemSettings(dim=9))
    records = dict(build_records(history, model.vectors, np.zeros(30, np.uint8)))
    exact = model.fold_in(history, np.array(list(records), np.int32))
    return TwoGroups(history, model, records, exact, fit_encoder([(list(records.values()), exact)], 9))


def test_distilled_scores_follow_those_of_the_exact_fold_in(two_groups: TwoGroups) -> None:
    tastes, factors = two_groups.encoder.encode(list(two_groups.records.values())), two_groups.model.vectors[:, :-1]
    scores = [(one[:, :-1] @ factors.T).ravel() for one in (tastes, two_groups.exact)]
    assert np.corrcoef(*scores)[0, 1] > 0.95


def test_every_distilled_taste_ranks_its_own_group_first(two_groups: TwoGroups) -> None:
    for user, record in two_groups.records.items():
        best = np.argsort(-(two_groups.encoder.encode([record])[0] @ two_groups.model.vectors.T))[:10]
        assert (best % 2 == user % 2).all()


def test_the_popularity_share_is_passed_on(two_groups: TwoGroups) -> None:
    """Its target is the same for all, and the constant, which is not shrunk, gives it alone."""
    shares = two_groups.encoder.encode([*two_groups.records.values(), UserRecord.empty(9)])[:, -1]
    np.testing.assert_allclose(shares, two_groups.model.settings.popularity_share, atol=1e-3)


def test_one_listen_dilutes_a_learnt_taste_and_many_turn_it(two_groups: TwoGroups) -> None:
    vectors, record = two_groups.model.vectors, two_groups.records[0].copy()
    across = vectors[1::2].mean(axis=0) - vectors[0::2].mean(axis=0)
    ahead = []
    for listen in range(31):
        ahead.append(float(two_groups.encoder.encode([record])[0] @ across))
        item = 2 * (listen % 15) + 1
        record.add(item, 0, vectors[item], record.at + DAY, 1.0, False)
    assert ahead[0] < ahead[1] < 0 < ahead[30]


def test_without_listeners_a_taste_is_the_sum_of_what_was_heard_in_four_weeks():
    encoder = Encoder.plain(3, popularity_share=0.1)
    record = UserRecord.empty(3)
    np.testing.assert_allclose(encoder.encode([record]), [[0.0, 0.0, 0.1]])
    record.add(0, 0, np.array([2.0, 1.0, 9.0], np.float32), timestamp=0.0, weight=1.0, skip=False)
    np.testing.assert_allclose(encoder.encode([record]), [[2.0, 1.0, 0.1]], rtol=1e-6)
