"""How much, when and how: numbers of the record and coordinates of the taste, known by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS, HOUR_SECONDS
from palate.core.errors import Corrupt
from palate.core.listens import Event
from palate.embeddings.bulk import build_records
from palate.embeddings.encoder import Encoder, feature_count, features, with_gap, without_gap
from palate.embeddings.habits import CHOICES, EVER, HABITS, LEAST_DIM, NAMES, SCALES, SKIPS, habit_count
from palate.embeddings.records import UserRecord
from palate.listening.history import History
from palate.testing.strategies import histories

from .worlds import assert_same_record, folded, history_of, made_up_items, with_event

DAY, HOUR, N = DAY_SECONDS, HOUR_SECONDS, len(HABITS)
LEARNT = 4  # coordinates that are not habits
DIM = LEARNT + N
VECTORS, KINDS_OF_ITEMS = made_up_items(6, DIM)


def encoder(seed: int = 0) -> Encoder:
    """As the student leaves it: it reads records of DIM and says LEARNT coordinates."""
    weights = np.random.default_rng(seed).normal(size=(feature_count(DIM), LEARNT)).astype(np.float32)
    return Encoder(weights, 0.7)


def listened(
    record: UserRecord, item: int, moment: float, kind: int = 0, skip: bool = False, play: bool = True
) -> None:
    record.add(item, kind, VECTORS[item], moment, 0.0 if skip else 1.0, skip, play)


def told(record: UserRecord, since: float = 0.0) -> dict[str, float]:
    """The habits of one record by name, before their scales."""
    found = features([record], DIM, habits_since=since)[0, -1 - N : -1]
    return dict(zip(NAMES, found.tolist(), strict=True))


def test_one_evening_by_hand() -> None:
    """At 18 h of day 10: item 1 twice, an episode saved and heard, item 3 skipped."""
    record, evening = UserRecord.empty(DIM), 10 * DAY + 18 * HOUR
    for _ in range(2):
        listened(record, 1, evening)
    listened(record, 2, evening, kind=1)
    listened(record, 2, evening, kind=1, play=False)
    listened(record, 3, evening, skip=True)
    found = told(record, since=9 * DAY)
    assert found == pytest.approx(
        {
            "plays_week": np.log(5), "plays_month": np.log(5), "plays_half_year": np.log(5), "plays_ever": np.log(5),
            "items_ever": np.log(4), "variety": np.log(4**2 / (2**2 + 2**2)), "latest": 1.75, "first": 1.75,
            "skips": 1 / 6, "choices": 1 / 5, "clock_cos": 0.0, "clock_sin": -3 / 4, "episodes": 2 / 5,
            "audiobooks": 0.0,
        },
        abs=1e-6,
    )  # fmt: skip


def test_half_a_year_halves_all_but_what_was_ever() -> None:
    record = UserRecord.empty(DIM)
    listened(record, 1, 6 * HOUR)
    listened(record, 2, 0.0, skip=True)
    listened(record, 3, 1 * HOUR, play=False)
    listened(record, 1, 182 * DAY)  # midnight
    assert record.first == 0.0
    assert record.habits[[EVER, SKIPS]].tolist() == [3.0, 0.5]
    assert record.habits[CHOICES] == pytest.approx(0.5 * 2 ** (1 / 24 / 182))
    heard = 1.0 + 0.5 * 2 ** (0.25 / 182)
    found = told(record)
    assert found["clock_cos"] == pytest.approx(1 / (heard + 1))
    assert found["clock_sin"] == pytest.approx((heard - 1) / (heard + 1))
    assert (found["latest"], found["first"]) == (182.0, 0.0)


def test_a_stranger_has_no_habits() -> None:
    assert set(told(UserRecord.empty(DIM), since=5e8).values()) == {0.0}


def test_many_different_items_are_more_variety_than_one_again_and_again() -> None:
    same, other = UserRecord.empty(DIM), UserRecord.empty(DIM)
    for item in range(1, 5):
        listened(same, 1, item * DAY)
        listened(other, item, item * DAY)
    assert told(same)["variety"] == pytest.approx(0.0, abs=1e-6)
    assert np.log(3.9) < told(other)["variety"] < np.log(4)


@given(histories(n_users=3), st.floats(-1e9, 1e9))
def test_every_habit_is_finite_and_the_rest_of_a_taste_does_not_change(history: History, since: float) -> None:
    plain = encoder()
    wide = plain.with_habits(since)
    for record in [UserRecord.empty(DIM), *folded(history, VECTORS, KINDS_OF_ITEMS).values()]:
        with_them, without = wide.encode([record])[0], features([record], DIM, 0.7)[0] @ plain.weights
        assert np.isfinite(with_them).all()
        np.testing.assert_allclose(np.delete(with_them, list(wide.habits.values())), without, rtol=1e-5, atol=1e-5)
        columns = list(wide.habits.values())
        np.testing.assert_allclose(
            with_them[columns], SCALES * list(told(record, since).values()), rtol=1e-5, atol=1e-6
        )


@given(histories(n_users=1), st.integers(-1_000, 1_000))
def test_only_when_depends_on_when(history: History, days: int) -> None:
    """The same listens some days later: another `latest` and `first`, and nothing else."""
    later = replace(history, timestamp=history.timestamp + days * DAY)
    one, two = (folded(each, VECTORS, KINDS_OF_ITEMS) for each in (history, later))
    for user, record in one.items():
        before, after = told(record), told(two[user])
        moved = days if np.isfinite(record.at) else 0  # who only ever hid something did it at no moment
        for name in ("latest", "first"):
            assert after.pop(name) == pytest.approx(before.pop(name) + moved, abs=1e-2)
        assert after == pytest.approx(before, abs=1e-4)


def test_saves_are_choices_online_and_offline() -> None:
    history = with_event(history_of([(0, 1, 1.0), (0, 2, 2.0)]), 1, Event.SAVE)
    ((_, record),) = build_records(history, VECTORS, KINDS_OF_ITEMS)
    assert record.habits[[EVER, CHOICES]].tolist() == [2.0, 1.0]
    assert_same_record(record, folded(history, VECTORS, KINDS_OF_ITEMS)[0])


def old_bytes(record: UserRecord) -> bytes:
    """What `pack` wrote before there were habits: format 1. Nothing could be hidden then."""
    shown = record.copy()
    shown.marks = UserRecord.empty(record.dim).marks
    new = shown.pack()
    return np.int32(1).tobytes() + new[4:24] + new[24 + 8 * (1 + len(record.habits)) :]


@given(histories(n_users=1))
def test_a_record_of_format_1_is_read_and_its_habits_are_made_up(history: History) -> None:
    for record in folded(history, VECTORS, KINDS_OF_ITEMS).values():
        back = UserRecord.unpack(old_bytes(record))
        for name in ("items", "plays", "skips", "last", "heard", "heard_last"):
            np.testing.assert_array_equal(getattr(back, name), getattr(record, name))
        assert back.habits[EVER] == record.habits[EVER]
        assert record.first <= back.first
        assert back.first <= record.at or not len(record.items)  # who only ever hid something did it at no moment
        assert (back.habits[[SKIPS, CHOICES]] >= record.habits[[SKIPS, CHOICES]] - 1e-9).all(), "nothing is older"
        assert UserRecord.unpack(back.pack()).habits.tolist() == back.habits.tolist()


def test_a_record_of_format_1_with_one_event_an_item_loses_nothing() -> None:
    record = UserRecord.empty(DIM)
    listened(record, 1, 6 * HOUR)
    listened(record, 2, 7 * DAY, skip=True)
    listened(record, 3, 90 * DAY, play=False)
    assert_same_record(UserRecord.unpack(old_bytes(record)), record, tolerance=1e-6)


def test_habits_are_found_by_name_and_their_columns_come_before_popularity(tmp_path) -> None:
    plain = encoder()
    wide = plain.with_habits(3.5)
    assert (plain.habits, plain.factors, wide.factors, wide.dim) == ({}, LEARNT - 1, LEARNT - 1, DIM)
    assert list(wide.habits) == list(NAMES)
    assert list(wide.habits.values()) == list(range(LEARNT - 1, DIM - 1))
    wide.save(tmp_path / "encoder.npz")
    back = Encoder.load(tmp_path / "encoder.npz")
    assert (back.habits_since, back.count_power) == (3.5, plain.count_power)
    np.testing.assert_array_equal(back.weights, wide.weights)
    np.testing.assert_array_equal(wide.without_habits().weights, plain.weights)


def test_an_encoder_with_other_habits_than_ours_is_refused(tmp_path) -> None:
    wide = encoder().with_habits(0.0)
    replace(wide, weights=wide.weights[1:]).save(tmp_path / "encoder.npz")
    with pytest.raises(Corrupt, match=r"encoder\.npz has .* features"):
        Encoder.load(tmp_path / "encoder.npz")


def test_a_gap_is_zeros_before_the_last_coordinate() -> None:
    vectors = np.array([[1.0, 2.0, 3.0]], np.float32)
    assert with_gap(vectors, 2).tolist() == [[1.0, 2.0, 0.0, 0.0, 3.0]]
    np.testing.assert_array_equal(without_gap(with_gap(vectors, 2), 2), vectors)
    assert with_gap(vectors, 0) is vectors


def test_narrow_spaces_have_none() -> None:
    assert (habit_count(LEAST_DIM - 1), habit_count(LEAST_DIM), habit_count(128)) == (0, N, N)
