"""Playlists: each stay once, and removals that become known later."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palate.catalog.catalog import Catalog
from palate.catalog.playlists import PlaylistTable, load
from palate.core.errors import Corrupt
from palate.core.ids import ItemId, PlaylistId
from palate.core.items import Membership


def stay(playlist: str, item: str, **more: Any) -> Membership:
    return Membership(PlaylistId(playlist), ItemId(item), **more)


def catalog_of(folder: Path, ids: str) -> Catalog:
    catalog = Catalog.open(folder)
    catalog.ensure(ids)
    return catalog


def test_a_home_without_playlists_has_none(tmp_path: Path) -> None:
    playlists = load(tmp_path, Catalog.open(tmp_path))
    assert (len(playlists), playlists.ids, playlists.names) == (0, [], [])
    assert playlists.item.dtype == np.int32


def test_memberships_become_arrays_by_row(tmp_path: Path) -> None:
    with PlaylistTable.changing(tmp_path) as table:
        told = [
            stay("p", "b", position=4, name="Mornings", owner="ana", added=10.0),
            stay("q", "a"),
            stay("p", "gone", position=5, added=10.0, removed=20.0),
        ]
        assert table.add(told) == 3
    playlists = load(tmp_path, catalog_of(tmp_path, "ab"))
    assert playlists.playlist.tolist() == [0, 1, 0]
    assert playlists.item.tolist() == [1, 0, -1]
    assert playlists.position.tolist() == [4, 0, 5]
    np.testing.assert_array_equal(playlists.added, [10.0, np.nan, 10.0])
    np.testing.assert_array_equal(playlists.removed, [np.nan, np.nan, 20.0])
    assert (playlists.ids, playlists.names, playlists.owners) == (["p", "q"], ["Mornings", None], ["ana", None])


def test_the_same_stay_again_adds_nothing_and_takes_what_is_new(tmp_path: Path) -> None:
    table = PlaylistTable.open(tmp_path)
    assert table.add([stay("p", "a", added=1.0, name="Old"), stay("p", "b"), stay("p", "b")]) == 2
    assert table.add([stay("p", "a", added=1.0, removed=9.0, name="New"), stay("p", "b")]) == 0
    assert table.add([stay("p", "a", added=30.0)]) == 1  # put in again
    playlists = table.playlists(catalog_of(tmp_path, "ab"))
    assert playlists.item.tolist() == [0, 1, 0]
    np.testing.assert_array_equal(playlists.removed, [9.0, np.nan, np.nan])
    assert playlists.names == ["New"]


def test_adding_nothing_is_nothing(tmp_path: Path) -> None:
    table = PlaylistTable.open(tmp_path)
    assert table.add([]) == 0
    assert len(table) == 0


def test_a_damaged_file_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "playlists.parquet").write_bytes(b"junk" * 10)
    with pytest.raises(Corrupt, match="restore it from a backup"):
        PlaylistTable.open(tmp_path)
