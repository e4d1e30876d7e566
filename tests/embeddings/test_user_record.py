"""The user record: small sums, exact inverses, any order of arrival."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput, Corrupt
from palate.core.listens import Event
from palate.embeddings.habits import CLOCK_COS, SUMS
from palate.embeddings.marks import NO_MARKS
from palate.embeddings.records import HALF_LIVES_DAYS, UserRecord
from palate.testing.strategies import histories

from .worlds import EXACT, assert_same_record, folded, made_up_items, seen_from

DAY = DAY_SECONDS
A, B = np.array([1.0, 2.0], np.float32), np.array([3.0, -4.0], np.float32)
VECTORS, KINDS_OF_ITEMS = made_up_items(6)

Listen = tuple[int, float, bool]  # item row, seconds since the start, is it a skip
# Half a year is two times 13 weeks: late events may be many half-lives old.
listens = st.tuples(st.integers(0, 5), st.integers(0, 182 * 86_400).map(float), st.booleans())


def add(record: UserRecord, listen: Listen, times: float = 1.0) -> None:
    item, moment, skip = listen
    kind, vector = int(KINDS_OF_ITEMS[item]), VECTORS[item]
    (record.add if times > 0 else record.remove)(item, kind, vector, moment, 0.0 if skip else 1.0, skip)


def record_of(*sequence: Listen) -> UserRecord:
    record = UserRecord.empty(4)
    for listen in sequence:
        add(record, listen)
    return record


@pytest.mark.parametrize("late", [False, True], ids=["in time", "the first one arrives last"])
def test_two_listens_four_weeks_apart_by_hand(late: bool) -> None:
    record = UserRecord.empty(2)
    arriving: list[Callable[[], None]] = [
        lambda: record.add(7, 0, A, 100 * DAY, 1.0, False),
        lambda: record.add(3, 0, B, 128 * DAY, 1.0, False),
    ]
    for arrive in reversed(arriving) if late else arriving:
        arrive()
    week, month, half_year = 1 / 16, 1 / 2, 2 ** (-28 / 182)
    assert record.at == 128 * DAY
    assert record.counts[:, 0].tolist() == [1 + week, 1 + month, pytest.approx(1 + half_year, abs=EXACT)]
    assert record.sums[0, 0].tolist() == [1 / 16 + 3, 2 / 16 - 4]
    assert record.sums[1, 0].tolist() == [1 / 2 + 3, 2 / 2 - 4]
    assert record.sums[2, 0].tolist() == pytest.approx([half_year + 3, 2 * half_year - 4], abs=EXACT)
    assert not record.sums[:, 1:].any()
    assert not record.counts[:, 1:].any()
    assert (record.items.tolist(), record.plays.tolist(), record.skips.tolist()) == ([3, 7], [1, 1], [0, 0])
    assert (record.weights.tolist(), record.last.tolist()) == ([1.0, 1 / 2], [128 * DAY, 100 * DAY])


def test_each_kind_has_sums_of_its_own() -> None:
    record = UserRecord.empty(2)
    record.add(0, 0, A, 0.0, 1.0, False)
    record.add(1, 2, B, 0.0, 0.5, False)
    for half_life in range(len(HALF_LIVES_DAYS)):
        assert record.counts[half_life].tolist() == [1.0, 0.0, 0.5]
        assert record.sums[half_life].tolist() == [[1.0, 2.0], [0.0, 0.0], [1.5, -2.0]]


def test_a_skip_is_remembered_of_the_item_and_adds_nothing_to_the_sums() -> None:
    record = UserRecord.empty(2)
    record.add(5, 0, A, 0.0, 1.0, False)
    record.add(5, 0, A, 28 * DAY, 0.0, True)
    assert (record.plays.tolist(), record.skips.tolist(), record.weights.tolist()) == ([1], [1], [1 / 2])
    assert record.counts[1, 0] == 1 / 2
    assert (record.at, record.last.tolist()) == (28 * DAY, [28 * DAY])


def test_a_stranger_has_no_items_and_no_sums() -> None:
    record = UserRecord.empty(3)
    assert (record.at, record.dim, len(record.items)) == (-np.inf, 3, 0)
    assert record.sums.shape == (3, 3, 3)
    assert record.counts.shape == (3, 3)
    assert not record.sums.any()


@given(st.lists(listens, max_size=20).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_the_order_of_arrival_changes_nothing(sequences: tuple[list[Listen], list[Listen]]) -> None:
    assert_same_record(record_of(*sequences[0]), record_of(*sequences[1]))


@given(st.lists(listens, max_size=20), st.lists(listens, min_size=1, max_size=5), st.data())
def test_removing_what_was_added_is_as_if_it_had_never_happened(
    kept: list[Listen], taken_back: list[Listen], data: st.DataObject
) -> None:
    """Whatever arrives between. `at` and `last` only move forward, so both records are seen from one moment."""
    record = UserRecord.empty(4)
    for listen in data.draw(st.permutations(kept + taken_back)):
        add(record, listen)
    for listen in data.draw(st.permutations(taken_back)):
        add(record, listen, times=-1)
    expected = seen_from(record_of(*kept), record.at)
    assert_same_record(record, expected, last=False)
    assert (record.last >= expected.last).all()
    assert record.first <= expected.first


def test_removing_what_was_never_added_is_refused_and_changes_nothing() -> None:
    empty, record = UserRecord.empty(4), record_of((2, 10.0, False), (3, 10.0, True))
    before = record.copy()
    with pytest.raises(BadInput, match="no play of item row 2"):
        empty.remove(2, 0, VECTORS[2], 10.0, 1.0, False)
    for item, skip in ((1, False), (4, True), (2, True), (3, False)):
        with pytest.raises(BadInput, match=f"no {'skip' if skip else 'play'} of item row {item}"):
            add(record, (item, 10.0, skip), times=-1)
    assert_same_record(record, before, tolerance=0.0)
    assert_same_record(empty, UserRecord.empty(4), tolerance=0.0)


@given(st.lists(listens, max_size=12), st.lists(listens, max_size=12))
def test_merging_two_records_is_folding_both_histories(one: list[Listen], two: list[Listen]) -> None:
    first, second = record_of(*one), record_of(*two)
    copies = first.copy(), second.copy()
    assert_same_record(first.merge(second), record_of(*one, *two))
    assert_same_record(second.merge(first), record_of(*one, *two))
    for record, copy in zip((first, second), copies, strict=True):
        assert_same_record(record, copy, tolerance=0.0)


@given(st.lists(listens, min_size=1, max_size=12), st.integers(-(10**9), 10**9))
def test_when_it_all_happened_does_not_matter_only_how_far_apart(sequence: list[Listen], shift: int) -> None:
    """So a taste is the same however long its owner has been away, in all but the habits that say when."""
    record = record_of(*sequence)
    moved = record_of(*((item, moment + shift, skip) for item, moment, skip in sequence))
    moved.at -= shift
    moved.last -= shift
    moved.first -= shift
    assert np.hypot(*moved.habits[CLOCK_COS:]) == pytest.approx(np.hypot(*record.habits[CLOCK_COS:]), abs=EXACT)
    moved.habits[CLOCK_COS:] = record.habits[CLOCK_COS:]  # the clock is turned, all hours by the same
    assert_same_record(record, moved)


@given(st.lists(listens, min_size=1, max_size=20), st.integers(1, 5), st.floats(0.0, 400.0))
def test_a_new_listen_dilutes_the_mean_of_a_window_by_its_share_and_no_more(
    sequence: list[Listen], item: int, days_later: float
) -> None:
    """mean' = mean + share * (vector - mean), with the share that the new listen has of the window's count."""
    record = record_of(*sequence)
    kind, moment = int(KINDS_OF_ITEMS[item]), record.at + days_later * DAY
    before = seen_from(record, moment)
    record.add(item, kind, VECTORS[item], moment, 1.0, False)
    for half_life in range(len(HALF_LIVES_DAYS)):
        count = before.counts[half_life, kind]
        old = before.sums[half_life, kind] / count if count > 0 else np.zeros(4)
        new = record.sums[half_life, kind] / record.counts[half_life, kind]
        np.testing.assert_allclose(new, old + (VECTORS[item] - old) / (count + 1), atol=EXACT)


@given(histories(n_users=1))
def test_packing_keeps_everything_to_float32(history) -> None:
    for record in folded(history, VECTORS, KINDS_OF_ITEMS).values():
        back = UserRecord.unpack(record.pack())
        assert (back.at, back.dim) == (record.at, record.dim)
        for name in ("items", "plays", "skips", "last", "first", "habits"):
            np.testing.assert_array_equal(getattr(back, name), getattr(record, name))
        for name in ("sums", "counts", "weights"):
            assert getattr(back, name).dtype == np.float64
            np.testing.assert_allclose(getattr(back, name), getattr(record, name), rtol=2.0**-24, atol=1e-37)
        assert UserRecord.unpack(back.pack()).pack() == back.pack()


def test_an_empty_record_survives_packing() -> None:
    back = UserRecord.unpack(UserRecord.empty(4).pack())
    assert_same_record(back, UserRecord.empty(4), tolerance=0.0)
    add(back, (2, 5.0, False))
    assert_same_record(back, record_of((2, 5.0, False)), tolerance=0.0)


def test_a_kind_that_was_never_heard_takes_no_room() -> None:
    one, two = record_of((0, 0.0, False)), record_of((0, 0.0, False), (1, 0.0, False))
    item, kind = 2 * 8 + 5 * 4, 4 + 3 * 4 * (1 + 4)
    header = 16 + 8 + 8 + len(SUMS) * 8
    assert len(one.pack()) == header + item + kind
    assert len(two.pack()) == header + 2 * item + 2 * kind


@given(st.binary(max_size=200))
def test_foreign_bytes_are_no_record(data: bytes) -> None:
    assume(not data.startswith(tuple(bytes([version, 0, 0, 0]) for version in (1, 2, 3, 4))))
    with pytest.raises(Corrupt, match="palate train"):
        UserRecord.unpack(data)


@given(st.integers(1, 3), st.integers(-(2**31), 2**31 - 1))
def test_a_header_that_does_not_fit_its_bytes_is_refused(field: int, value: int) -> None:
    data = np.frombuffer(record_of((1, 0.0, False), (2, 9.0, True)).pack(), np.int32).copy()
    assume(data[field] != value)
    data[field] = value
    with pytest.raises(Corrupt, match="header promises"):
        UserRecord.unpack(data.tobytes())


@pytest.mark.parametrize("hides", [False, True])
def test_a_torn_or_lengthened_record_is_refused(hides: bool) -> None:
    record = record_of((1, 0.0, False), (2, 9.0, True))
    if hides:
        record.mark(2, Event.HIDE, 4.0)
    data = record.pack()
    for damaged in (*(data[:length] for length in range(len(data))), data + b"\0", data + data):
        with pytest.raises(Corrupt, match=f"{len(damaged)} bytes"):
            UserRecord.unpack(damaged)


def test_a_record_of_a_newer_palate_is_refused_with_its_format() -> None:
    data = np.int32(UserRecord.FORMAT + 1).tobytes() + record_of((1, 0.0, False)).pack()[4:]
    with pytest.raises(Corrupt, match="user record of format 5, this Palate reads 1 to 4"):
        UserRecord.unpack(data)


def test_marks_change_nothing_but_what_may_come_back() -> None:
    record, same = record_of((1, 5.0, False)), record_of((1, 5.0, False))
    for item, what, when in ((4, Event.HIDE, 9.0), (2, Event.HIDE, 3.0), (4, Event.HIDE, 1.0), (7, Event.NOT_NOW, 2.0)):
        record.mark(item, what, when)
    assert record.hidden.tolist() == [2, 4]
    assert UserRecord.unpack(record.pack()).marks == record.marks
    assert record.merge(same).marks == same.merge(record).marks == record.copy().marks == record.marks
    record.marks = NO_MARKS
    assert_same_record(record, same, tolerance=0.0)


def test_only_who_marked_something_has_a_record_of_the_newer_format() -> None:
    record = record_of((1, 5.0, False))
    before = record.pack()
    record.mark(3, Event.HIDE, 8.0)
    assert before[:4] == b"\2\0\0\0"
    told = np.int32(1).tobytes() + np.int32(3).tobytes() + bytes([Event.HIDE]) + np.float64(8.0).tobytes()
    assert record.pack() == b"\4\0\0\0" + before[4:] + told


def test_a_record_of_format_3_is_read_and_any_unhide_undoes_what_it_hid() -> None:
    plain = record_of((1, 5.0, False)).pack()
    old = UserRecord.unpack(b"\3\0\0\0" + plain[4:] + np.array([2, 3, 9], np.int32).tobytes())
    assert old.hidden.tolist() == [3, 9]
    old.mark(3, Event.UNHIDE, -1e9)
    assert UserRecord.unpack(old.pack()).hidden.tolist() == [9]
