"""Drift: what was planted is found on its day and in its feature, and a stable world stays quiet."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.catalog.columns import ItemColumns, Playlists
from palate.core.home import Home
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs
from palate.embeddings.space import Spaces
from palate.jobs.daily import Days, chance, days_between
from palate.jobs.drift import ALARM, REFERENCE_DAYS, compared, drift, drift_of
from palate.jobs.inputs import gather
from palate.jobs.readable import Readable
from palate.listening.history import History

DAY = 86_400.0
START = 20_000 * DAY  # a midnight
USERS, ITEMS = 60, 90


def stable(days: int, seed: int = 0, a_day: int = 200) -> Inputs:
    """Plays without a trend: a third of the items are episodes, most hearing is in the evening, a fifth is skipped."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(a_day, days)
    n = int(counts.sum())
    hour = rng.normal(18.0, 3.0, n) % 24
    timestamp = START + np.repeat(np.arange(days), counts) * DAY + hour * 3600.0
    timestamp[[0, -1]] = START, START + days * DAY - 1.0
    history = History(
        user=rng.integers(0, USERS, n).astype(np.int32),
        item=rng.integers(0, ITEMS, n).astype(np.int32),
        timestamp=timestamp,
        event=np.where(rng.random(n) < 0.2, Event.SKIP, Event.PLAY).astype(np.uint8),
        seconds_played=np.full(n, np.nan, np.float32),
        duration_seconds=np.full(n, np.nan, np.float32),
        session=np.arange(n),
        users=[f"u{row}" for row in range(USERS)],
        n_items=ITEMS,
    )
    columns = replace(ItemColumns.unknown(ITEMS), kind=(np.arange(ITEMS) % 3 == 0).astype(np.uint8))
    return in_order(Inputs(history, Playlists.none(), columns))


def in_order(inputs: Inputs) -> Inputs:
    return replace(inputs, history=inputs.history.take(np.argsort(inputs.history.timestamp, kind="stable")))


def since(inputs: Inputs, day: int) -> np.ndarray:
    """(n,) which listens are of that day and later."""
    return inputs.history.timestamp >= START + day * DAY


BEFORE, ALL = 100, 110
MOMENT = START + BEFORE * DAY


def silent(inputs: Inputs) -> Inputs:
    return replace(
        inputs, history=inputs.history.take(~since(inputs, BEFORE + 5) | (np.arange(len(inputs.history)) % 4 == 0))
    )


def skipping(inputs: Inputs) -> Inputs:
    late = since(inputs, BEFORE + 5) & (np.arange(len(inputs.history)) % 2 == 0)
    return replace(
        inputs, history=replace(inputs.history, event=np.where(late, Event.SKIP, inputs.history.event).astype(np.uint8))
    )


def by_morning(inputs: Inputs) -> Inputs:
    moved = np.where(since(inputs, BEFORE + 5), 0.5 * DAY, 0.0)
    midnight = inputs.history.timestamp // DAY * DAY
    turned = midnight + (inputs.history.timestamp - midnight + moved) % DAY
    turned[-1] = inputs.history.timestamp[-1]
    return in_order(replace(inputs, history=replace(inputs.history, timestamp=turned)))


def of_one_kind(inputs: Inputs) -> Inputs:
    item = np.where(since(inputs, BEFORE + 5), inputs.history.item // 3 * 3, inputs.history.item)
    return replace(inputs, history=replace(inputs.history, item=item.astype(np.int32)))


def by_strangers(inputs: Inputs) -> Inputs:
    """A third of the listeners of the last days were never here before."""
    user = inputs.history.user
    user = np.where(since(inputs, BEFORE + 5) & (user % 3 == 0), user + USERS, user).astype(np.int32)
    users = [f"u{row}" for row in range(2 * USERS)]
    return replace(inputs, history=replace(inputs.history, user=user, users=users))


def of_new_items(inputs: Inputs) -> Inputs:
    item = inputs.history.item
    item = np.where(since(inputs, BEFORE + 5) & (item % 2 == 0), item + ITEMS, item).astype(np.int32)
    columns = replace(ItemColumns.unknown(2 * ITEMS), kind=np.tile(inputs.columns.kind, 2))
    return replace(inputs, history=replace(inputs.history, item=item, n_items=2 * ITEMS), columns=columns)


@pytest.mark.parametrize(
    ("plant", "feature"),
    [
        (silent, "listens"), (skipping, "skips"), (by_morning, "hours"), (of_one_kind, "kinds"),
        (by_strangers, "newcomers"), (of_new_items, "new items"),
    ],
)  # fmt: skip
def test_a_planted_shift_is_found_where_it_is_and_from_its_day_on(plant, feature: str) -> None:
    quiet = drift(stable(ALL), MOMENT, label="taste@1")
    assert (quiet.alarming, any(quiet.alarmed), quiet.warning) == ([], False, "")
    found = drift(plant(stable(ALL)), MOMENT, label="taste@1")
    assert feature in found.alarming
    assert found.alarmed == [False] * 5 + [True] * 5
    assert feature in found.warning
    assert found.warning.startswith("what is heard has moved away from what taste@1 was trained on")
    told = {one.name: one for one in found.features}[feature]
    assert (told.alarms, told.deviation > ALARM) == (5, True)


@pytest.mark.parametrize("a_day", [30, 300])
def test_stable_days_hardly_ever_alarm(a_day: int) -> None:
    """Twelve logs without a trend, 28 days each: fewer than one day in a hundred, in all features together."""
    alarmed = [one for seed in range(12) for one in drift(stable(128, seed, a_day), START + 100 * DAY).alarmed]
    assert len(alarmed) == 12 * 28
    assert sum(alarmed) < 0.01 * len(alarmed)


@given(st.integers(0, 6), st.integers(0, 99))
def test_what_a_weekday_always_does_is_no_drift(weekday: int, seed: int) -> None:
    """Three times as much on one day of the week, before and after."""
    inputs = stable(ALL, seed, 60)
    day = (inputs.history.timestamp // DAY).astype(int)
    thrice = replace(
        inputs, history=inputs.history.take(np.repeat(np.arange(len(day)), np.where(day % 7 == weekday, 3, 1)))
    )
    assert not {"listens"} & set(drift(thrice, MOMENT).alarming)


def test_what_is_told_in_the_units_of_a_reader() -> None:
    found = {one.name: one for one in drift(stable(ALL), MOMENT).features}
    assert found["listens"].usual == pytest.approx(160, rel=0.1)
    assert found["skips"].usual == pytest.approx(0.2, abs=0.03)
    assert found["new items"].usual == pytest.approx(0.0, abs=0.01)
    assert 0.0 <= found["hours"].usual < 0.2
    assert set(found) == {"listens", "listeners", "skips", "new items", "newcomers", "kinds", "hours"}


def test_days_by_hand() -> None:
    """Two days: two plays of an old item by a known listener; then a skip, and a play of a new item by a stranger."""
    day = np.array([-40.0, 0.2, 0.4, 1.2, 1.3])
    inputs = stable(1)
    history = replace(
        inputs.history.take(slice(0, 5)), timestamp=START + day * DAY, user=np.array([0, 0, 0, 0, 1], np.int32),
        item=np.array([3, 3, 3, 3, 1], np.int32), event=np.array([Event.PLAY] * 3 + [Event.SKIP, Event.PLAY], np.uint8),
    )  # fmt: skip
    days = days_between(replace(inputs, history=history), START, START + 2.5 * DAY)
    assert days.starts.tolist() == [START, START + DAY]

    def root(part: int, whole: int) -> float:
        return float(np.arcsin(np.sqrt((part + 0.375) / (whole + 0.75))))

    expected = {
        "listens": [np.log(2), 0.0], "listeners": [0.0, 0.0], "skips": [root(0, 2), root(1, 2)],
        "new items": [root(0, 2), root(1, 1)], "newcomers": [root(0, 1), root(1, 1)],
    }  # fmt: skip
    for name, values in expected.items():
        np.testing.assert_allclose(days.amounts[name], values, err_msg=name)
    np.testing.assert_array_equal(days.shapes["kinds"][:, :2], [[0, 2], [1, 0]])
    np.testing.assert_array_equal(days.shapes["hours"][:, [4, 7, 9]], [[1, 0, 1], [0, 1, 0]])
    unit = 1 / (8 * 4 * np.log(2))
    np.testing.assert_allclose(chance(np.array([[3.0, 1.0, 0.0]])), [[unit], [np.sqrt(2) * unit]])


def test_a_day_without_a_listen_has_no_numbers_and_does_not_stop_the_rest() -> None:
    inputs = stable(ALL)
    gone = (inputs.history.timestamp >= START + 104 * DAY) & (inputs.history.timestamp < START + 105 * DAY)
    found = drift(replace(inputs, history=inputs.history.take(~gone)), MOMENT)
    assert (found.days, found.alarmed) == (10, [False] * 10)
    json.dumps(found.to_json(), allow_nan=False)


def test_too_young_a_log_and_no_day_since_are_said() -> None:
    young = drift(stable(ALL), START + 20 * DAY, label="taste@1")
    assert young.table() == (
        "taste@1: 20 days were heard before its training and 21 are needed; nothing can be compared"
    )
    now = drift(stable(ALL), START + (ALL - 0.5) * DAY, label="taste@1")
    assert (now.days, now.alarming, now.warning) == (0, [], "")
    assert now.table() == "taste@1: no whole day was heard since its training; nothing to compare yet"
    assert drift(stable(1), START).reference == 0


def test_only_the_latest_days_are_looked_at_and_at_most_so_many_before() -> None:
    found = drift(stable(150), START + 100 * DAY)
    assert (found.reference, found.days, len(found.alarmed)) == (REFERENCE_DAYS, 28, 28)


def test_in_a_young_log_everything_is_new_so_that_says_nothing() -> None:
    found = drift(stable(60), START + 30 * DAY)
    assert (found.reference, found.alarming) == (30, [])
    assert {"skips", "hours"} <= {one.name for one in found.features}
    assert not {"new items", "newcomers"} & {one.name for one in found.features}


def test_tastes_that_turn_are_found() -> None:
    """Everything else is as it was: the mean taste of the last days points elsewhere, and is twice as long."""
    rng, starts = np.random.default_rng(0), START + np.arange(66) * DAY
    means = np.array([1.0, 0.0, 0.0]) + rng.normal(size=(66, 3)) * 0.02
    lengths = np.log(2.0) + rng.normal(size=66) * 0.02
    means[63:] = [0.7, 0.7, 0.0]
    lengths[63:] += np.log(2.0)

    def part(rows: slice) -> Days:
        return Days(starts[rows], {"taste length": lengths[rows]}, {}, {"taste direction": means[rows]}, {})

    found = compared(part(slice(0, 56)), part(slice(56, 66)), "taste@1")
    assert found.alarming == ["taste length", "taste direction"]
    assert found.alarmed == [False] * 7 + [True] * 3
    by_name = {one.name: one for one in found.features}
    assert by_name["taste length"].usual == pytest.approx(2.0, rel=0.05)
    assert by_name["taste direction"].latest == pytest.approx(np.pi / 4, abs=0.05)


def test_a_home_is_looked_at_with_the_tastes_of_its_live_version(trained: Home) -> None:
    at_the_end = drift_of(trained)
    assert (at_the_end.space, at_the_end.days) == ("taste@1", 0)
    inputs, space = gather(trained), Readable.of(Spaces(trained.spaces).live)
    found = drift(inputs, inputs.end - 10 * DAY, space)
    assert {"taste length", "taste direction"} <= {one.name for one in found.features}
    assert found.table().splitlines()[0] == "taste@1: 10 days since its training, against 56 days before it"
    assert drift(inputs, inputs.end - 10 * DAY, space).to_json() == found.to_json()
