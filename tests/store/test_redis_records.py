"""The record store in a Redis server and in a cluster does what the embedded one does."""

from pathlib import Path

import pytest

from palate.core.errors import BadInput, PalateError
from palate.core.partitions import PARTITIONS, partition_of
from palate.store.folds import Part
from palate.store.redis_records import RedisStore
from palate.testing.redis_server import RedisNodes, RedisServer
from palate.testing.store import RecordStoreContract


class TestRedisStore(RecordStoreContract):
    @pytest.fixture(autouse=True)
    def _server(self, redis_server: RedisServer) -> None:
        self.server = redis_server

    def make(self, path: Path) -> RedisStore:
        return RedisStore(self.server.engine(prefix=str(path)))


@pytest.mark.slow
class TestRedisStoreOfACluster(RecordStoreContract):
    @pytest.fixture(autouse=True)
    def _nodes(self, redis_nodes: RedisNodes) -> None:
        self.nodes = redis_nodes

    def make(self, path: Path) -> RedisStore:
        return RedisStore(self.nodes.engine(prefix=str(path)))


@pytest.fixture
def store(redis_server, tmp_path):
    with RedisStore(redis_server.engine(prefix=str(tmp_path))) as store:
        yield store


def groups(store: RedisStore, part: int) -> dict[str, tuple[str, int]]:
    """By space, what its consumer group says: (last delivered, entries read)."""
    told = store.engine.one("XINFO GROUPS", store.engine.key(part, "log"))
    return {
        one["name"].decode(): (one["last-delivered-id"].decode(), one["entries-read"])
        for one in told
    }  # fmt: skip


def test_a_commit_moves_the_group_of_its_space(store):
    part = partition_of("ann")
    epoch = store.standing("taste@1").epoch
    first, second = PARTITIONS + part, 3 * PARTITIONS + part
    assert store.commit("taste@1", epoch, [Part(part, 0, first, {"ann": b"1"})]) == [True]
    assert groups(store, part) == {"taste@1": (f"{first}-0", 1)}
    assert store.commit("taste@1", epoch, [Part(part, first, second, {})]) == [True]
    assert store.commit("taste@2", epoch, [Part(part, 0, first, {})]) == [True]
    assert groups(store, part) == {"taste@1": (f"{second}-0", 3), "taste@2": (f"{first}-0", 1)}
    store.drop("taste@1")
    assert groups(store, part).keys() == {"taste@2"}


def test_a_commit_of_one_partition_does_not_mind_a_deletion_in_another(store):
    ann, bob = partition_of("ann"), partition_of("bob")
    store.put_many("taste@1", {"ann": b"1", "bob": b"1"}, 0)
    epoch = store.standing("taste@1").epoch
    store.delete("ann")
    parts = [Part(ann, 0, PARTITIONS + ann, {"ann": b"2"}), Part(bob, 0, PARTITIONS + bob, {"bob": b"2"})]
    assert store.commit("taste@1", epoch, parts) == [False, True]
    assert store.get_many("taste@1", ["ann", "bob"]) == [None, b"2"]


def test_of_two_loads_the_later_one_is_published_whole(store):
    def overtaken():
        yield from ((f"old-{n}", b"") for n in range(6_000))
        store.replace("taste@1", [("new", b"")], 7)
        yield from ((f"old-{n}", b"") for n in range(6_000, 12_000))

    with pytest.raises(PalateError, match="another load"):
        store.replace("taste@1", overtaken(), 5)
    assert (list(store.users("taste@1")), store.offset("taste@1")) == (["new"], 7)


def test_who_is_deleted_while_a_space_is_loaded_is_not_in_what_was_loaded_before(store):
    def records():
        yield from ((f"user-{n}", b"") for n in range(5_000))
        yield "last", b""
        store.delete("user-7")

    store.replace("taste@1", records(), 5)
    assert (store.count("taste@1"), store.get("taste@1", "user-7")) == (5_000, None)


def test_a_space_without_a_name_is_refused(store):
    with pytest.raises(BadInput, match="0 bytes"):
        store.commit("", 0, [])


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path, redis_server):
    with RedisServer(tmp_path / "own") as server, RedisStore(server.engine()) as store:
        for turn in range(1, 6):
            store.put_many("taste@1", {f"user-{n}": b"%d" % turn for n in range(40)}, turn)
            server.kill()
            with pytest.raises(PalateError, match="cannot be reached"):
                store.get("taste@1", "user-1")
            server.start()
            assert {store.get("taste@1", user) for user in store.users("taste@1")} == {b"%d" % turn}
            assert store.offset("taste@1") == turn


def test_what_was_deleted_is_not_on_the_servers_disk_any_more(tmp_path, redis_server):
    with RedisServer(tmp_path / "own", ("--save", "3600 1")) as server, RedisStore(server.engine()) as store:
        store.put_many("taste@1", {"somebody-gone": b"a secret taste", "bob": b"kept"}, 1)
        store.engine.one("SAVE")
        held = [path.read_bytes() for path in server.folder.rglob("*") if path.is_file()]
        assert any(b"somebody-gone" in data for data in held)
        assert store.delete("somebody-gone") == 1
        store.shred()
        held = [path.read_bytes() for path in server.folder.rglob("*") if path.is_file()]
        assert not any(b"somebody-gone" in data or b"a secret taste" in data for data in held)
        assert store.get("taste@1", "bob") == b"kept"
