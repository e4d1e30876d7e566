import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from palate.evaluation.baselines.scored import best, top


@given(
    scores=st.lists(st.lists(st.sampled_from([-np.inf, 0.0, 0.5, 1.0, 2.0]), min_size=6, max_size=6), min_size=1),
    n=st.integers(1, 8),
)
def test_top_is_a_full_sort_cut_short(scores: list[list[float]], n: int) -> None:
    slow = [sorted((-score, item) for item, score in enumerate(row) if score > -np.inf)[:n] for row in scores]
    expected = [[item for _, item in row] + [-1] * (n - len(row)) for row in slow]
    assert top(np.array(scores), n).tolist() == expected


def test_top_of_no_columns_is_padding() -> None:
    assert top(np.zeros((2, 0)), 3).tolist() == [[-1] * 3] * 2


def test_what_is_hidden_or_not_asked_for_does_not_appear() -> None:
    shown = np.broadcast_to(np.array([4.0, 3.0, 2.0, 1.0]), (2, 4))  # one row in memory, for both
    hidden = sparse.csr_array(np.array([[1, 0, 0, 0], [0, 0, 1, 0]]))
    assert best(lambda part: shown[part], 3, hidden).tolist() == [[1, 2, 3], [0, 1, 3]]
    only = np.array([True, True, True, False])
    assert best(lambda part: shown[part], 3, hidden, only).tolist() == [[1, 2, -1], [0, 1, -1]]
    assert shown.tolist() == [[4.0, 3.0, 2.0, 1.0]] * 2


@given(seed=st.integers(0, 10_000), n=st.integers(1, 12), distinct=st.integers(1, 400), hidden=st.floats(0.0, 1.0))
def test_top_of_many_columns_is_a_full_sort_cut_short(seed: int, n: int, distinct: int, hidden: float) -> None:
    """Wide enough that only the promising columns are sorted; with ties, and with rows of which little is left."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, distinct, (5, 400)).astype(np.float32)
    scores[rng.random(scores.shape) < hidden] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    expected = np.where(np.take_along_axis(scores, order, axis=1) > -np.inf, order, -1)
    np.testing.assert_array_equal(top(scores, n), expected)
