"""The fold-in that a request can afford is the one that the library makes, and its file is all or nothing."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.core.errors import Corrupt
from palate.embeddings.fold_in import LATEST, FoldIn, _widened
from palate.embeddings.items import ItemModel, ItemSettings
from palate.embeddings.records import UserRecord, decay

ITEMS, DIM, NOW = 60, 9, 1_000 * DAY_SECONDS
HALF_LIFE_DAYS = 18.0
SETTINGS = ItemSettings(dim=DIM)


def model() -> ItemModel:
    """Factors that float16 holds exactly, so that both solve the same equations."""
    factors = np.random.default_rng(0).normal(size=(ITEMS, DIM)).astype(np.float16).astype(np.float32)
    return ItemModel(factors, SETTINGS)


def fold_in(of: ItemModel) -> FoldIn:
    return FoldIn.of(of.vectors[:, :-1], SETTINGS.confidence, SETTINGS.regularization, HALF_LIFE_DAYS)


def record_of(plays: dict[int, float]) -> UserRecord:
    """Of item row -> days before NOW."""
    record = UserRecord.empty(2)
    for item, ago in sorted(plays.items(), key=lambda one: -one[1]):
        record.add(item, 0, np.zeros(2, np.float32), NOW - ago * DAY_SECONDS, 1.0, False)
    return record


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.integers(0, ITEMS - 1), st.floats(0.0, 300.0), min_size=1, max_size=20))
def test_it_solves_what_the_library_solves(plays: dict[int, float]) -> None:
    of, record = model(), record_of(plays)
    fade = decay(record.at - record.last, HALF_LIFE_DAYS * DAY_SECONDS).astype(np.float32)
    profile = sp.csr_matrix((fade, (np.zeros(len(fade), int), record.items)), (1, ITEMS))
    expected = of.solved(profile)[0, :-1]
    solved = fold_in(of).solved(record)
    np.testing.assert_allclose(solved, expected, rtol=1e-2, atol=1e-3)
    rows = np.arange(ITEMS, dtype=np.int32)
    np.testing.assert_allclose(fold_in(of).scores(rows, solved), of.vectors[:, :-1] @ solved, rtol=1e-3, atol=1e-4)


def test_every_finite_half_is_widened_exactly() -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    assert np.array_equal(_widened(halves), halves.astype(np.float32))
    assert np.array_equal(np.signbit(_widened(halves)), np.signbit(halves))  # minus zero too


def test_one_item_of_one_factor_by_hand() -> None:
    # (gram + (c - 1) y y) x = c y with y = 2, gram = 4 + 1, c = 10: x = 20 / (5 + 36)
    one = FoldIn.of(np.array([[2.0]], np.float32), 10.0, 1.0, HALF_LIFE_DAYS)
    np.testing.assert_allclose(one.solved(record_of({0: 0.0})), [20 / 41], rtol=1e-6)


def test_who_heard_nothing_has_zeros() -> None:
    assert fold_in(model()).solved(UserRecord.empty(2)).tolist() == [0.0] * (DIM - 1)
    record = UserRecord.empty(2)
    record.add(3, 0, np.zeros(2, np.float32), NOW, 0.0, True)
    assert not fold_in(model()).solved(record).any()


def test_items_that_came_later_count_for_nothing() -> None:
    known, with_new = record_of({2: 1.0}), record_of({2: 1.0, ITEMS + 5: 2.0})
    np.testing.assert_array_equal(fold_in(model()).solved(known), fold_in(model()).solved(with_new))
    wider = fold_in(model()).padded(ITEMS + 9)
    assert len(wider.factors) == ITEMS + 9
    np.testing.assert_array_equal(wider.solved(with_new), fold_in(model()).solved(known))


def test_of_many_items_the_latest_count() -> None:
    factors = np.random.default_rng(1).normal(size=(LATEST + 50, 3)).astype(np.float32)
    one = FoldIn.of(factors, 40.0, 1.0, HALF_LIFE_DAYS)
    everything = record_of({item: float(item) / 10 for item in range(LATEST + 50)})
    latest = record_of({item: float(item) / 10 for item in range(LATEST)})
    np.testing.assert_allclose(one.solved(everything), one.solved(latest), rtol=1e-4)


def test_saved_then_loaded_solves_the_same(tmp_path: Path) -> None:
    one, record = fold_in(model()), record_of({1: 3.0, 7: 20.0})
    one.save(tmp_path / "fold_in.npz")
    np.testing.assert_array_equal(FoldIn.load(tmp_path / "fold_in.npz").solved(record), one.solved(record))


def test_a_foreign_file_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "fold_in.npz").write_bytes(b"nothing")
    with pytest.raises(Corrupt, match="train again"):
        FoldIn.load(tmp_path / "fold_in.npz")
    arrays = fold_in(model()).arrays()
    with pytest.raises(Corrupt, match="train again"):
        FoldIn.of_arrays({name: array for name, array in arrays.items() if name != "fold_in.gram"}, "here")
    with pytest.raises(Corrupt, match="train again"):
        FoldIn.of_arrays(arrays | {"fold_in.gram": np.zeros((2, 2), np.float32)}, "here")
