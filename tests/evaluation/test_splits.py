import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput, BadSettings
from palate.core.settings import Settings
from palate.evaluation.splits import DISCOVER, NEXT, EvalSettings, Targets, Window, planned, split, windows

from .worlds import history_of, random_history, skipped_at


def as_dict(targets: Targets) -> dict[int, list[int]]:
    bounds = zip(targets.users, targets.indptr[:-1], targets.indptr[1:], strict=True)
    return {int(user): targets.items[first:last].tolist() for user, first, last in bounds}


def test_the_latest_window_ends_with_the_log() -> None:
    history = history_of([(0, 0, 0.0), (0, 0, 200.0)])
    used = windows(history, EvalSettings(windows=3))
    assert [window.end for window in used] == [history.end - back * 28 * DAY_SECONDS for back in (2, 1, 0)]
    assert all(window.end - window.start == 7 * DAY_SECONDS for window in used)


def test_windows_with_too_little_log_before_them_are_dropped_and_named() -> None:
    history = history_of([(0, 0, 0.0), (0, 0, 100.0)])  # starts after about 9, 37, 65 and 93 days
    used, dropped = planned(history, EvalSettings(windows=4))
    assert [round(window.start / DAY_SECONDS) for window in used] == [65, 93]
    assert [round(window.start / DAY_SECONDS) for window in dropped] == [9, 37]


@pytest.mark.parametrize("plays", [[], [(0, 0, 0.0), (0, 0, 60.0)]])
def test_a_log_too_short_for_one_window_says_how_long_it_must_be(plays: list[tuple[int, int, float]]) -> None:
    with pytest.raises(BadInput, match="needs 63"):
        windows(history_of(plays), EvalSettings())


def test_targets_by_hand() -> None:
    before = [(0, item, 10.0 + item) for item in range(5)] + [(1, 5, 20.0)] * 5 + [(2, 5, 21.0)]
    after = [
        (0, 4, 80.0),  # heard before: only next
        (0, 5, 81.0),  # new to this listener
        (0, 5, 82.0),  # again: targets are distinct
        (0, 6, 83.0),  # nobody heard it before: no target
        (1, 5, 80.0),  # nothing but a re-listen: not in discover
        (2, 0, 80.0),  # one play in train: left out
        (0, 0, 87.5),  # after the window
    ]
    window = Window(80.0 * DAY_SECONDS, 87.0 * DAY_SECONDS)
    part = split(history_of(before + after), window, EvalSettings())
    assert as_dict(part.tasks[NEXT]) == {0: [4, 5], 1: [5]}
    assert as_dict(part.tasks[DISCOVER]) == {0: [5]}
    assert part.catalogue.tolist() == [0, 1, 2, 3, 4, 5]
    assert len(part.train) == len(before)


def test_skips_are_neither_evidence_nor_target() -> None:
    history = history_of([(0, 0, float(day)) for day in range(6)] + [(0, 1, 10.0), (0, 0, 80.0), (0, 1, 80.5)])
    window = Window(80.0 * DAY_SECONDS, 87.0 * DAY_SECONDS)
    assert as_dict(split(history, window, EvalSettings()).tasks[NEXT]) == {0: [0, 1]}
    skipped = skipped_at(history, [6, 7])  # item 1 before the window, item 0 in it
    part = split(skipped, window, EvalSettings())
    assert part.catalogue.tolist() == [0]
    assert as_dict(part.tasks[NEXT]) == {}


@given(seed=st.integers(0, 1000), min_train_plays=st.integers(1, 60))
def test_every_target_was_earned(seed: int, min_train_plays: int) -> None:
    history = random_history(seed)
    settings = EvalSettings(windows=1, min_train_plays=min_train_plays)
    window = windows(history, settings)[0]
    part = split(history, window, settings)
    before, after = history.until(window.start).heard(), history.between(window.start, window.end).heard()
    known, later = set(zip(before.user, before.item, strict=True)), set(zip(after.user, after.item, strict=True))
    active = {user for user in range(30) if (before.user == user).sum() >= min_train_plays}
    expected = {(user, item) for user, item in later if user in active and item in set(before.item.tolist())}
    for task, wanted in ((NEXT, expected), (DISCOVER, expected - known)):
        found = {(user, item) for user, items in as_dict(part.tasks[task]).items() for item in items}
        assert found == {(int(user), int(item)) for user, item in wanted}
        assert (np.diff(part.tasks[task].indptr) > 0).all()
    assert part.train.timestamp.max() < window.start


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({"windows": 0}, "at least 1"),
        ({"horizon_days": 30.0}, "target twice"),
        ({"k": [100, 10]}, "ascending"),
        ({"window": 3}, "choose from"),
    ],
)
def test_impossible_settings_are_refused(table: dict[str, object], what: str) -> None:
    with pytest.raises(BadSettings, match=what):
        Settings({"eval": table}).section(EvalSettings)
