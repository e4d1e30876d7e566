"""New items in a frozen space: the mean of their company, and nothing that was there has moved."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.catalog.columns import ItemColumns, Playlists
from palate.core.errors import BadInput
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs
from palate.embeddings.joining import ARTIST_SITTINGS, joined
from palate.embeddings.rotation import cosines
from palate.listening.history import History

from .worlds import checkerboard, history_of, made_up_items, playlists_of, with_event

KNOWN = np.array([[2.0, 0.0, 0.5], [0.0, 4.0, 0.7], [6.0, 2.0, 0.9]], np.float32)


def inputs_of(history: History, playlists: Playlists | None = None, artist: list[int] | None = None) -> Inputs:
    columns = ItemColumns.unknown(history.n_items)
    if artist is not None:
        columns = replace(columns, artist=np.array(artist, np.int32), artists=["one", "two"])
    return Inputs(history, playlists or Playlists.none(), columns)


def test_by_hand_without_an_artist() -> None:
    """Item 3 is heard with 0 and 1 in one sitting (twice with 1, which counts once), and with 2 in another."""
    history = history_of([(0, 0, 1.0), (0, 1, 1.1), (0, 1, 1.2), (0, 3, 1.3), (1, 3, 2.0), (1, 2, 2.1)])
    found = joined(KNOWN, inputs_of(history), np.array([9.0, 9.0, 9.0, 0.25], np.float32))
    first, second = (KNOWN[0, :-1] + KNOWN[1, :-1]) / 2, KNOWN[2, :-1]
    np.testing.assert_allclose(found.vectors[3], [*((first + second) / 2), 0.25])
    np.testing.assert_array_equal(found.vectors[:3], KNOWN)
    assert (found.rows.tolist(), found.sittings.tolist()) == ([3], [2])
    assert joined(KNOWN, inputs_of(history)).vectors[3, -1] == 0.0


def test_by_hand_with_an_artist_who_counts_like_a_few_sittings() -> None:
    history = history_of([(0, 1, 1.0), (0, 3, 1.1)], n_items=5)
    found = joined(KNOWN, inputs_of(history, artist=[0, 1, 0, 0, 0]))
    artist = (KNOWN[0, :-1] + KNOWN[2, :-1]) / 2
    expected = (KNOWN[1, :-1] + ARTIST_SITTINGS * artist) / (1 + ARTIST_SITTINGS)
    np.testing.assert_allclose(found.vectors[3, :-1], expected, rtol=1e-6)
    np.testing.assert_allclose(found.vectors[4, :-1], artist, rtol=1e-6)
    assert (found.rows.tolist(), found.sittings.tolist()) == ([3, 4], [1, 0])


def test_a_playlist_is_company_like_a_sitting() -> None:
    found = joined(KNOWN, inputs_of(history_of([], n_items=4), playlists_of([0, 3], [1, 3])))
    np.testing.assert_allclose(found.vectors[3, :-1], (KNOWN[0, :-1] + KNOWN[1, :-1]) / 2)


def test_what_says_nothing_gives_nothing() -> None:
    """Skipped, alone, only with others that are new, or in a group too large to mean anything."""
    plays = [(0, 0, 1.0), (0, 3, 1.1), (1, 4, 2.0), (2, 5, 3.0), (2, 6, 3.1)]
    found = joined(KNOWN, inputs_of(with_event(history_of(plays), 1, Event.SKIP)))
    assert (found.rows.tolist(), found.vectors[3:].any()) == ([], False)
    many = np.vstack([KNOWN] * 200)
    radio = history_of([(0, item, 1.0 + item / 10_000) for item in range(601)])
    assert not joined(many, inputs_of(radio)).rows.size
    empty = joined(KNOWN, inputs_of(history_of([], n_items=3)))
    np.testing.assert_array_equal(empty.vectors, KNOWN)
    assert not empty.rows.size


def test_an_item_of_the_catalogue_that_was_never_heard_joins_as_well() -> None:
    """Its row is there already and holds zeros but for its popularity; a row with a vector is never touched."""
    frozen = np.vstack([KNOWN, [[0.0, 0.0, 0.1]]]).astype(np.float32)
    found = joined(frozen, inputs_of(history_of([(0, 0, 1.0), (0, 3, 1.1)])))
    np.testing.assert_array_equal(found.vectors[:3], KNOWN)
    np.testing.assert_array_equal(found.vectors[3, :-1], KNOWN[0, :-1])


@given(st.integers(0, 999), st.integers(1, 12))
def test_no_row_changes_and_the_order_of_sittings_does_not_matter(seed: int, new: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, _ = made_up_items(20, seed=seed)
    n_items = 20 + new
    plays = [(int(u), int(i), float(day)) for day in range(9) for u, i in rng.integers(0, (6, n_items), (9, 2))]
    history = history_of(plays, n_items)
    artist = rng.integers(-1, 2, n_items).tolist()
    found = joined(vectors, inputs_of(history, artist=artist))
    has = vectors[:, :-1].any(axis=1)
    np.testing.assert_array_equal(found.vectors[:20][has], vectors[has])
    assert not set(found.rows.tolist()) & set(np.flatnonzero(has).tolist())
    backwards = replace(history.take(slice(None, None, -1)), timestamp=history.timestamp)
    np.testing.assert_allclose(joined(vectors, inputs_of(backwards, artist=artist)).vectors, found.vectors, atol=1e-5)
    lengths = np.linalg.norm(vectors[:, :-1], axis=1)
    assert (np.linalg.norm(found.vectors[found.rows, :-1], axis=1) <= lengths.max() * (1 + 1e-5)).all()


def test_a_new_item_of_a_planted_world_finds_its_side() -> None:
    """Even listeners hear even items, each in one sitting that lasts; two items are new."""
    history = checkerboard(20)
    history = replace(history, session=history.user.astype(np.int64))
    vectors = np.zeros((20, 3), np.float32)
    vectors[::2, 0], vectors[1::2, 1] = 1.0, 1.0
    vectors += np.random.default_rng(0).normal(size=vectors.shape).astype(np.float32) * 0.2
    frozen = np.delete(vectors, [18, 19], axis=0)
    found = joined(frozen, inputs_of(history))
    even, odd = np.array([[1.0, 0.0]] * 2), np.array([[0.0, 1.0]] * 2)
    assert (cosines(found.vectors[[18, 18], :2], even) > 0.9).all()
    assert (cosines(found.vectors[[19, 19], :2], odd) > 0.9).all()


def test_a_catalogue_that_has_lost_items_is_refused() -> None:
    with pytest.raises(BadInput, match="knows 3 items and the catalogue has 2; restore the catalogue"):
        joined(KNOWN, inputs_of(history_of([(0, 1, 1.0)])))
