"""Many records side by side: what they say, and their bytes, are those of UserRecord, one listen at a time."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.core.errors import Corrupt
from palate.core.listens import Event
from palate.embeddings.encoder import Encoder
from palate.embeddings.folding import HEAD, Events, RecordColumns
from palate.embeddings.habits import HABITS
from palate.embeddings.marks import steering
from palate.embeddings.records import UserRecord
from palate.embeddings.start import Start
from palate.embeddings.states import UserState, packed_record, packed_states
from palate.embeddings.statics import Statics
from palate.embeddings.weights import event_weights
from palate.listening.history import History
from palate.listening.listeners import ListenerColumns
from palate.testing.strategies import START_SECONDS, histories

from .worlds import assert_same_record, made_up_items

N_USERS, DIM = 4, 4
VECTORS, KINDS_OF_ITEMS = made_up_items(6, DIM)
ROUNDED = 1e-4  # a sum of 30 vectors of length 2.5, rounded to float32 after every piece
NOBODY = UserRecord.empty(DIM)


def events_of(history: History, rows: list[int]) -> Events:
    """The events at `rows` that count, in that order."""
    weight, skipped = event_weights(history.event, history.seconds_played, history.duration_seconds)
    mark = steering(history.event)
    some = np.array([row for row in rows if weight[row] > 0 or skipped[row] or mark[row]], np.int64)
    item, play = history.item[some].astype(np.int64), history.event[some] == Event.PLAY
    user = history.user[some].astype(np.int64)
    weights = weight[some].astype(np.float64)
    return Events(user, item, KINDS_OF_ITEMS[item], history.timestamp[some], weights, skipped[some], play, mark[some])


def add_one_by_one(records: list[UserRecord], events: Events) -> None:
    for n, (user, item) in enumerate(zip(events.user.tolist(), events.item.tolist(), strict=True)):
        if events.mark[n]:
            records[user].mark(item, Event(events.mark[n]), float(events.timestamp[n]))
            continue
        records[user].add(
            item, int(events.kind[n]), VECTORS[item], float(events.timestamp[n]), float(events.weight[n]),
            bool(events.skipped[n]), bool(events.played[n]),
        )  # fmt: skip


def pieces(data: st.DataObject, n: int) -> list[list[int]]:
    """Some of n positions' orders, cut anywhere."""
    order = data.draw(st.permutations(range(n)))
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, n), max_size=3))), n]
    return [order[start:stop] for start, stop in pairwise(cuts)]


def encoders() -> list[Encoder]:
    """With and without habits, a start, and what is told of listeners."""
    rng = np.random.default_rng(5)
    plain = Encoder.plain(DIM, 0.3)
    learnt = Encoder(rng.normal(size=plain.weights.shape).astype(np.float32))
    statics = Statics({"country": ["de", "se"], "languages": [], "device": []})
    described = rng.normal(size=(len(statics.names), DIM)).astype(np.float32)
    start = Start(rng.normal(size=DIM).astype(np.float32), described, statics)
    return [plain, learnt, Encoder(learnt.weights, start=start), Encoder(learnt.weights).with_habits(START_SECONDS)]


def test_two_plays_and_a_skip_by_hand() -> None:
    month = START_SECONDS + 28 * DAY_SECONDS
    events = Events(
        user=np.array([1, 1, 0]), item=np.array([4, 2, 2]), kind=np.array([1, 2, 2], np.uint8),
        timestamp=np.array([month, START_SECONDS, month]), weight=np.array([1.0, 1.0, 0.0]),
        skipped=np.array([False, False, True]), played=np.array([True, False, True]), mark=np.zeros(3, np.uint8),
    )  # fmt: skip
    columns = RecordColumns.empty(3, DIM).added(events, VECTORS)
    assert columns.cells.tolist() == [3 + 1, 3 + 2]
    np.testing.assert_allclose(columns.counts, [[1, 1, 1], [2.0**-4, 2.0**-1, 2 ** -(28 / 182)]])
    np.testing.assert_allclose(columns.sums[1, 1], VECTORS[2] / 2)
    assert (columns.pairs & 0xFFFF).tolist() == [2, 2, 4]
    assert (columns.plays.tolist(), columns.skips.tolist(), columns.heard.tolist()) == ([0, 1, 1], [1, 0, 0], [0, 0, 1])
    assert columns.weights.tolist() == [0.0, 0.5, 1.0]
    assert columns.heard_last.tolist() == [-np.inf, -np.inf, month]
    assert (columns.at.tolist(), columns.first.tolist()) == ([month, month, -np.inf], [month, START_SECONDS, np.inf])


@given(histories(n_users=N_USERS), st.data())
def test_columns_equal_events_added_one_by_one(history: History, data: st.DataObject) -> None:
    """Late ones too, in any order, cut anywhere."""
    expected = [UserRecord.empty(DIM) for _ in range(N_USERS)]
    columns = RecordColumns.empty(N_USERS, DIM)
    for rows in pieces(data, len(history)):
        events = events_of(history, rows)
        add_one_by_one(expected, events)
        columns = columns.added(events, VECTORS)
    for record, one in zip(columns.records(), expected, strict=True):
        assert_same_record(record, one)
        np.testing.assert_array_equal(record.heard, one.heard)
        np.testing.assert_array_equal(record.heard_last, one.heard_last)


@given(histories(n_users=N_USERS), st.data())
def test_columns_read_what_records_packed_and_records_what_columns_did(history: History, data: st.DataObject) -> None:
    """Whichever of the two takes the next piece of the log: what is stored is the same."""
    expected: list[bytes | None] = [None] * N_USERS
    stored: list[bytes | None] = [None] * N_USERS
    for rows in pieces(data, len(history)):
        events = events_of(history, rows)
        records = [NOBODY.copy() if one is None else UserRecord.unpack(one) for one in expected]
        add_one_by_one(records, events)
        expected = [record.pack() for record in records]
        turn = data.draw(st.sampled_from(["columns", "records"]))
        if turn == "columns":
            stored = [*RecordColumns.unpack(stored, DIM).added(events, VECTORS).pack()]
        else:
            mine = [NOBODY.copy() if one is None else UserRecord.unpack(one) for one in stored]
            add_one_by_one(mine, events)
            stored = [record.pack() for record in mine]
    for one, other in zip(stored, expected, strict=True):
        if one is not None and other is not None:
            assert len(one) == len(other)
            assert_same_record(UserRecord.unpack(one), UserRecord.unpack(other), tolerance=ROUNDED)


@given(histories(n_users=N_USERS))
def test_what_was_packed_comes_back_byte_for_byte(history: History) -> None:
    packed = RecordColumns.empty(N_USERS, DIM).added(events_of(history, [*range(len(history))]), VECTORS).pack()
    assert RecordColumns.unpack(packed, DIM).pack() == packed
    assert [UserRecord.unpack(one).pack() for one in packed] == packed


@pytest.mark.parametrize("encoder", encoders(), ids=["plain", "learnt", "start", "habits"])
@given(history=histories(n_users=N_USERS))
def test_a_taste_from_columns_is_the_one_from_records(encoder: Encoder, history: History) -> None:
    columns = RecordColumns.empty(N_USERS, DIM).added(events_of(history, [*range(len(history))]), VECTORS)
    columns = RecordColumns.unpack(columns.pack(), DIM)
    told = ListenerColumns({"country": ["de", "se", None, "xx"]}) if encoder.start else None
    tastes = encoder.encode_columns(columns, told)
    expected = encoder.encode(list(columns.records()), told)
    np.testing.assert_allclose(tastes, expected, rtol=1e-4, atol=1e-4)
    states = [UserState.unpack(one) for one in packed_states(tastes, columns)]
    np.testing.assert_array_equal([state.taste for state in states], tastes)
    assert [state.record.pack() for state in states] == columns.pack()


def test_no_events_and_no_listeners_change_nothing() -> None:
    nothing = events_of(History(*[np.zeros(0, np.int64)] * 7, users=[], n_items=6), [])  # type: ignore[arg-type]
    columns = RecordColumns.empty(2, DIM)
    assert columns.added(nothing, VECTORS).pack() == [NOBODY.pack()] * 2
    assert RecordColumns.unpack([], DIM).added(nothing, VECTORS).pack() == []
    assert RecordColumns.unpack([None, None], DIM).pack() == [NOBODY.pack()] * 2
    assert Encoder.plain(DIM, 0.3).encode_columns(RecordColumns.unpack([], DIM)).shape == (0, DIM)


def first_format(record: UserRecord) -> bytes:
    """As format 1 was: without the first event and the habits."""
    data = record.pack()
    return np.int32(1).tobytes() + data[4:24] + data[24 + 8 * (1 + len(record.habits)) :]


def test_records_of_the_first_format_are_read_among_those_of_the_second() -> None:
    record = UserRecord.empty(DIM)
    record.add(3, 0, VECTORS[3], START_SECONDS, 1.0, False)
    old = first_format(record)
    one, two = RecordColumns.unpack([old, record.pack()], DIM).records()
    assert_same_record(one, UserRecord.unpack(old), tolerance=0.0)
    assert_same_record(two, record, tolerance=0.0)


@pytest.mark.parametrize(
    ("damaged", "told"),
    [
        (b"", "cannot be read"),
        (b"rubbish", "cannot be read"),
        (NOBODY.pack()[:-1], "cannot be read"),
        (NOBODY.pack() + b"\0", "promises"),
        (np.int32(9).tobytes() + NOBODY.pack()[4:], "format 9"),
        (UserRecord.empty(DIM + 1).pack(), "sums of 5 numbers came, this space has 4"),
    ],
)
def test_what_is_no_record_of_this_space_is_refused(damaged: bytes, told: str) -> None:
    with pytest.raises(Corrupt, match=told):
        RecordColumns.unpack([NOBODY.pack(), damaged], DIM)


@pytest.mark.parametrize("place", [0, 1], ids=["kind", "item"])
def test_a_record_with_a_kind_or_an_item_that_cannot_be_is_refused(place: int) -> None:
    record = UserRecord.empty(DIM)
    for item in (2, 3):
        record.add(item, 2, VECTORS[item], START_SECONDS, 1.0, False)
    numbers = np.frombuffer(record.pack(), np.int32).copy()
    behind = (HEAD.itemsize + 2 * 16) // 4  # the head, and two times of each item
    assert numbers[behind : behind + 3].tolist() == [2, 2, 3]
    numbers[behind + place] = 7
    with pytest.raises(Corrupt, match="damaged"):
        RecordColumns.unpack([numbers.tobytes()], DIM)


def test_a_state_gives_its_record() -> None:
    state = UserState(np.ones(3, np.float32), NOBODY).pack()
    assert packed_record(state) == NOBODY.pack()
    for damaged in (b"", b"\0\0\0", np.int32(9).tobytes()):
        with pytest.raises(Corrupt, match="user state"):
            packed_record(damaged)


def test_habits_are_told_by_columns_too() -> None:
    columns = RecordColumns.empty(1, DIM).added(
        Events(*map(np.atleast_1d, (0, 3, np.uint8(0), START_SECONDS, 1.0, False, True, np.uint8(0)))), VECTORS
    )
    encoder = Encoder.plain(DIM, 0.3).with_habits(START_SECONDS)
    taste = encoder.encode_columns(columns)[0]
    assert len(encoder.habits) == len(HABITS)
    assert taste[encoder.habits["plays_week"]] == pytest.approx(1.2 * np.log(2.0))
