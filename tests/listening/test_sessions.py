"""Sessions: the cut, checked against listens whose sittings are known and against a slow definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.listening.sessions import SessionSettings, cut_sessions, sessions_of


def test_half_an_hour_still_belongs_and_more_does_not() -> None:
    user = np.array([0, 1, 0, 0, 1], np.int32)
    timestamp = np.array([0.0, 5.0, 1_800.0, 3_600.5, 4_000.0])
    first, other, second, later, gone = cut_sessions(user, timestamp).tolist()
    assert first == second
    assert len({first, other, later, gone}) == 4


def test_the_gap_is_a_setting() -> None:
    user, timestamp = np.zeros(3, np.int32), np.array([0.0, 50.0, 120.0])
    assert cut_sessions(user, timestamp, SessionSettings(gap_seconds=60.0)).tolist() == [0, 0, 1]
    with pytest.raises(ValueError, match="must be above 0"):
        SessionSettings(gap_seconds=0.0)


def test_no_listens_have_no_sessions() -> None:
    assert len(cut_sessions(np.empty(0, np.int32), np.empty(0))) == 0


def test_named_sessions_stay_and_the_rest_is_cut() -> None:
    user, timestamp = np.zeros(4, np.int32), np.array([0.0, 1.0, 2.0, 9_000.0])
    sessions = sessions_of(user, timestamp, np.array([0, -7, 0, 0]))
    assert sessions.tolist() == [0, -7, 0, 1]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20_000)), max_size=60))
def test_equal_to_walking_through_each_listener(rows: list[tuple[int, int]]) -> None:
    rows.sort(key=lambda row: row[1])
    user, timestamp = np.array([u for u, _ in rows], np.int32), np.array([t for _, t in rows], np.float64)
    sessions = cut_sessions(user, timestamp).tolist()
    last: dict[int, tuple[int, int]] = {}
    for (u, t), session in zip(rows, sessions, strict=True):
        if u in last:
            assert (session == last[u][1]) == (t - last[u][0] <= 1_800)
        last[u] = (t, session)
    owners = {(u, s) for (u, _), s in zip(rows, sessions, strict=True)}
    assert len(owners) == len(set(sessions))
