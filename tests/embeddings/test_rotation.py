"""A rotation: what was planted is found, no dot product changes, and what nobody can know stays where it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.embeddings.encoder import Encoder, feature_count
from palate.embeddings.records import UserRecord
from palate.embeddings.rotation import Rotation, cosines, mean_cosine

DAY = 86_400.0


def orthogonal(dim: int, seed: int) -> NDArray[np.float64]:
    """An orthogonal matrix drawn evenly."""
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(dim, dim)))
    return np.asarray(q * np.sign(np.diag(r)), np.float64)


def drawn(rows: int, dim: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32)


def test_a_quarter_turn_by_hand() -> None:
    old = np.array([[1.0, 0.0], [0.0, 2.0]], np.float32)
    new = np.array([[0.0, 1.0], [-2.0, 0.0]], np.float32)
    rotation = Rotation.fit(old, new)
    np.testing.assert_allclose(rotation.matrix, [[0.0, -1.0], [1.0, 0.0]], atol=1e-12)
    np.testing.assert_allclose(rotation.turn(new), old, atol=1e-6)
    assert (rotation.shared, rotation.rank) == (2, 2)
    assert rotation.mean_cosine_before == 0.0
    assert rotation.mean_cosine_after == pytest.approx(1.0)
    assert rotation.residual == pytest.approx(0.0, abs=1e-12)


@given(st.integers(2, 12), st.integers(0, 999))
def test_a_planted_rotation_is_found(dim: int, seed: int) -> None:
    old, planted = drawn(4 * dim, dim, seed), orthogonal(dim, seed + 1)
    new = (old @ planted).astype(np.float32)
    rotation = Rotation.fit(old, new, np.random.default_rng(seed).uniform(0.1, 9.0, len(old)))
    np.testing.assert_allclose(rotation.matrix, planted.T, atol=1e-5)
    assert rotation.mean_cosine_after > 1.0 - 1e-9 >= rotation.mean_cosine_before - 1e-9
    assert rotation.rank == dim


@given(st.integers(1, 12), st.integers(0, 20), st.integers(0, 999))
def test_no_dot_product_changes(dim: int, shared: int, seed: int) -> None:
    """Whatever it was fitted on, and with the coordinate that stays."""
    rotation = Rotation.fit(drawn(shared, dim, seed), drawn(shared, dim, seed + 1))
    np.testing.assert_allclose(rotation.matrix @ rotation.matrix.T, np.eye(dim), atol=1e-12)
    items, tastes = drawn(9, dim + 1, seed + 2), drawn(5, dim + 1, seed + 3)
    before = tastes.astype(np.float64) @ items.T
    after = rotation.turn_factors(tastes).astype(np.float64) @ rotation.turn_factors(items).T
    length = np.linalg.norm(tastes, axis=1)[:, None] * np.linalg.norm(items, axis=1)
    assert (np.abs(after - before) <= 4 * np.finfo(np.float32).eps * length).all()
    np.testing.assert_array_equal(rotation.turn_factors(items)[:, -1], items[:, -1])


@given(st.integers(0, 999))
def test_the_order_of_the_rows_does_not_matter_and_the_same_input_gives_the_same_matrix(seed: int) -> None:
    old, new, order = drawn(30, 6, seed), drawn(30, 6, seed + 1), np.random.default_rng(seed).permutation(30)
    weights = np.random.default_rng(seed).uniform(0.0, 2.0, 30)
    first = Rotation.fit(old, new, weights)
    np.testing.assert_array_equal(first.matrix, Rotation.fit(old, new, weights).matrix)
    np.testing.assert_allclose(first.matrix, Rotation.fit(old[order], new[order], weights[order]).matrix, atol=1e-9)


def test_a_row_of_weight_two_counts_like_two_rows_and_heavy_rows_win() -> None:
    old, new = drawn(8, 3, 0), drawn(8, 3, 1)
    weights = np.array([2.0] + [1.0] * 7)
    twice = Rotation.fit(np.vstack([old[:1], old]), np.vstack([new[:1], new]))
    np.testing.assert_allclose(Rotation.fit(old, new, weights).matrix, twice.matrix, atol=1e-12)
    one, other = orthogonal(3, 5), orthogonal(3, 6)
    torn = np.vstack([old[:4] @ one, old[4:] @ other]).astype(np.float32)
    heavy = Rotation.fit(old, torn, np.array([1e6] * 4 + [1.0] * 4))
    np.testing.assert_allclose(heavy.matrix, one.T, atol=1e-4)


def test_without_shared_rows_nothing_turns() -> None:
    for old, new, weights in (
        (np.zeros((0, 4), np.float32), np.zeros((0, 4), np.float32), None),
        (np.zeros((5, 4), np.float32), drawn(5, 4, 0), None),
        (drawn(5, 4, 1), drawn(5, 4, 0), np.zeros(5)),
    ):
        rotation = Rotation.fit(old, new, weights)
        np.testing.assert_array_equal(rotation.matrix, np.eye(4))
        assert (rotation.shared, rotation.rank) == (0, 0)
        assert np.isnan([rotation.residual, rotation.mean_cosine_before, rotation.mean_cosine_after]).all()


@given(st.integers(1, 5), st.integers(0, 999))
def test_what_no_shared_row_says_anything_about_stays_where_it_is(seen: int, seed: int) -> None:
    """Both spaces live in the same few coordinates: only those turn."""
    old = np.zeros((20, 6), np.float32)
    old[:, :seen] = drawn(20, seen, seed)
    new = np.zeros_like(old)
    new[:, :seen] = old[:, :seen] @ orthogonal(seen, seed)
    rotation = Rotation.fit(old, new)
    assert rotation.rank == seen
    np.testing.assert_allclose(rotation.matrix[seen:, seen:], np.eye(6 - seen), atol=1e-6)
    np.testing.assert_allclose(rotation.turn(new), old, atol=1e-5)


def test_a_wider_space_keeps_the_old_coordinates_first() -> None:
    old = drawn(40, 5, 0)
    wide = np.hstack([old, np.zeros((40, 3), np.float32)]) @ orthogonal(8, 1)
    turned = Rotation.fit(old, wide.astype(np.float32)).turn(wide.astype(np.float32))
    np.testing.assert_allclose(turned[:, :5], old, atol=1e-5)
    np.testing.assert_allclose(turned[:, 5:], 0.0, atol=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "weights", "sentence"),
    [
        (drawn(4, 6, 0), drawn(4, 5, 0), None, "5 dimensions cannot hold what 6 held"),
        (drawn(4, 6, 0), drawn(3, 6, 0), None, "must be the same items"),
        (drawn(4, 6, 0), drawn(4, 6, 0), np.ones(3), "for each of 4 rows"),
        (drawn(2, 6, 0), drawn(2, 6, 0), np.array([1.0, -1.0]), "one number of 0 or more"),
        (drawn(1, 2, 0), np.full((1, 2), np.nan, np.float32), None, "must be finite"),
    ],
)
def test_what_cannot_be_fitted_says_why(
    old: NDArray[np.float32], new: NDArray[np.float32], weights: NDArray[np.float64] | None, sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        Rotation.fit(old, new, weights)


def test_an_encoder_gives_turned_tastes() -> None:
    """Records add up other vectors, which stay as they are: the same record comes out turned."""
    dim, rng = 5, np.random.default_rng(0)
    listened, rotation = drawn(4, dim, 1), Rotation.fit(drawn(9, dim - 1, 2), drawn(9, dim - 1, 3))
    encoder = Encoder(rng.normal(size=(feature_count(dim), dim)).astype(np.float32))
    turned = Encoder(rotation.turn_factors(encoder.weights))
    record = UserRecord.empty(dim)
    for item, day in ((0, 1.0), (2, 3.0), (0, 40.0)):
        record.add(item, 0, listened[item], day * DAY, 1.0, False)
    expected = rotation.turn_factors(encoder.encode([record]))
    np.testing.assert_allclose(turned.encode([record]), expected, rtol=0, atol=1e-5)


def test_cosines_of_rows() -> None:
    one = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    two = np.array([[2.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(cosines(one, two), [1.0, 1 / np.sqrt(2), 0.0])
    assert mean_cosine(one, two) == pytest.approx((1.0 + 1 / np.sqrt(2)) / 3)
    assert np.isnan(mean_cosine(one[:0], two[:0]))
