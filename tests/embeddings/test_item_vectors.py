"""Item vectors from company, on worlds whose groups are known."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns, Playlists
from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.embeddings.items import ItemModel, ItemSettings, fit_items, listening_matrix, recent_popularity
from palate.listening.history import History

from .worlds import checkerboard, history_of, playlists_of, with_event

SMALL = ItemSettings(dim=9)
N = 30


def fitted(history: History, playlists: Playlists | None = None, settings: ItemSettings = SMALL) -> ItemModel:
    return fit_items(history, playlists or Playlists.none(), ItemColumns.unknown(history.n_items), settings)


def cosines(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Between all pairs of factors, the popularity coordinate left out."""
    units = vectors[:, :-1] / np.linalg.norm(vectors[:, :-1], axis=1, keepdims=True)
    return units @ units.T


def assert_two_groups(vectors: NDArray[np.float32]) -> None:
    """Even and odd rows: everyone in a group is closer than anyone across."""
    nearness, row = cosines(vectors), np.arange(len(vectors))
    same = (row[:, None] - row) % 2 == 0
    apart = row[:, None] != row
    assert nearness[same & apart].min() > nearness[~same].max() + 0.3


def test_items_heard_by_the_same_listeners_lie_together() -> None:
    model = fitted(checkerboard(N))
    assert (model.vectors.shape, model.vectors.dtype) == ((N, 9), np.float32)
    assert_two_groups(model.vectors)


def test_playlists_alone_suffice() -> None:
    lists = [[item for item in range(one % 2, N, 2) if item != one] for one in range(N)]
    silent = history_of([], n_items=N)
    vectors = fitted(silent, playlists_of(*lists)).vectors
    assert_two_groups(vectors)
    assert not vectors[:, -1].any()


def test_the_same_seed_gives_the_same_vectors_and_another_seed_others() -> None:
    history = checkerboard(N)
    first, again, other = (fitted(history, settings=replace(SMALL, seed=seed)).vectors for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_listeners_and_items_that_came_later_change_nothing_learnt_before_them() -> None:
    """A past moment is judged with the rows of today's catalogue and users, most of them still silent then."""
    history = checkerboard(N)
    later = replace(history, users=[*history.users, "new"], n_items=N + 3)
    columns = ItemColumns.unknown(N + 3)
    vectors = fit_items(later, playlists_of([-1], []), columns, SMALL).vectors
    np.testing.assert_array_equal(vectors[:N], fitted(history).vectors)
    assert not vectors[N:].any()


@pytest.mark.parametrize("n_items", [5, 0])
def test_from_nothing_come_zeros(n_items: int) -> None:
    history = replace(history_of([]), n_items=n_items)
    model = fitted(history)
    assert model.vectors.shape == (n_items, 9)
    assert not model.vectors.any()
    assert model.solved(sp.csr_matrix((0, n_items), dtype=np.float32)).shape == (0, 9)


def test_an_item_without_company_borrows_from_its_artist_else_its_genre_else_nothing() -> None:
    """Rows 30 and on were never heard; 34 was only skipped."""
    history = checkerboard(N, extra_items=5)
    skip = replace(
        with_event(history_of([(0, 34, 61.0)], n_items=N + 5), 0, Event.SKIP), users=history.users, n_items=N + 5
    )
    history = joined(history, skip)
    artist, genre = np.full(N + 5, -1, np.int32), np.full(N + 5, -1, np.int32)
    artist[[2, 4, 30]] = 0  # an artist with two known items
    artist[[31, 34]] = 1  # an artist without any
    genre[[1, 3, 5, 30, 31, 34]] = 2
    columns = replace(ItemColumns.unknown(N + 5), artist=artist, genre=genre)
    vectors = fit_items(history, Playlists.none(), columns, SMALL).vectors
    np.testing.assert_allclose(vectors[30, :-1], vectors[[2, 4], :-1].mean(axis=0), atol=1e-6)
    for row in (31, 34):
        np.testing.assert_allclose(vectors[row, :-1], vectors[[1, 3, 5], :-1].mean(axis=0), atol=1e-6)
    assert not vectors[[32, 33]].any()
    assert not vectors[30:, -1].any()


def joined(one: History, two: History) -> History:
    """Two logs one after the other."""
    names = ("user", "item", "timestamp", "event", "seconds_played", "duration_seconds", "session")
    return replace(one, **{name: np.concatenate([getattr(one, name), getattr(two, name)]) for name in names})


def test_popularity_by_hand() -> None:
    """Plays now, a week ago and two weeks ago; `end` is a second after the last, hence the tolerance."""
    plays = [(0, 1, 0.0), (0, 2, 7.0), (1, 1, 7.0), (0, 1, 14.0), (1, 1, 14.0), (1, 0, 14.0)]
    history = with_event(history_of(plays, n_items=4), 5, Event.SKIP)
    expected = np.log1p([0.0, 2 + 1 / 2 + 1 / 4, 1 / 2, 0.0])
    np.testing.assert_allclose(recent_popularity(history, half_life_days=7.0), expected, atol=1e-5)
    np.testing.assert_allclose(fitted(history).vectors[:, -1], expected, atol=1e-5)


def test_a_listener_counts_an_item_by_its_latest_listen_by_hand() -> None:
    plays = [(0, 1, 0.0), (0, 2, 10.0), (0, 1, 20.0), (1, 1, 30.0), (0, 0, 40.0)]
    history = with_event(history_of(plays, n_items=3), 4, Event.SKIP)
    matrix = listening_matrix(history, np.array([40.0, 30.0]) * DAY_SECONDS, half_life_days=10.0)
    assert matrix.toarray().tolist() == [[0.0, 1 / 4, 1 / 8], [0.0, 1.0, 0.0]]


def test_what_is_solved_fulfils_the_equations_of_ials() -> None:
    """(Y'Y + reg + Y'(C - 1)Y) x = Y'C p with confidence C = alpha * weight: Hu, Koren and Volinsky, equation 4."""
    settings = replace(SMALL, confidence=5.0, regularization=0.7)
    model, rng = fitted(checkerboard(N, extra_items=2), settings=settings), np.random.default_rng(0)
    weights = np.where(rng.random((6, N + 2)) < 0.3, rng.uniform(0.1, 1.0, (6, N + 2)), 0.0).astype(np.float32)
    found = model.solved(sp.csr_matrix(weights))
    assert (found.shape, found.dtype) == ((6, 9), np.float32)
    y = model.vectors[:N, :-1].astype(np.float64)
    for profile, taste in zip(weights[:, :N].astype(np.float64), found, strict=True):
        confidence, heard = 5.0 * profile, profile > 0
        left = y.T @ y + 0.7 * np.eye(8) + (y[heard].T * (confidence[heard] - 1)) @ y[heard]
        np.testing.assert_allclose(taste[:-1], np.linalg.solve(left, y[heard].T @ confidence[heard]), atol=1e-3)
        assert taste[-1] == 0.0


def test_a_profile_is_solved_alone_as_among_others() -> None:
    """And an item without a vector, in it or not, says nothing."""
    model = fitted(checkerboard(N, extra_items=3))
    profiles = np.random.default_rng(1).random((5, N + 3)).astype(np.float32).round()
    together = model.solved(sp.csr_matrix(profiles))
    for row in range(5):
        np.testing.assert_allclose(model.solved(sp.csr_matrix(profiles[row : row + 1]))[0], together[row], atol=1e-5)
    profiles[:, N:] = 1.0 - profiles[:, N:]
    np.testing.assert_array_equal(model.solved(sp.csr_matrix(profiles)), together)


def test_who_heard_nothing_that_has_a_vector_is_solved_as_nothing() -> None:
    silent = sp.csr_matrix(np.zeros((2, N), np.float32))
    assert fitted(checkerboard(N)).solved(silent).tolist() == [[0.0] * 9] * 2
    heard = sp.csr_matrix(np.ones((2, 3), np.float32))
    assert ItemModel(np.zeros((3, 9), np.float32), SMALL).solved(heard).tolist() == [[0.0] * 9] * 2
