"""What folding promises over files it promises over Redis: each listen once, online equals offline."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.core.listens import in_columns
from palate.core.partitions import PARTITIONS, partition_of
from palate.fresh.archive import copy, rebuild, trim
from palate.fresh.dead import DeadLetters
from palate.fresh.fold import Folded
from palate.listening.deleted import DeletedUsers
from palate.listening.log import ListeningLog
from palate.listening.redis_log import RedisLog
from palate.store.redis_records import RedisStore

from .test_fold import PARTS, VECTORS, House, listens, play, same


class Engines:
    """Makes houses over one server or cluster, each with a prefix of its own."""

    def __init__(self, server):
        self.server = server

    def house(self, path) -> "RedisHouse":
        return RedisHouse(path, self.server)


class RedisHouse(House):
    """A house whose records are in Redis, and whose log is in streams until it is archived."""

    def __init__(self, path, server):
        super().__init__(path)
        self.store.close()
        self.archive = self.log
        self.log = RedisLog(server.engine(str(path)), self.archive)
        self.store = RedisStore(server.engine(str(path)))
        self.folder = self.folder_over(self.store)

    def records(self, vectors=VECTORS):
        """What the whole history gives, which is in the archive."""
        copy(self.log)
        self.log, kept = self.archive, self.log
        try:
            return super().records(vectors)
        finally:
            self.log = kept

    def check(self, space="taste@1", vectors=VECTORS):
        offline, online = self.records(vectors), self.states(space)
        assert set(online) == set(offline)
        for user, record in offline.items():
            same(online[user].record, record)


@pytest.fixture(params=["one server", pytest.param("a cluster", marks=pytest.mark.slow)])
def engines(request) -> Engines:
    return Engines(request.getfixturevalue("redis_server" if request.param == "one server" else "redis_nodes"))


@pytest.fixture
def house(engines, tmp_path):
    house = engines.house(tmp_path)
    yield house
    house.close()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(everything=st.lists(listens, max_size=25), turns=PARTS, cut=st.integers(0, 25), most=st.integers(1, 60))
def test_online_equals_offline_whoever_folds_which_partitions_when(
    tmp_path_factory, engines, everything, turns, cut, most
):
    house = engines.house(tmp_path_factory.mktemp("house"))
    other = house.folder_over(house.store, "taste@2", -2 * VECTORS)
    for part in (everything[:cut], everything[cut:]):
        house.log.append(in_columns(part))
        for partitions in turns:
            house.folder.catch_up(most, partitions)
            other.catch_up(most, partitions)
        copy(house.log)
        trim(house.log, house.store, ["taste@1", "taste@2"])
    for folder in (house.folder, other):
        folder.catch_up()
        assert house.log.lacking(house.store.standing(folder.space).offsets) == 0
    house.check()
    house.check("taste@2", -2 * VECTORS)
    house.close()


class Killed(RedisStore):
    """Stops short of its write, or right after it, by turns."""

    turn = 0

    def commit(self, space, epoch, parts):
        self.turn += 1
        if self.turn % 2:
            super().commit(space, epoch, parts)
        raise KeyboardInterrupt


def test_each_listen_counts_once_whatever_is_killed(house):
    folder = replace(house.folder, store=Killed(house.store.engine))
    for day in range(6):
        house.log.append(in_columns([play(user, f"i{day % 3}", day) for user in "uvw"]))
        with pytest.raises(KeyboardInterrupt):
            folder.catch_up()
    house.folder.catch_up()
    assert house.states()["u"].record.plays.tolist() == [2, 2, 2]
    house.check()


def test_two_who_fold_the_same_write_it_once(house):
    house.log.append(in_columns([play("u", "i1", 1), play("v", "i2", 1)]))

    class Late(RedisStore):
        def commit(self, space, epoch, parts):
            house.folder.catch_up()
            return super().commit(space, epoch, parts)

    late = replace(house.folder, store=Late(house.store.engine))
    assert late.catch_up().listens == 0
    house.check()


def test_a_listener_deleted_while_a_batch_is_folded_does_not_come_back(house):
    house.log.append(in_columns([play("u", "i1", 1), play("v", "i2", 2)]))
    house.folder.catch_up()
    house.log.append(in_columns([play("u", "i3", 3), play("v", "i3", 3)]))

    class Meddled(RedisStore):
        def commit(self, space, epoch, parts):
            DeletedUsers.beside(house.archive.path).delete(["u"])
            house.log.erase(["u"])
            self.delete("u")
            return super().commit(space, epoch, parts)

    replace(house.folder, store=Meddled(house.store.engine)).catch_up()
    house.folder.catch_up()
    assert house.states().keys() == {"v"}
    assert house.log.lacking(house.store.standing("taste@1").offsets) == 0
    house.check()


def test_a_poisoned_listen_goes_to_the_dead_letters_and_the_rest_flows(house, tmp_path):
    poisoned = VECTORS.copy()
    poisoned[7] = np.nan
    told = house.log.append(in_columns([*(play(f"u{n}", "i1", 1) for n in range(9)), play("u3", "i7", 2)]))
    with DeadLetters(tmp_path / "dead.sqlite") as dead:
        replace(house.folder_over(house.store, vectors=poisoned), dead=dead).catch_up()
        letters = dead.all()
    assert {one.offset for one in letters} == {told.offsets[3], told.offsets[9]}
    assert {one.offset % PARTITIONS for one in letters} == {one.partition for one in letters} == {partition_of("u3")}
    assert house.store.get("taste@1", "u3") is None
    assert house.store.count("taste@1") == 8


def test_the_archive_holds_each_listen_once_whoever_copies_and_whatever_is_killed(house, monkeypatch):
    users = [f"u{n}" for n in range(50)]
    house.log.append(
        in_columns(
            [
                play(
                    user,
                    "i1",
                    1,
                )
                for user in users
            ]
        )
    )
    since = house.log.unarchived()
    assert copy(house.log) == 50
    assert house.archive.take_over(*since) is None  # another copier, which was slower
    house.log.append(in_columns([play(user, "i2", 2) for user in users]))

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("palate.listening.log.move", killed)
    with pytest.raises(KeyboardInterrupt):
        copy(house.log)
    monkeypatch.undo()
    assert (copy(house.log), copy(house.log), house.archive.end_offset()) == (50, 0, 100)
    assert [batch.item_id for batch in house.archive.listens_of("u7")] == [["i1", "i2"]]


def test_an_archive_knows_a_repeat_that_the_streams_have_forgotten(house):
    house.log.append(in_columns([play("u", "i1", 1)]))
    copy(house.log)
    engine = house.log.engine
    period = int(time.time() // (engine.settings.remember_days * DAY_SECONDS))
    for one in (period - 1, period, period + 1):
        engine.one("DEL", engine.key(partition_of("u"), f"seen:{one}"))
    assert house.log.append(in_columns([play("u", "i1", 1)])).accepted == 1
    copy(house.log)
    assert house.archive.end_offset() == 1


def test_what_was_trimmed_is_rebuilt_from_the_archive_and_never_skipped(house):
    house.archive.append(in_columns([play("u", "i5", 0)]))  # before the streams began
    house.log.append(in_columns([play(user, "i1", 1) for user in "uvw"]))
    house.folder.catch_up()
    copy(house.log)
    trim(house.log, house.store, ["taste@1"])
    assert [house.log.engine.one("XLEN", house.log.engine.key(partition_of(user), "log")) for user in "uvw"] == [
        0,
        0,
        0,
    ]
    house.log.append(in_columns([play(user, "i2", 2) for user in "uvw"]))
    other = house.folder_over(house.store, "taste@2", -2 * VECTORS)
    lacks = {partition_of(user) for user in "uvw"}
    assert other.catch_up(partitions=lacks) == Folded(0, 0, 0)  # it waits
    rebuild(other, house.log)
    assert other.catch_up().listens == 3
    house.check("taste@2", -2 * VECTORS)


def test_an_archive_that_is_not_the_one_is_refused(house, tmp_path):
    house.log.append(in_columns([play("u", "i1", 1)]))
    house.folder.catch_up()
    copy(house.log)
    trim(house.log, house.store, ["taste@1"])
    from palate.core.errors import PalateError

    with ListeningLog(tmp_path / "another" / "log.sqlite") as archive:
        with pytest.raises(PalateError, match="another home"):
            copy(RedisLog(house.log.engine, archive))
        assert archive.end_offset() == 0


def test_who_cannot_be_rebuilt_is_named_and_the_others_are(house):
    poisoned = VECTORS.copy()
    poisoned[7] = np.nan
    house.log.append(in_columns([*(play(f"u{n}", "i1", 1) for n in range(9)), play("u3", "i7", 2)]))
    copy(house.log)
    assert rebuild(house.folder_over(house.store, vectors=poisoned), house.log) == ["u3"]
    assert house.store.count("taste@1") == 8
    assert rebuild(house.folder, house.log) == []
    house.check()


def test_a_listeners_listens_are_found_in_archive_and_streams_at_offsets_that_compare(house):
    part, first = partition_of("u"), play("u", "i1", 1)
    house.archive.append(in_columns([play("u", "i5", 0)]))
    offsets = house.log.append(in_columns([first])).offsets
    copy(house.log)
    later = house.log.append(in_columns([play("u", "i2", 2), play("v", "i2", 2)])).offsets
    found = [pair for one in house.log.listens_of("u") for pair in zip(one.item_id, one.offsets.tolist(), strict=True)]
    assert found == [("i5", offsets[0]), ("i1", offsets[0]), ("i2", later[0])]
    assert offsets[0] == PARTITIONS + part
