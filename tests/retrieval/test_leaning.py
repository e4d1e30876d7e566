"""Where marks lean a taste, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.embeddings.marks import NO_MARKS, Marks
from palate.retrieval.leaning import STRENGTH, lean_of, leaned

from .small import NOW, stock_of

STOCK = stock_of([[3, 0, 0.5], [0, 2, 0.1], [0, 0, 1.0]])  # directions (1, 0), (0, 1), none


def said(*marks: tuple[int, Event, float]) -> Marks:
    """(item, what, days before NOW)."""
    items, whats, ago = (np.array(column) for column in zip(*marks, strict=True))
    return NO_MARKS.plus(items, whats, NOW - ago * DAY_SECONDS)


@pytest.mark.parametrize(
    ("marks", "lean"),
    [
        (said((0, Event.MORE_LIKE, 0.0)), (1.0, 0.0)),
        (said((0, Event.MORE_LIKE, 14.0)), (0.5, 0.0)),
        (said((0, Event.MORE_LIKE, 0.0), (1, Event.LESS_LIKE, 0.0)), (0.5**0.5, -(0.5**0.5))),
        (said((2, Event.MORE_LIKE, 0.0)), (0.0, 0.0)),
        (said((7, Event.MORE_LIKE, 0.0)), (0.0, 0.0)),  # not in this stock
        (said((0, Event.HIDE, 0.0), (1, Event.NOT_NOW, 0.0)), (0.0, 0.0)),
    ],
)
def test_a_lean_by_hand(marks: Marks, lean: tuple[float, float]) -> None:
    np.testing.assert_allclose(lean_of(marks, NOW, STOCK), lean, atol=1e-6)


def test_a_taste_leans_by_half_its_length_and_popularity_stays() -> None:
    taste = np.array([2.0, 0.0, 0.3], np.float32)
    moved = leaned(taste, said((1, Event.MORE_LIKE, 0.0)), NOW, STOCK)
    np.testing.assert_allclose(moved, [2.0, 1.0, 0.3], atol=1e-6)
    assert taste.tolist() == pytest.approx([2.0, 0.0, 0.3])
    assert leaned(taste, NO_MARKS, NOW, STOCK) is taste


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([Event.MORE_LIKE, Event.LESS_LIKE]), st.floats(0, 99)), max_size=8
    )
)
def test_however_much_is_said_a_taste_leans_by_a_bounded_step(marks) -> None:
    taste = np.array([1.0, 1.0, 0.3], np.float32)
    moved = leaned(taste, said(*marks) if marks else NO_MARKS, NOW, STOCK)
    assert np.linalg.norm(moved - taste) <= STRENGTH * 2**0.5 + 1e-5
