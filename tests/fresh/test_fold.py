"""Folding the log gives the records that the whole history gives, whatever the pieces and whatever is killed."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS, Calendar
from palate.core.errors import Corrupt, PalateError
from palate.core.items import KINDS, Item
from palate.core.listens import Event, Listen, in_columns
from palate.core.partitions import PARTITIONS, partition_of
from palate.embeddings.bulk import build_records
from palate.embeddings.encoder import Encoder, feature_count
from palate.embeddings.records import HALF_LIVES_DAYS, UserRecord
from palate.embeddings.states import UserState
from palate.fresh.dead import DeadLetters
from palate.fresh.fold import Folded, Folder
from palate.fresh.lock import FoldLock
from palate.listening.log import ListeningLog
from palate.store.items import ItemStore
from palate.store.records import OnlineStore

N_ITEMS, DIM, START = 12, 4, 1_600_000_000.0
ITEMS = [f"i{row}" for row in range(N_ITEMS)]
VECTORS = np.random.default_rng(0).standard_normal((N_ITEMS, DIM)).astype(np.float32)
KIND = (np.arange(N_ITEMS) % len(KINDS)).astype(np.uint8)
WEIGHTS = np.random.default_rng(1).standard_normal((feature_count(DIM), DIM)).astype(np.float32)
PAUSE = (START + 100 * DAY_SECONDS, START + 200 * DAY_SECONDS)

listens = st.builds(
    Listen,
    user_id=st.sampled_from(["u", "v", "w"]),
    item_id=st.sampled_from([*ITEMS, "not in the catalogue"]),
    timestamp=st.floats(START, START + 400 * DAY_SECONDS),
    event=st.sampled_from(Event),
    seconds_played=st.none() | st.floats(0, 300, width=32),
    duration_seconds=st.none() | st.floats(1, 300, width=32),
)


class House:
    """A log, a store and an item store in one folder, and a folder over them."""

    def __init__(self, path: Path) -> None:
        self.log, self.store = ListeningLog(path / "log.sqlite"), OnlineStore(path / "records")
        self.calendar = self.log.add_pause(*PAUSE)
        ItemStore.write(path / "items", [Item(item_id) for item_id in ITEMS])  # type: ignore[arg-type]
        self.items = ItemStore(path / "items")
        self.folder = self.folder_over(self.store)

    def folder_over(self, store: OnlineStore, space: str = "taste@1", vectors: np.ndarray = VECTORS) -> Folder:
        encoder = Encoder(WEIGHTS)
        return Folder(self.log, store, self.items, space, vectors, KIND, encoder, self.calendar)

    def states(self, space: str = "taste@1") -> dict[str, UserState]:
        """What is stored of everybody."""
        found = {user: self.store.get(space, user) for user in self.store.users(space)}
        return {user: UserState.unpack(state) for user, state in found.items() if state is not None}

    def records(self, vectors: np.ndarray = VECTORS) -> dict[str, UserRecord]:
        """The same from the whole history at once."""
        rows = {item_id: row for row, item_id in enumerate(ITEMS)}
        heard = np.array([rows.get(item_id, -1) for item_id in self.log.item_ids()], np.int32)
        history = self.log.history(heard, N_ITEMS)
        return {history.users[row]: record for row, record in build_records(history, vectors, KIND)}

    def close(self) -> None:
        self.log.close()
        self.store.close()
        self.items.close()


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.close()


def same(one: UserRecord, other: UserRecord) -> None:
    """Equal up to the rounding of what is stored, float32."""
    assert one.at == other.at
    assert one.marks == other.marks
    for name in ("items", "plays", "skips", "last"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name in ("sums", "counts", "weights"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-4, atol=1e-5)


def play(user: str, item: str, day: float, event: Event = Event.PLAY) -> Listen:
    return Listen(user, item, START + day * DAY_SECONDS, event)  # type: ignore[arg-type]


def test_one_play_is_the_vector_of_its_item(house):
    house.log.append(in_columns([play("u", "i3", 1)]))
    assert house.folder.catch_up() == Folded(listens=1, listeners=1, offset=1)
    record = house.states()["u"].record
    np.testing.assert_array_equal(record.sums[:, KIND[3]], np.repeat(VECTORS[3:4], len(HALF_LIVES_DAYS), axis=0))
    assert (record.at, record.items.tolist(), record.plays.tolist()) == (START + DAY_SECONDS, [3], [1])


def test_a_pause_fades_nothing(house):
    house.log.append(in_columns([play("u", "i3", 99), play("u", "i3", 201)]))  # 102 days apart, 100 of them a pause
    house.folder.catch_up()
    record = house.states()["u"].record
    np.testing.assert_allclose(record.counts[0].sum(), 1 + 2 ** -(2 / 7), rtol=1e-6)


def test_the_taste_stored_is_the_one_of_the_record_stored(house):
    house.log.append(in_columns([play("u", "i3", 1), play("u", "i4", 2), play("v", "i5", 3)]))
    house.folder.catch_up()
    for state in house.states().values():
        np.testing.assert_allclose(state.taste, Encoder(WEIGHTS).encode([state.record])[0], rtol=1e-4, atol=1e-5)


def test_what_says_nothing_of_an_item_changes_nothing(house):
    nothing = [play("u", "i1", 1, Event.SEARCH), play("u", "i1", 2, Event.IMPRESSION), play("u", "unknown", 3)]
    house.log.append(in_columns(nothing))
    assert house.folder.catch_up() == Folded(listens=3, listeners=0, offset=3)
    assert house.states() == {}
    assert house.folder.catch_up() == Folded(listens=0, listeners=0, offset=3)


@settings(max_examples=40)
@given(st.lists(listens, max_size=30), st.lists(st.integers(0, 30), max_size=3))
def test_online_equals_offline_in_any_pieces(tmp_path_factory, everything, cuts):
    house = House(tmp_path_factory.mktemp("house"))
    bounds = [0, *sorted(min(cut, len(everything)) for cut in cuts), len(everything)]
    for start, end in pairwise(bounds):
        house.log.append(in_columns(everything[start:end]))
        house.folder.catch_up()
    offline, online = house.records(), house.states()
    assert set(online) == set(offline)
    for user, record in offline.items():
        same(online[user].record, record)
    house.close()


@settings(max_examples=25)
@given(st.lists(listens, max_size=30), st.lists(st.tuples(st.booleans(), st.none() | st.integers(1, 9)), max_size=8))
def test_two_spaces_over_one_log_each_equal_offline_whoever_folds_when(tmp_path_factory, everything, turns):
    """Each has vectors and an offset of its own; slices of any size, in any order, change nothing."""
    house = House(tmp_path_factory.mktemp("house"))
    other = house.folder_over(house.store, "taste@2", -2 * VECTORS)
    house.log.append(in_columns(everything[::2]))
    for second, most in turns:
        (other if second else house.folder).catch_up(most)
    house.log.append(in_columns(everything[1::2]))
    for folder, space, vectors in ((house.folder, "taste@1", VECTORS), (other, "taste@2", -2 * VECTORS)):
        assert folder.catch_up().offset == house.store.offset(space) == house.log.end_offset()
        offline, online = house.records(vectors), house.states(space)
        assert set(online) == set(offline)
        for user, record in offline.items():
            same(online[user].record, record)
    house.close()


def test_a_slice_ends_where_it_says_and_the_next_goes_on_from_there(house):
    house.log.append(in_columns([play("u", f"i{n}", n) for n in range(5)]))
    slices = [house.folder.catch_up(most=2) for _ in range(4)]
    assert [(one.listens, one.offset) for one in slices] == [(2, 2), (2, 4), (1, 5), (0, 5)]
    assert house.states()["u"].record.items.tolist() == [0, 1, 2, 3, 4]


class Meddled(OnlineStore):
    """Does something else to the space just before it is written to, as another process may."""

    def __init__(self, path, meddle):
        super().__init__(path)
        self.meddle = meddle

    def commit(self, space, epoch, parts):
        self.meddle(super())
        return super().commit(space, epoch, parts)


@pytest.mark.parametrize(
    ("meddle", "left"),
    [
        (lambda store: store.drop("taste@1"), 0),  # retired
        (lambda store: store.replace("taste@1", [("u", b"trained anew")], 1), 1),
        (lambda store: store.replace("taste@1", [("u", b"trained anew")], 2), 2),  # at the offset that it began with
    ],
    ids=["dropped", "replaced", "replaced at the same offset"],
)
def test_nothing_is_written_over_records_that_were_dropped_or_replaced_meanwhile(tmp_path, meddle, left):
    house = House(tmp_path)
    house.log.append(in_columns([play("u", "i1", 1), play("v", "i2", 2)]))
    house.folder.catch_up()
    house.log.append(in_columns([play("u", "i3", 3)]))
    house.store.close()
    house.store = Meddled(tmp_path / "records", meddle)
    assert house.folder_over(house.store).catch_up() == Folded(listens=0, listeners=0, offset=left)
    assert house.store.count("taste@1") == min(left, 1)
    house.close()


def test_a_listener_deleted_while_a_batch_is_folded_does_not_come_back(tmp_path):
    house = House(tmp_path)
    house.log.append(in_columns([play("u", "i1", 1), play("v", "i2", 2)]))
    house.folder.catch_up()
    house.log.append(in_columns([play("u", "i3", 3), play("v", "i3", 3)]))
    house.store.close()

    def delete(store):
        house.log.erase(["u"])
        store.delete("u")

    house.store = Meddled(tmp_path / "records", delete)
    folder = house.folder_over(house.store)
    assert folder.catch_up() == Folded(listens=0, listeners=0, offset=2)
    house.store.meddle = lambda store: None
    assert folder.catch_up() == Folded(listens=1, listeners=1, offset=4)
    assert house.states().keys() == {"v"}
    same(house.states()["v"].record, house.records()["v"])
    house.close()


class Killed(OnlineStore):
    """Stops short of its write, `failures` times."""

    failures = 0

    def commit(self, space, epoch, parts):
        if self.failures:
            self.failures -= 1
            raise KeyboardInterrupt
        return super().commit(space, epoch, parts)


def test_each_listen_counts_once_whatever_is_killed(tmp_path):
    house = House(tmp_path)
    house.store.close()
    house.store = Killed(tmp_path / "records")
    folder = house.folder_over(house.store)
    for day in range(6):
        house.log.append(in_columns([play("u", f"i{day % 3}", day)]))
        if day % 2:
            house.store.failures = 1
            with pytest.raises(KeyboardInterrupt):
                folder.catch_up()
    folder.catch_up()
    assert house.states()["u"].record.plays.tolist() == [2, 2, 2]
    same(house.states()["u"].record, house.records()["u"])
    house.close()


PARTS = st.lists(st.sets(st.integers(0, PARTITIONS - 1), min_size=1), max_size=6)


@given(everything=st.lists(listens, max_size=25), turns=PARTS, cut=st.integers(0, 25), most=st.integers(1, 30))
@settings(deadline=None, max_examples=60)
def test_partitions_folded_by_anyone_in_any_order_equal_the_whole(tmp_path_factory, everything, turns, cut, most):
    house = House(tmp_path_factory.mktemp("house"))
    house.log.append(in_columns(everything[:cut]))
    for partitions in turns:
        house.folder.catch_up(most, partitions)
    house.log.append(in_columns(everything[cut:]))
    for partitions in turns:
        house.folder.catch_up(most, partitions)
    assert house.folder.catch_up().offset == house.log.end_offset()
    stored, whole = house.states(), house.records()
    assert stored.keys() == whole.keys()
    for user, record in whole.items():
        same(stored[user].record, record)
    house.close()


def test_a_worker_of_some_partitions_leaves_the_other_listeners_alone(house):
    house.log.append(in_columns([play(user, "i1", 1) for user in "uvw"]))
    mine = {partition_of("u")}
    assert partition_of("v") not in mine
    assert house.folder.catch_up(partitions=mine) == Folded(listens=1, listeners=1, offset=3)
    assert house.states().keys() == {user for user in "uvw" if partition_of(user) in mine}
    assert house.store.offset("taste@1") == 0  # what all records contain
    house.folder.catch_up()
    assert house.states().keys() == set("uvw")
    assert house.store.offset("taste@1") == 3


def test_a_poisoned_listen_goes_to_the_dead_letters_and_the_rest_flows(tmp_path):
    house = House(tmp_path)
    house.store.put_many("taste@1", {"v": b"no state at all"}, 0)
    poisoned = VECTORS.copy()
    poisoned[7] = np.nan
    users = [f"u{n}" for n in range(9)]
    house.log.append(in_columns([*(play(user, "i1", 1) for user in users), play("u3", "i7", 2), play("v", "i2", 3)]))
    folder = house.folder_over(house.store, vectors=poisoned)
    with pytest.raises(Corrupt):
        folder.catch_up()
    with DeadLetters(tmp_path / "dead.sqlite") as dead:
        assert replace(folder, dead=dead).catch_up() == Folded(listens=11, listeners=8, offset=11)
        letters = dead.all()
    where = {(one.space, one.partition, one.offset): one.reason.partition(":")[0] for one in letters}
    mine, others = partition_of("u3"), partition_of("v")
    assert where == {
        ("taste@1", mine, 4): "ValueError", ("taste@1", mine, 10): "ValueError", ("taste@1", others, 11): "Corrupt",
    }  # fmt: skip
    got = {user: house.store.get("taste@1", user) for user in [*users, "v"]}
    assert got.pop("u3") is None  # all of this listener's listens in the batch are with the letters
    assert got.pop("v") == b"no state at all"
    whole = house.records()
    for user, state in got.items():
        same(UserState.unpack(state).record, whole[user])
    house.close()


def test_a_full_disk_is_no_poison(house, tmp_path, monkeypatch):
    house.log.append(in_columns([play("u", "i1", 1)]))

    def full(*_):
        raise PalateError("the disk is full")

    monkeypatch.setattr(house.store, "commit", full)
    with DeadLetters(tmp_path / "dead.sqlite") as dead:
        with pytest.raises(PalateError, match="full"):
            replace(house.folder, dead=dead).catch_up()
        assert dead.all() == []


def test_an_item_beyond_the_space_waits_for_the_next_one(house):
    short = Folder(house.log, house.store, house.items, "taste@1", VECTORS[:5], KIND[:5], Encoder(WEIGHTS), Calendar())
    house.log.append(in_columns([play("u", "i9", 1), play("u", "i2", 2)]))
    assert short.catch_up().listeners == 1
    assert house.states()["u"].record.items.tolist() == [2]


def test_only_one_holds_the_lock(tmp_path):
    first, second = FoldLock(tmp_path / "x" / "fold.lock"), FoldLock(tmp_path / "x" / "fold.lock")
    assert (first.mine(), second.mine(), first.mine()) == (True, False, True)
    first.close()
    assert second.mine()
    second.close()
