"""Real exports, where they are at hand: PALATE_DATA, or data beside the repository."""

import os
from pathlib import Path

import pytest

from palate.sources.items import read_items
from palate.sources.listens import read_listens
from palate.sources.playlists import read_playlists

DATA = Path(os.environ.get("PALATE_DATA", Path(__file__).parents[3] / "shared" / "data"))
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real data at {DATA}; set PALATE_DATA")


def file(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    return path


def test_thirty_music() -> None:
    parts = list(read_listens(file("30music/listens.parquet"), {}, now=1.7e9, chunk_rows=100_000))
    assert [len(listens) for listens, _ in parts] == [100_000, 100_000, 65_252]
    assert [rejects for _, rejects in parts] == [[], [], []]
    first = parts[0][0]
    assert (first.user_id[0], first.item_id[0], first.timestamp[0]) == ("5879", "4666", 1390209882.0)
    assert first.session_id is not None
    assert first.session_id[0] == "1625958"
    assert first.seconds_played[0] == 288.0


@pytest.mark.slow
def test_spotify_songs_are_items_and_playlists() -> None:
    path = file("spotify_songs/songs.parquet")
    items = [item for some, rejects in read_items(path, {}) for item in some if not rejects]
    assert len(items) == 28_356
    assert items[0].artists == ("Ed Sheeran",)
    assert items[0].genres[:2] == ("pop", "dance pop")
    assert items[0].duration_seconds == 194.754
    members = [member for some, rejects in read_playlists(path, {}) for member in some if not rejects]
    assert len(members) == 32_833


@pytest.mark.slow
def test_the_playlist_archive_is_playlists_and_items() -> None:
    path = file("playlist_archive/memberships.parquet")
    members = [member for some, rejects in read_playlists(path, {}) for member in some if not rejects]
    assert len(members) == 70_469
    assert sum(member.removed is None for member in members) == 27_613
    items = [item for some, rejects in read_items(path, {}) for item in some if not rejects]
    assert len(items) == 50_994
    assert (items[0].artists, items[0].duration_seconds) == (("Tinashe", "ScHoolboy Q"), 227.0)
