"""The doctor: says what it looked at, finds a flipped byte, changes nothing."""

from pathlib import Path

import pytest

from palate.core.home import Home
from palate.embeddings.space import Spaces
from palate.jobs.doctor import examine

from .small_homes import empty_home


def bad(home: Home) -> dict[str, str]:
    return {one["what"]: one["found"] for one in examine(home) if not one["ok"]}


def files(home: Home) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()}


def test_a_sound_home_is_sound_and_stays_as_it_is(own: Home) -> None:
    before = files(own)
    found = {one["what"]: one["found"] for one in examine(own)}
    assert bad(own) == {}
    assert found["listening log"] == "10,278 listens"
    assert found["live space"] == "taste@1, every file as it was published"
    assert found["tastes"] == "150 listeners, level with the log"
    assert found["items"] == "600 items to show"
    changed = {path.name for path, content in files(own).items() if before.get(path) != content}
    assert changed <= {"lock.mdb", "log.sqlite-shm", "log.sqlite-wal"}


def test_a_flipped_byte_in_any_published_file_is_found(own: Home) -> None:
    folder = Spaces(own.spaces).live.folder
    names = [path for path in sorted(folder.rglob("*")) if path.is_file() and path != folder / "manifest.json"]
    assert len(names) > 6
    for path in names:
        content = path.read_bytes()
        place = len(content) // 2
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert list(bad(own)) == ["live space"], path.name
        assert f"{path} is not what was published" in bad(own)["live space"]
        path.write_bytes(content)
    assert bad(own) == {}


@pytest.mark.parametrize("name", ["manifest.json", "encoder.npz"])
def test_a_missing_file_is_found(own: Home, name: str) -> None:
    (Spaces(own.spaces).live.folder / name).unlink()
    assert "live space" in bad(own)


def test_a_damaged_store_is_found(own: Home) -> None:
    data = own.online / "records" / "data.mdb"
    data.write_bytes(b"\0" * data.stat().st_size)
    assert "damaged" in bad(own)["tastes"]


def test_each_missing_thing_says_what_to_do(tmp_path: Path) -> None:
    assert "run: palate" in bad(Home(tmp_path / "nowhere"))["home"]
    assert not (tmp_path / "nowhere").exists()
    found = bad(empty_home(tmp_path / "home"))
    assert found.keys() == {"live space", "items", "tastes"}
    assert all("run `palate train`" in text for text in found.values())
