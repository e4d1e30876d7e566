"""Versions: whole or absent, never changed, and always known which one is live.

What an alias is, and how its history is kept, is in tests/core/test_aliases.py.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.artefacts import read_json, write_json
from palate.core.errors import BadInput, Corrupt, NotTrained
from palate.embeddings.company import NEIGHBOURS, Company
from palate.embeddings.encoder import Encoder
from palate.embeddings.space import FORMAT, Space, Spaces

VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)


def fill(folder: Path) -> None:
    """A whole small space, with an artefact of another room in a folder of its own."""
    np.save(folder / "item_vectors.npy", VECTORS)
    Encoder(np.ones((10, 3), np.float32)).save(folder / "encoder.npz")
    nobody = np.full((4, NEIGHBOURS), -1, np.int32)
    Company(nobody, np.zeros((4, NEIGHBOURS), np.float32), np.zeros_like(nobody)).save(folder / "company.npz")
    (folder / "index").mkdir()
    write_json(folder / "index" / "manifest.json", {"kind": "exact"})


@pytest.fixture
def spaces(tmp_path: Path) -> Spaces:
    return Spaces(tmp_path / "spaces")


def publish(spaces: Spaces, **manifest: Any) -> Space:
    return spaces.publish(manifest, fill)


def labels(spaces: Spaces) -> list[str]:
    return [space.label for space in spaces.versions()]


def test_what_is_published_is_read_back(spaces: Spaces) -> None:
    before = time.time()
    space = publish(spaces, dim=3, items=4, name="a manifest cannot rename a space")
    again = spaces.get("taste@1")
    assert again.folder == space.folder == spaces.folder / "taste@1"
    np.testing.assert_array_equal(again.item_vectors, VECTORS)
    assert not again.item_vectors.flags.writeable
    assert (again.encoder.dim, again.company.items.shape) == (3, (4, NEIGHBOURS))
    told = again.manifest
    assert (told["name"], told["version"], told["format"], told["dim"], told["items"]) == ("taste", 1, FORMAT, 3, 4)
    assert before <= told["created"] <= time.time()
    assert sorted(told["files"]) == ["company.npz", "encoder.npz", "index/manifest.json", "item_vectors.npy"]
    again.verify()


def test_versions_are_counted_as_numbers_and_other_folders_are_none(spaces: Spaces) -> None:
    for _ in range(11):
        publish(spaces)
    for other in ("taste@x", "taste@12.old", ".taste@12.1.tmp", "notes"):
        (spaces.folder / other).mkdir()
    assert labels(spaces) == [f"taste@{number}" for number in range(1, 12)]
    assert spaces.next_label() == "taste@12"


def test_an_empty_home_has_no_versions_and_none_is_live(spaces: Spaces) -> None:
    assert (spaces.versions(), spaces.history(), spaces.next_label()) == ([], [], "taste@1")
    with pytest.raises(NotTrained, match="palate train"):
        _ = spaces.live
    with pytest.raises(BadInput, match="no earlier"):
        _ = spaces.previous


def test_an_unknown_label_is_refused_with_what_there_is(spaces: Spaces) -> None:
    with pytest.raises(BadInput, match="none yet, run `palate train`"):
        spaces.get("taste@1")
    publish(spaces)
    publish(spaces)
    for unknown in ("taste@3", "taste", "../taste@1", ""):
        with pytest.raises(BadInput, match="there are: taste@1, taste@2"):
            spaces.get(unknown)
        with pytest.raises(BadInput, match="no space"):
            spaces.promote(unknown, why="test")
    assert spaces.history() == []


def test_a_fill_that_fails_publishes_nothing_and_leaves_nothing(spaces: Spaces) -> None:
    def half(folder: Path) -> None:
        fill(folder)
        raise BadInput("the source ended early")

    with pytest.raises(BadInput, match="ended early"):
        spaces.publish({}, half)
    assert list(spaces.folder.iterdir()) == []
    assert publish(spaces).label == "taste@1"


def test_a_published_version_is_never_overwritten(spaces: Spaces) -> None:
    """Two publish at once: the first to finish has the label, the other gets an error."""

    def overtaken(folder: Path) -> None:
        (folder / "item_vectors.npy").write_bytes(b"second")
        first = spaces.folder / "taste@1"
        first.mkdir()
        fill(first)

    with pytest.raises(OSError):
        spaces.publish({}, overtaken)
    np.testing.assert_array_equal(Space(spaces.folder / "taste@1").item_vectors, VECTORS)


def test_a_label_is_not_given_twice_even_when_its_folder_is_gone(spaces: Spaces) -> None:
    """Else vectors and records that carry the label would meet those of another model."""
    publish(spaces)
    newest = publish(spaces)
    spaces.promote(newest.label, why="test")
    newest.folder.rename(spaces.folder / "gone")
    assert publish(spaces).label == "taste@3"
    with pytest.raises(BadInput, match="taste@2"):
        _ = spaces.live


@given(st.data())
def test_any_flipped_byte_is_found_and_named(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    space = publish(Spaces(tmp_path_factory.mktemp("spaces")))
    name = data.draw(st.sampled_from(sorted(space.manifest["files"])))
    content = bytearray((space.folder / name).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (space.folder / name).write_bytes(content)
    with pytest.raises(Corrupt, match=name):
        space.verify()


def test_a_missing_file_is_found_and_named(spaces: Spaces) -> None:
    space = publish(spaces)
    (space.folder / "company.npz").unlink()
    with pytest.raises(Corrupt, match=r"company\.npz"):
        space.verify()


@pytest.mark.parametrize(
    ("name", "part"), [("item_vectors.npy", "item_vectors"), ("encoder.npz", "encoder"), ("company.npz", "company")]
)
def test_a_damaged_part_says_what_to_do_when_it_is_read(spaces: Spaces, name: str, part: str) -> None:
    space = publish(spaces)
    for damage in (b"", b"no array", (space.folder / name).read_bytes()[:100]):
        (space.folder / name).write_bytes(damage)
        with pytest.raises(Corrupt, match="train again"):
            getattr(Space(space.folder), part)
    (space.folder / name).unlink()
    with pytest.raises(Corrupt, match="train again"):
        getattr(Space(space.folder), part)


def test_a_space_of_a_newer_palate_is_refused_with_its_format(spaces: Spaces) -> None:
    path = publish(spaces).folder / "manifest.json"
    write_json(path, read_json(path) | {"format": FORMAT + 1})
    with pytest.raises(Corrupt, match="has format 2, this Palate reads 1"):
        _ = spaces.get("taste@1").manifest


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe"])
def test_a_manifest_that_is_missing_or_damaged_is_refused(spaces: Spaces, content: bytes | None) -> None:
    path = publish(spaces).folder / "manifest.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Corrupt, match=r"manifest\.json"):
        spaces.get("taste@1").verify()


def test_promoting_moves_live_and_every_move_stays_on_record(spaces: Spaces) -> None:
    for _ in range(3):
        publish(spaces)
    moves = [("taste@1", "trained"), ("taste@3", "better"), ("taste@3", "again"), ("taste@1", "rolled back")]
    before = time.time()
    for label, why in moves:
        spaces.promote(label, why)
        assert spaces.live.label == label
    entries = spaces.history()
    assert [(entry["space"], entry["why"]) for entry in entries] == moves
    assert {entry["alias"] for entry in entries} == {"live"}
    times = [before, *(entry["time"] for entry in entries), time.time()]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("promoted", "previous"), [((1, 2), 1), ((1, 2, 2), 1), ((1, 2, 3, 2), 3), ((1, 2, 1), 2), ((3, 1), 3)]
)
def test_the_previous_one_is_what_was_live_before(spaces: Spaces, promoted: tuple[int, ...], previous: int) -> None:
    for _ in range(3):
        publish(spaces)
    for number in promoted:
        spaces.promote(f"taste@{number}", why="test")
    assert spaces.previous == f"taste@{previous}"


def test_the_only_one_that_was_ever_live_has_no_previous(spaces: Spaces) -> None:
    publish(spaces)
    spaces.promote("taste@1", why="one")
    spaces.promote("taste@1", why="two")
    with pytest.raises(BadInput, match="no earlier live version"):
        _ = spaces.previous
    with pytest.raises(BadInput, match="no earlier live version"):
        spaces.rollback("test")


def test_rollbacks_go_back_one_promotion_each_and_pass_over_what_is_gone(spaces: Spaces) -> None:
    for _ in range(4):
        spaces.promote(publish(spaces).label, why="test")
    (spaces.folder / "taste@2").rename(spaces.folder / "gone")
    assert spaces.previous == "taste@3"
    assert [spaces.rollback("test").space, spaces.previous] == ["taste@3", "taste@1"]
    assert [spaces.rollback("test").space, spaces.live.label] == ["taste@1", "taste@1"]
    with pytest.raises(BadInput, match="no earlier"):
        spaces.rollback("test")


def test_next_waits_beside_live_and_is_kept_in_use_with_the_one_to_roll_back_to(spaces: Spaces) -> None:
    for _ in range(4):
        publish(spaces)
    assert spaces.in_use == []
    spaces.propose("taste@2", "trained")
    with pytest.raises(NotTrained, match="palate space promote taste@2"):
        _ = spaces.live
    spaces.promote("taste@1", "test")
    spaces.promote("taste@3", "test")
    assert (spaces.live.label, spaces.in_use) == ("taste@3", ["taste@3", "taste@1", "taste@2"])
    spaces.aliases.refuse("taste@4", "worse")
    assert [entry["space"] for entry in spaces.history()] == ["taste@1", "taste@3"]
    spaces.promote("taste@2", "test")
    assert spaces.in_use == ["taste@2", "taste@3"]


def test_a_damaged_history_is_read_but_not_gone_on_with(spaces: Spaces) -> None:
    for _ in range(2):
        spaces.promote(publish(spaces).label, why="test")
    path = spaces.folder / "aliases.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"test"', b'"tset"', 1))
    assert spaces.live.label == "taste@2"
    with pytest.raises(Corrupt, match=r"aliases\.jsonl, line 1"):
        spaces.promote("taste@1", why="test")
    assert spaces.live.label == "taste@2"
    assert spaces.rollback("test").space == "taste@1"


PUBLISHER = """
import sys
from pathlib import Path
from palate.embeddings.space import Spaces

def fill(folder):
    (folder / "part").mkdir()
    for number in range(20):
        (folder / "part" / str(number)).write_bytes(bytes([number]) * 10_000)
    print("filled", flush=True)
    if sys.argv[2] == "wait":
        sys.stdin.read()

while True:
    Spaces(Path(sys.argv[1])).publish({"whole": True}, fill)
"""


def publisher(folder: Path, mode: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PUBLISHER, str(folder), mode]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def kill(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_kill_9_while_publishing_leaves_no_half_version_and_the_next_one_works(spaces: Spaces) -> None:
    publish(spaces)
    process = publisher(spaces.folder, "wait")
    assert process.stdout is not None
    assert process.stdout.readline() == "filled\n"
    assert labels(spaces) == ["taste@1"]
    kill(process)
    leftover = [path.name for path in spaces.folder.iterdir() if path.name.startswith(".")]
    assert leftover == [f".taste@2.{process.pid}.tmp"]
    assert labels(spaces) == ["taste@1"]
    assert publish(spaces).label == "taste@2"
    assert sorted(path.name for path in spaces.folder.iterdir()) == ["taste@1", "taste@2"]
    spaces.get("taste@2").verify()


@pytest.mark.slow
def test_kill_9_at_any_moment_leaves_only_whole_versions(spaces: Spaces) -> None:
    for turn in range(8):
        process = publisher(spaces.folder, "go on")
        assert process.stdout is not None
        for _ in range(turn + 1):
            assert process.stdout.readline() == "filled\n"
        time.sleep(0.003 * turn)
        kill(process)
        assert len(spaces.versions()) >= turn
        for space in spaces.versions():
            assert space.manifest["whole"]
            assert len(space.manifest["files"]) == 20
            space.verify()
    publish(spaces).verify()


def test_a_pinned_version_is_in_use_whatever_is_live(spaces: Spaces) -> None:
    for _ in range(3):
        spaces.promote(publish(spaces).label, "test")
    assert spaces.in_use == ["taste@3", "taste@2"]
    spaces.pin("churn-model", "taste@1", "trained in May")
    assert spaces.in_use == ["taste@3", "taste@2", "taste@1"]
    with pytest.raises(BadInput, match="no space 'taste@9'"):
        spaces.pin("churn-model", "taste@9", "test")
    spaces.unpin("churn-model", "moved")
    assert spaces.in_use == ["taste@3", "taste@2"]


def test_a_retired_version_is_gone_and_its_label_with_it(spaces: Spaces) -> None:
    for _ in range(3):
        spaces.promote(publish(spaces).label, "test")
    entry = spaces.retire("taste@1", "nobody asks for it")
    assert (entry.space, entry.move, entry.why) == ("taste@1", "retire", "nobody asks for it")
    assert labels(spaces) == ["taste@2", "taste@3"]
    assert sorted(path.name for path in spaces.folder.iterdir()) == ["aliases.jsonl", "taste@2", "taste@3"]
    with pytest.raises(BadInput, match="no space 'taste@1'; there are: taste@2, taste@3"):
        spaces.retire("taste@1", "again")
    assert publish(spaces).label == "taste@4"


def test_what_somebody_may_ask_for_is_not_retired(spaces: Spaces) -> None:
    for _ in range(2):
        spaces.promote(publish(spaces).label, "test")
    spaces.propose(publish(spaces).label, "test")
    publish(spaces)
    spaces.pin("ads", "taste@4", "test")
    for label, use in (
        ("taste@1", "a rollback goes to it"), ("taste@3", "it is next"), ("taste@4", "ads has pinned it"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=f"{label} is in use: {use}; retire it all the same with --force --why"):
            spaces.retire(label, "test")
    for force in (False, True):
        with pytest.raises(BadInput, match="taste@2 is live; promote another version or roll back first"):
            spaces.retire("taste@2", "test", force)
    assert labels(spaces) == [f"taste@{number}" for number in range(1, 5)]
    for label in ("taste@1", "taste@3", "taste@4"):
        spaces.retire(label, "test", force=True)
    assert (labels(spaces), spaces.fallback, spaces.in_use) == (["taste@2"], None, ["taste@2"])
    spaces.aliases.verify()


def test_retiring_that_was_killed_is_ended_by_retiring_again(spaces: Spaces, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is there and the folder still is: nothing goes back to it meanwhile."""
    for _ in range(3):
        spaces.promote(publish(spaces).label, "test")

    def killed(*_: object) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            spaces.retire("taste@2", "test", force=True)
    assert labels(spaces) == ["taste@1", "taste@2", "taste@3"]
    assert spaces.fallback == "taste@1"
    with pytest.raises(BadInput, match="was retired"):
        spaces.promote("taste@2", "test")
    spaces.retire("taste@2", "test")
    assert labels(spaces) == ["taste@1", "taste@3"]
    assert spaces.rollback("test").space == "taste@1"
