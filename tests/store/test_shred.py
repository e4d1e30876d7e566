"""After `shred` the file of the records holds no byte of who was deleted, and everybody else's record."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from palate.core.errors import PalateError
from palate.store.records import OnlineStore

VICTIM = "victim-of-the-test-0001"


def filled(store: OnlineStore, seed: int) -> dict[str, bytes]:
    """Two spaces whose records grew and moved about, the victim among neighbours; what the others have in the first."""
    rng = np.random.default_rng(seed)
    names = [f"victim-of-the-test-{one:04d}" for one in range(800)]
    for space in ("taste@1", "taste@2"):
        store.replace(space, ((name, name.encode() * int(rng.integers(1, 60))) for name in names), 1)
    for offset in range(2, 20):
        some = [*rng.choice(names, 40).tolist(), VICTIM]
        store.put_many("taste@1", {name: name.encode() * int(rng.integers(1, 300)) for name in some}, offset)
    return {name: store.get("taste@1", name) or b"" for name in names if name != VICTIM}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_byte_of_the_deleted_is_left(tmp_path: Path, seed: int) -> None:
    with OnlineStore(tmp_path) as store:
        others = filled(store, seed)
        assert store.delete(VICTIM) == 2
        assert VICTIM.encode() in (tmp_path / "data.mdb").read_bytes(), "LMDB keeps the bytes of what is deleted"
        store.shred()
        assert VICTIM.encode() not in (tmp_path / "data.mdb").read_bytes()
        assert {name: store.get("taste@1", name) for name in others} == others
        assert (store.spaces(), store.offset("taste@1"), store.offset("taste@2")) == (["taste@1", "taste@2"], 19, 1)
        store.put_many("taste@1", {"new": b"record"}, 20)
        assert store.get("taste@1", "new") == b"record"


def test_the_file_grows_once_and_not_with_every_deletion(tmp_path: Path) -> None:
    with OnlineStore(tmp_path) as store:
        filled(store, 0)
        sizes = []
        for _ in range(5):
            store.shred()
            sizes.append(os.path.getsize(tmp_path / "data.mdb"))
    assert sizes[-1] <= sizes[1] + 3 * 2**18, "by less than a quarter of a megabyte each time"


def test_an_empty_store_is_shredded_too(tmp_path: Path) -> None:
    with OnlineStore(tmp_path) as store:
        store.shred()
        assert store.spaces() == []


READER = """
import sys
from pathlib import Path
from palate.store.records import OnlineStore
with OnlineStore(Path(sys.argv[1]), readonly=True) as store:
    names = list(store.users("taste@2"))
    print("reading", flush=True)
    while not Path(sys.argv[1], "stop").exists():
        assert all(store.get("taste@2", name) for name in names)
    assert list(store.users("taste@2")) == names
"""


def test_another_process_reads_every_record_all_the_while(tmp_path: Path) -> None:
    with OnlineStore(tmp_path) as store:
        filled(store, 3)
        store.delete(VICTIM)
        command = [sys.executable, "-c", READER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
            assert reader.stdout is not None
            reader.stdout.readline()
            for _ in range(3):
                store.shred()
            (tmp_path / "stop").touch()
        assert reader.returncode == 0
    assert VICTIM.encode() not in (tmp_path / "data.mdb").read_bytes()


def test_one_that_was_opened_for_reading_refuses(tmp_path: Path) -> None:
    with OnlineStore(tmp_path) as store:
        store.put_many("taste@1", {"ana": b"1"}, 1)
    with OnlineStore(tmp_path, readonly=True) as store, pytest.raises(PalateError, match="opened for reading"):
        store.shred()
