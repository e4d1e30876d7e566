import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.catalog.columns import ItemColumns
from palate.core.clock import DAY_SECONDS, HOUR_SECONDS
from palate.core.errors import BadInput, BadSettings
from palate.core.settings import Settings
from palate.evaluation.splits import EvalSettings, Window, planned, split, windows

from .worlds import history_of, inputs_of, playlists_of, random_history


def test_the_latest_window_ends_with_the_log() -> None:
    inputs = inputs_of(history_of([(0, 0, 0.0), (0, 0, 200.0)]))
    used = windows(inputs, EvalSettings(windows=3))
    assert [window.end for window in used] == [inputs.end - back * 28 * DAY_SECONDS for back in (2, 1, 0)]
    assert all(window.end - window.start == 7 * DAY_SECONDS for window in used)
    assert all(window.start - window.at == HOUR_SECONDS / 2 for window in used)


def test_windows_with_too_little_log_before_them_are_dropped_and_named() -> None:
    inputs = inputs_of(history_of([(0, 0, 0.0), (0, 0, 100.0)]))  # windows after about 9, 37, 65 and 93 days
    used, dropped = planned(inputs, EvalSettings(windows=4))
    assert [round(window.start / DAY_SECONDS) for window in used] == [65, 93]
    assert [round(window.start / DAY_SECONDS) for window in dropped] == [9, 37]


@pytest.mark.parametrize("plays", [[], [(0, 0, 0.0), (0, 0, 60.0)]])
def test_a_log_too_short_for_one_window_says_how_long_it_must_be(plays: list[tuple[int, int, float]]) -> None:
    with pytest.raises(BadInput, match="needs 63"):
        windows(inputs_of(history_of(plays)), EvalSettings())


def test_a_home_of_playlists_alone_is_cut_by_their_dates() -> None:
    inputs = inputs_of(history_of([], n_users=1, n_items=9), playlists_of([(0, 1, 10.0), (0, 2, 90.0), (0, 3, 110.0)]))
    used, _ = planned(inputs, EvalSettings(windows=2))
    assert used[-1].end == 110.0 * DAY_SECONDS + 1.0
    part = split(inputs, used[-1])
    assert (part.known.playlists.item.tolist(), part.added.item.tolist()) == ([1, 2], [3])


def test_what_happens_in_the_gap_is_seen_by_nobody() -> None:
    history = history_of([(0, 0, 10.0), (0, 1, 79.99), (0, 2, 80.0), (0, 3, 87.0)])
    window = Window(at=79.98 * DAY_SECONDS, start=80.0 * DAY_SECONDS, end=87.0 * DAY_SECONDS)
    part = split(inputs_of(history), window)
    assert part.known.history.item.tolist() == [0]
    assert part.following.item.tolist() == [2]
    assert part.catalogue.tolist() == [0]
    assert part.heard.tolist() == [0]


def test_what_is_known_cannot_be_written_to() -> None:
    columns = ItemColumns.unknown(40)
    inputs = inputs_of(random_history(3), playlists_of([(0, 1, 10.0)]), columns)
    part = split(inputs, windows(inputs, EvalSettings(windows=1))[0])
    for array in (part.known.history.item, part.known.playlists.added, part.known.columns.artist):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    inputs.history.item[0] += 0  # the original stays its owner's


@given(seed=st.integers(0, 1000), gap=st.floats(0.0, 20.0))
def test_nothing_is_on_both_sides(seed: int, gap: float) -> None:
    inputs = inputs_of(random_history(seed))
    for window in windows(inputs, EvalSettings(windows=2, gap_hours=gap)):
        part = split(inputs, window)
        assert part.known.history.timestamp.max() < window.at <= window.start
        assert part.following.timestamp.min(initial=window.start) >= window.start
        assert part.following.timestamp.max(initial=window.start) < window.end
        assert np.isin(part.heard % part.n_items, part.catalogue).all()
        assert part.plays.sum() == len(part.known.history.heard())


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({"windows": 0}, "at least 1"),
        ({"seeds": 0}, "at least 1"),
        ({"horizon_days": 30.0}, "target twice"),
        ({"horizon_days": 28.0}, "target twice"),  # the gap has to fit as well
        ({"gap_hours": -1.0}, "gap_hours"),
        ({"k": [100, 10]}, "ascending"),
        ({"window": 3}, "choose from"),
    ],
)
def test_impossible_settings_are_refused(table: dict[str, object], what: str) -> None:
    with pytest.raises(BadSettings, match=what):
        Settings({"eval": table}).section(EvalSettings)
