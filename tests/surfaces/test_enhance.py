"""More for a playlist: of its own spirit, and nothing that is on it."""

from dataclasses import replace

import numpy as np
import pytest

from palate.catalog.kept import KeptPlaylists
from palate.core.errors import BadInput
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer
from palate.surfaces.screens.enhance import ENHANCE

from .planted import Planted, planted


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


def added(world: Planted, seeds: list[int], n: int = 20) -> list[int]:
    query = replace(world.stranger(), seeds=np.array(seeds, np.int32))
    return world.path.rank(ENHANCE, query, n).candidates.items.tolist()


def test_half_of_a_genre_brings_more_of_it(world: Planted) -> None:
    shares = []
    for genre in range(8):
        there = np.flatnonzero((world.genre == genre) & (world.stock.trends.ever >= 3))
        found = added(world, there[::2].tolist()[:20])
        shares.append(float((world.genre[found] == genre).mean()))
    assert np.mean(shares) > 0.6


def test_the_order_of_a_list_changes_nothing(world: Planted) -> None:
    kept = KeptPlaylists.of(world.inputs.playlists)
    for playlist_id in kept.ids[:20]:
        held = (kept.items(playlist_id) if playlist_id else np.zeros(0)).tolist()
        found = added(world, held)
        assert found == added(world, held[::-1])
        assert len(set(found)) == len(found) == 20
        assert not set(found) & set(held)
        assert world.stock.columns.available[found].all()


def test_one_item_is_a_list_and_none_is_not(world: Planted) -> None:
    assert len(added(world, [int(world.stock.popular[0])])) == 20
    assert added(world, []) == []


@pytest.mark.slow
def test_a_home_enhances_its_playlists_by_their_ids(live: LiveHome) -> None:
    playlist = live.playlists.ids[0]
    held = {str(live.items.id(row)) for row in (live.playlists.items(playlist)).tolist()}
    slate = answer(live, "enhance", Ask(None, 20, (f"playlist:{playlist}",)))
    assert len(slate.items) == 20
    assert not {item.item_id for item in slate.items} & held
    assert {item.source for item in slate.items} <= {"company_of_list", "near_list"}
    with pytest.raises(BadInput, match="needs a list"):
        answer(live, "enhance", Ask("sim-user-0001", 20))
