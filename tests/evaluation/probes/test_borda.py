"""The Borda count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.evaluation.probes.borda import borda, normalised

tables = st.integers(1, 5).flatmap(
    lambda m: st.lists(st.lists(st.integers(0, 3), min_size=m, max_size=m), min_size=1, max_size=6)
)


def test_the_best_of_three_gets_two_points_and_ties_share() -> None:
    assert borda(np.array([[0.7, 0.6, 0.5]])).tolist() == [2.0, 1.0, 0.0]
    assert borda(np.array([[0.7, 0.6, 0.6]])).tolist() == [2.0, 1 / 2, 1 / 2]
    assert borda(np.array([[0.6, 0.6, 0.6]])).tolist() == [1.0, 1.0, 1.0]


def test_a_missing_score_gets_nothing_and_is_beaten() -> None:
    assert borda(np.array([[0.7, np.nan, 0.5]])).tolist() == [2.0, 0.0, 1.0]
    assert borda(np.array([[np.nan, np.nan]])).tolist() == [0.0, 0.0]


@given(tables)
def test_every_task_shares_out_the_same_points_whatever_its_scale(rows: list[list[int]]) -> None:
    scores = np.array(rows, float)
    tasks, m = scores.shape
    assert borda(scores).sum() == tasks * m * (m - 1) / 2
    assert borda(np.exp(scores) * 7).tolist() == borda(scores).tolist()
    assert borda(np.stack([scores, scores[:, ::-1]])).tolist() == [borda(scores).tolist(), borda(scores)[::-1].tolist()]


def test_normalised() -> None:
    assert normalised(np.array([4.0, 2.0, 0.0]), n_tasks=2).tolist() == [1.0, 0.5, 0.0]
    assert np.isnan(normalised(np.array([0.0]), n_tasks=2)).all()
    assert np.isnan(normalised(np.zeros(3), n_tasks=0)).all()
    assert borda(np.zeros((0, 3))) == pytest.approx([0.0, 0.0, 0.0])
