"""A shortened curve keeps what a reader looks for: its ends, its lowest and its highest point."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from palate.lab.book import Series
from palate.lab.ui.curves import shortened

VALUES = st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=200)


def series(values):
    return Series(
        "loss", [3 * step for step in range(len(values))], [100.0 + step for step in range(len(values))], values
    )


def test_a_spike_among_ten_thousand_points_stays():
    values = [1.0] * 10_000
    values[4_321], values[8_765] = 9.0, -9.0
    told = shortened(series(values), 100)
    kept = dict(zip(told["steps"].tolist(), told["values"].tolist(), strict=True))
    assert (kept[3 * 4_321], kept[3 * 8_765]) == (9.0, -9.0)
    assert len(kept) <= 100
    assert told["count"] == 10_000


@given(VALUES, st.integers(4, 60))
def test_ends_and_extremes_stay_in_order(values, most):
    told = shortened(series(values), most)
    steps = told["steps"].tolist()
    assert len(steps) == len(told["values"]) == len(told["seconds"]) <= max(most, 0)
    assert steps == sorted(set(steps))
    if values:
        assert (steps[0], steps[-1]) == (0, 3 * (len(values) - 1))
        assert told["seconds"][0] == 0
    finite = [value for value in values if np.isfinite(value)]
    if finite:
        kept = told["values"][np.isfinite(told["values"])]
        assert (kept.min(), kept.max()) == (min(finite), max(finite))


def test_a_short_curve_stays_as_it_is():
    assert shortened(series([1.0, 2.0]))["values"].tolist() == [1.0, 2.0]
    assert shortened(series([]))["steps"].tolist() == []
