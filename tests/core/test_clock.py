import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.clock import PAUSE_SECONDS, Calendar, Clock, calendar_of

moments = st.floats(0.0, 4e9)


@st.composite
def calendars(draw):
    """Calendars whose pauses are ascending and disjoint: sorted moments, taken two by two."""
    edges = sorted(draw(st.lists(moments, max_size=8, unique=True)))
    return Calendar(tuple(zip(edges[::2], edges[1::2], strict=False)))


def test_without_pauses_home_time_is_unix_time():
    assert Calendar().home_time(1_700_000_000.0) == 1_700_000_000.0


def test_a_pause_is_cut_out():
    calendar = Calendar(((100.0, 150.0), (200.0, 230.0)))
    before, at_start, inside, at_end, between, after = 90.0, 100.0, 120.0, 150.0, 160.0, 300.0
    assert calendar.home_time(before) == 90.0
    assert [calendar.home_time(t) for t in (at_start, inside, at_end)] == [100.0, 100.0, 100.0]
    assert calendar.home_time(between) == 160.0 - 50.0
    assert calendar.home_time(after) == 300.0 - 50.0 - 30.0


def test_many_moments_equal_one_at_a_time_and_the_input_is_left_alone():
    calendar = Calendar(((100.0, 150.0),))
    timestamps = np.array([[90.0, 100.0], [149.0, 160.0]])
    assert calendar.home_times(timestamps).tolist() == [[90.0, 100.0], [100.0, 110.0]]
    assert timestamps.tolist() == [[90.0, 100.0], [149.0, 160.0]]


@given(calendars(), st.lists(moments, max_size=20))
def test_batch_equals_single(calendar, timestamps):
    single = [calendar.home_time(timestamp) for timestamp in timestamps]
    np.testing.assert_allclose(calendar.home_times(np.array(timestamps, np.float64)), single, rtol=0, atol=1e-5)


@given(calendars(), moments, moments)
def test_time_never_runs_backwards_nor_faster_than_the_wall(calendar, one, other):
    earlier, later = sorted((one, other))
    passed = calendar.home_time(later) - calendar.home_time(earlier)
    assert -1e-5 <= passed <= later - earlier + 1e-5


@given(calendars())
def test_a_pause_lasts_no_time(calendar):
    for start, end in calendar.pauses:
        assert calendar.home_time(start) == pytest.approx(calendar.home_time(end), abs=1e-5)


def test_a_pause_leaves_earlier_moments_where_they_were():
    before, after = Calendar(), Calendar(((1_000.0, 1_000.0 + PAUSE_SECONDS),))
    assert after.home_time(999.0) == before.home_time(999.0)


def test_the_clock_reads_its_wall_in_home_time():
    assert Clock(Calendar(((100.0, 150.0),)), wall=lambda: 160.0).now() == 110.0


def test_stored_pauses_may_come_in_any_order():
    assert calendar_of([(200, 230), (100, 150)]) == Calendar(((100.0, 150.0), (200.0, 230.0)))
    assert calendar_of([]) == Calendar()
