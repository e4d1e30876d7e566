import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.evaluation.comparison import FLIPS, holm, p_values


def p_of(differences: list[float], rows: list[int], windows: list[int] | None = None) -> float:
    columns = np.array(differences)[:, None]
    return float(p_values(columns, rows, windows or [0] * len(rows), seed=0)[0])


def test_four_listeners_who_agree_can_be_chance() -> None:
    """Of 16 ways to flip four equal differences, two are as far from 0: p = 2 / 16."""
    assert p_of([0.1, 0.1, 0.1, 0.1], [0, 1, 2, 3]) == pytest.approx(2 / 16, abs=0.015)


def test_a_listener_with_many_rows_is_one_listener() -> None:
    assert p_of([0.1] * 40, [0, 1, 2, 3] * 10) == pytest.approx(2 / 16, abs=0.015)


def test_many_listeners_who_agree_are_no_chance() -> None:
    assert p_of([0.1] * 40, list(range(40))) == 1 / (FLIPS + 1)


def test_no_difference_at_all_is_certain_chance_and_no_rows_say_nothing() -> None:
    assert p_of([0.0, 0.0], [0, 1]) == 1.0
    assert np.isnan(p_values(np.zeros((0, 2)), [], [], 0)).all()


def test_under_chance_every_p_is_as_likely() -> None:
    rng = np.random.default_rng(0)
    differences = rng.standard_normal((60, 400))
    p = p_values(differences, np.arange(60), np.repeat([0, 1], 30), seed=1)
    for level in (0.05, 0.2, 0.5):
        assert (p <= level).mean() == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 400))


def test_windows_weigh_the_same() -> None:
    """One listener with a large window of her own weighs as much as the others of the small one together."""
    alone = p_of([1.0] + [-1.0] * 3, [0, 1, 2, 3], [0, 1, 1, 1])
    together = p_of([1.0] + [-1.0] * 3, [0, 1, 2, 3], [0, 0, 0, 0])
    assert alone == 1.0  # 1 / 2 - 3 / 6 is nothing
    assert together < 1.0


@given(st.lists(st.floats(0.0001, 1.0), min_size=1, max_size=12))
def test_holm_by_its_definition(p: list[float]) -> None:
    corrected = holm(p)
    for value, raised in zip(p, corrected, strict=True):
        smaller = [other * sum(each >= other for each in p) for other in p if other <= value]
        assert raised == pytest.approx(min(1.0, max(smaller)))
        assert raised >= value
