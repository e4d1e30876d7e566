import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palate.core.errors import BadInput, Corrupt, NotTrained, PalateError
from palate.store.keys import id_key, id_of, is_hashed
from palate.store.records import SLOTS, OnlineStore
from palate.testing.store import RecordStoreContract


class TestOnlineStore(RecordStoreContract):
    def make(self, path: Path) -> OnlineStore:
        return OnlineStore(path)


def child(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """A process that runs `code` with a store open at argv[1]; prints are read line by line."""
    opening = "import sys\nfrom pathlib import Path\nfrom palate.store.records import OnlineStore\n"
    command = [sys.executable, "-c", opening + code, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def kill(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


WRITER = """
store, turn = OnlineStore(Path(sys.argv[1])), 0
while True:
    turn += 1
    store.put_many("taste@1", {f"user-{n}": turn.to_bytes(8, "big") * 60 for n in range(40)}, offset=turn)
    print(turn, flush=True)
"""


@pytest.mark.slow
def test_records_and_offset_agree_after_kill_9_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    acknowledged = 0
    for round_number in range(5):
        writer = child(WRITER, tmp_path / "r")
        assert writer.stdout is not None
        acknowledged = int(writer.stdout.readline())
        time.sleep(0.05 * round_number)
        writer.send_signal(signal.SIGKILL)
        rest = writer.communicate()[0].split("\n")[:-1]
        acknowledged = max([acknowledged, *map(int, rest)])
        with OnlineStore(tmp_path / "r") as store:
            offset = store.offset("taste@1")
            assert offset >= acknowledged
            held = {store.get("taste@1", user_id) for user_id in store.users("taste@1")}
            assert held == {offset.to_bytes(8, "big") * 60}
            assert store.count("taste@1") == 40


@pytest.mark.slow
def test_a_load_that_is_killed_is_invisible_and_leaves_nothing_behind(tmp_path: Path) -> None:
    loading = """
store = OnlineStore(Path(sys.argv[1]))
def records():
    for n in range(10**9):
        if n == 30_000:
            print("loading", flush=True)
            sys.stdin.read()
        yield f"user-{n}", b"x" * 500
store.replace("taste@1", records(), offset=99)
"""
    with OnlineStore(tmp_path / "r") as store:
        store.put_many("taste@1", {"ann": b"old"}, offset=4)
    loader = child(loading, tmp_path / "r")
    assert loader.stdout is not None
    assert loader.stdout.readline() == "loading\n"
    with OnlineStore(tmp_path / "r") as store:
        assert (store.count("taste@1"), store.get("taste@1", "user-1"), store.offset("taste@1")) == (1, None, 4)
        with pytest.raises(PalateError, match="another load"):
            store.replace("taste@2", [], offset=1)
        store.put_many("taste@3", {"ann": b"3"}, offset=5)  # must not land in the slot being loaded
    kill(loader)
    with OnlineStore(tmp_path / "r") as store:
        held = [store._file.view(lambda txn, s=slot: txn.stat(s)["entries"]) for slot in store._slots]
        assert sorted(held)[-3:] == [0, 1, 1]
        assert (store.get("taste@1", "ann"), store.get("taste@3", "ann")) == (b"old", b"3")


@pytest.mark.slow
def test_many_processes_read_whole_batches_while_one_writes_and_the_file_outgrows_its_map(tmp_path: Path) -> None:
    reading = """
store, last = OnlineStore(Path(sys.argv[1]), readonly=True), 0
print("ready", flush=True)
for line in sys.stdin:
    before = store.offset("taste@1")
    value = int.from_bytes(store.get("taste@1", "user-7")[:8], "big")
    after = store.offset("taste@1")
    assert last <= before <= value <= after, (last, before, value, after)
    last = after
    print(after, flush=True)
"""
    with OnlineStore(tmp_path / "r") as store:
        first_map = store._file.env.info()["map_size"]
        store.put_many("taste@1", {"user-7": bytes(8)}, offset=0)
        readers = [child(reading, tmp_path / "r") for _ in range(4)]
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "ready\n"
        for turn in range(1, 25):
            records = {f"{turn}-{n}": os.urandom(4000) for n in range(1000)}
            store.put_many("taste@1", {"user-7": turn.to_bytes(8, "big"), **records}, offset=turn)
            for reader in readers:
                assert reader.stdin is not None
                reader.stdin.write("\n")
                reader.stdin.flush()
        for reader in readers:
            lines = reader.communicate()[0].split()
            assert reader.returncode == 0
            assert len(lines) == 24
            assert lines[-1] == "24"
        assert store._file.env.info()["map_size"] > first_map
        assert store.count("taste@1") == 24_001


def test_threads_may_read_while_the_map_is_moved(tmp_path: Path) -> None:
    with OnlineStore(tmp_path / "r") as store:
        store.put_many("taste@1", {"ann": b"x" * 5000}, offset=1)
        stop, wrong = threading.Event(), []

        def read() -> None:
            while not stop.is_set():
                if store.get("taste@1", "ann") != b"x" * 5000:
                    wrong.append(1)

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for turn in range(40):
            store.put_many("taste@1", {f"{turn}-{n}": bytes(4000) for n in range(500)}, offset=turn)
        stop.set()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert store._file.env.info()["map_size"] > 64 << 20


def test_a_full_disk_is_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    writing = """
import resource
from palate.core.errors import PalateError
store = OnlineStore(Path(sys.argv[1]))
store.put_many("taste@1", {"ann": b"old"}, offset=1)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
try:
    store.put_many("taste@1", {str(n): bytes(4000) for n in range(3000)} | {"ann": b"new"}, offset=2)
except PalateError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(store.get("taste@1", "ann"), store.offset("taste@1"), store.count("taste@1"))
store.put_many("taste@1", {"ann": b"new"}, offset=3)
print(store.get("taste@1", "ann"))
"""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    lines = child(writing, tmp_path / "r").communicate()[0].splitlines()
    assert "could not be written" in lines[0]
    assert "make room on the disk" in lines[0]
    assert lines[1:] == ["b'old' 1 1", "b'new'"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.text(min_size=1, max_size=4), st.binary(max_size=20), max_size=6), max_size=5))
def test_the_store_is_a_dictionary(tmp_path_factory: pytest.TempPathFactory, batches: list[dict[str, bytes]]) -> None:
    expected: dict[str, bytes] = {}
    with OnlineStore(tmp_path_factory.mktemp("records")) as store:
        for offset, batch in enumerate(batches, 1):
            store.put_many("taste@1", batch, offset)
            expected |= batch
        assert {user_id: store.get("taste@1", user_id) for user_id in store.users("taste@1")} == expected
        assert (store.count("taste@1"), store.offset("taste@1")) == (len(expected), len(batches))


@given(st.text(min_size=1, max_size=600), st.text(min_size=1, max_size=600))
def test_keys_fit_and_tell_ids_apart(one: str, two: str) -> None:
    keys = id_key(one), id_key(two)
    assert max(map(len, keys)) <= 511
    assert (keys[0] == keys[1]) == (one == two)
    assert is_hashed(keys[0]) or id_of(keys[0]) == one


def test_reading_what_is_not_there_says_to_train(tmp_path: Path) -> None:
    with pytest.raises(NotTrained, match="palate train"):
        OnlineStore(tmp_path / "r", readonly=True)
    assert not (tmp_path / "r").exists()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    OnlineStore(tmp_path / "r").close()
    with OnlineStore(tmp_path / "r", readonly=True) as store:
        with pytest.raises(PalateError, match="readonly=False"):
            store.put_many("taste@1", {"ann": b"1"}, offset=1)
        with pytest.raises(PalateError, match="readonly=False"):
            store.replace("taste@1", [("ann", b"1")], offset=1)


def test_opening_twice_in_a_process_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with OnlineStore(tmp_path / "r"), pytest.raises(PalateError, match="pass that store on"):
        OnlineStore(tmp_path / "r", readonly=True)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(b"not a database, however long it may be" * 1000)
    with pytest.raises(Corrupt, match="damaged"):
        OnlineStore(tmp_path)


def test_as_many_spaces_as_slots_and_no_more(tmp_path: Path) -> None:
    with OnlineStore(tmp_path / "r") as store:
        for number in range(SLOTS):
            store.put_many(f"taste@{number}", {"ann": b"%d" % number}, offset=number)
        with pytest.raises(PalateError, match="drop old ones"):
            store.put_many("taste@99", {"ann": b"99"}, offset=1)
        store.drop("taste@5")
        store.replace("taste@99", [("bob", b"99")], offset=1)
        assert (store.get("taste@99", "ann"), store.get("taste@99", "bob")) == (None, b"99")
        assert store.spaces() == sorted(f"taste@{n}" for n in (*range(SLOTS), 99) if n != 5)


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_an_impossible_name_of_a_space_is_refused(name: str, tmp_path: Path) -> None:
    with OnlineStore(tmp_path / "r") as store:
        with pytest.raises(BadInput, match="name"):
            store.put_many(name, {"ann": b"1"}, offset=1)
        with pytest.raises(BadInput, match="name"):
            store.replace(name, [], offset=1)
        assert store.spaces() == []
