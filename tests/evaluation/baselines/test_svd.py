import numpy as np

from palate.evaluation.baselines import PureSvd

from ..worlds import history_of, inputs_of
from .asking import AT, lists


def test_scores_are_the_projection_on_the_singular_vectors() -> None:
    plays = [(0, 0, 1.0), (0, 1, 2.0), (1, 0, 3.0), (1, 1, 4.0), (1, 2, 5.0), (2, 2, 6.0), (2, 3, 7.0), (2, 3, 8.0)]
    matrix = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 1]], float)  # a play more makes no difference
    _, _, right = np.linalg.svd(matrix)
    expected = matrix @ right[:2].T @ right[:2]
    fitted = PureSvd(dim=2).fit(inputs_of(history_of(plays)), AT)
    np.testing.assert_allclose(fitted.scores(np.arange(3, dtype=np.int32)), expected, atol=1e-6)
    np.testing.assert_allclose(fitted.item_vectors @ fitted.item_vectors.T, right[:2].T @ right[:2], atol=1e-6)


def test_a_listener_gets_what_her_like_play() -> None:
    plays = [(user, item, 1.0) for user in range(8) for item in range(4) if (user < 4) == (item < 2)]
    known = inputs_of(history_of([play for play in plays if play != (0, 1, 1.0)]))
    assert lists(PureSvd(dim=2), known, [0], n=1, exclude_heard=True) == [[1]]
