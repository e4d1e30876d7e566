"""What a request can start from, and what it is told when nothing answers to a name."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.catalog.columns import Playlists
from palate.catalog.kept import KeptPlaylists, forget_owners
from palate.core.errors import BadInput, UnknownItem, UnknownSeed
from palate.embeddings.records import UserRecord
from palate.surfaces.choices import Choices
from palate.surfaces.seeds import MOST_OF_A_LISTENER, MOST_OF_A_NAME, Seeds

from .planted import Planted, planted

ALL = ("artist:", "show:", "genre:", "playlist:", "user:")


def playlists(stays: list[tuple[int, int, int, float]], n: int) -> Playlists:
    """(playlist, item, position, removed) -> the same as arrays."""
    playlist, item, position, removed = (list(column) for column in zip(*stays, strict=True)) if stays else ([],) * 4
    return Playlists(
        np.array(playlist, np.int32), np.array(item, np.int32), np.array(position, np.int32),
        np.zeros(len(stays)), np.array(removed, np.float64), [f"p{i}" for i in range(n)], [None] * n, ["ann"] * n,
    )  # fmt: skip


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


@pytest.fixture(scope="module")
def seeds(world: Planted) -> Seeds:
    def record(user_id: str) -> UserRecord:
        known = user_id in world.inputs.history.users
        return world.query(world.inputs.history.users.index(user_id)).record if known else world.stranger().record

    columns, plays = world.stock.columns, world.stock.trends.ever.astype(np.float64)
    choices = Choices.of(columns, plays, lambda row: world.world.items[row].collection)
    kept = KeptPlaylists.of(world.inputs.playlists)
    return Seeds(world.stock, world.row_of.get, lambda: choices, lambda: kept, record)


def test_an_item_is_its_row(world: Planted, seeds: Seeds) -> None:
    ids = [str(world.world.items[row].item_id) for row in (7, 3, 7)]
    assert seeds.rows(ids).tolist() == [7, 3]


def test_an_artist_is_what_of_theirs_is_heard_most(world: Planted, seeds: Seeds) -> None:
    columns = world.stock.columns
    name = columns.artists[int(columns.artist[world.stock.popular[0]])]
    rows = seeds.rows([f"artist:{name.upper()}"])
    assert 0 < len(rows) <= MOST_OF_A_NAME
    assert {columns.artists[code] for code in columns.artist[rows].tolist()} == {name}
    assert (np.diff(world.stock.trends.ever[rows]) <= 0).all()


def test_a_genre_and_a_show_are_theirs_alone(world: Planted, seeds: Seeds) -> None:
    rows = seeds.rows([f"genre:{world.stock.columns.genres[2]}"])
    assert set(world.genre[rows].tolist()) == {2}
    assert world.stock.columns.available[rows].all()
    show = next(item.collection for item in world.world.items if item.kind == "episode" and item.collection)
    assert {world.world.items[row].collection for row in seeds.rows([f"show:{show}"]).tolist()} == {show}


def test_a_playlist_is_what_it_holds_now_in_its_order(world: Planted, seeds: Seeds) -> None:
    stays = [one for one in world.world.playlists if one.playlist_id == world.world.playlists[0].playlist_id]
    there = sorted((one for one in stays if one.removed is None), key=lambda one: one.position or 0)
    held = list(dict.fromkeys(world.row_of[one.item_id] for one in there))
    assert seeds.rows([f"playlist:{stays[0].playlist_id}"]).tolist() == held


def test_a_listener_is_what_they_played_last(world: Planted, seeds: Seeds) -> None:
    user = world.listeners(least_events=50)[0]
    record = world.query(user).record
    rows = seeds.rows([f"user:{world.inputs.history.users[user]}"])
    latest = record.items[np.argsort(-record.heard_last, kind="stable")[:MOST_OF_A_LISTENER]]
    assert rows.tolist() == latest.tolist()


@pytest.mark.parametrize("seed", ["nope", "artist:nope", "show:nope", "genre:nope", "playlist:nope", "user:nope", *ALL])
def test_nothing_answers_to_it(seeds: Seeds, seed: str) -> None:
    with pytest.raises(UnknownItem, match=seed):
        seeds.rows([seed])


def test_what_is_no_item_says_what_was_looked_for(seeds: Seeds) -> None:
    with pytest.raises(UnknownSeed, match=r"'genre:nope'.*for example: \w+"):
        seeds.rows(["genre:nope"])
    with pytest.raises(BadInput, match="no genre ''"):
        seeds.genre("")


def test_an_item_whose_id_reads_like_a_name_wins(world: Planted, seeds: Seeds) -> None:
    odd = Seeds(seeds.stock, {"artist:x": 5}.get, seeds.choices, seeds.playlists, seeds.record)
    assert odd.rows(["artist:x"]).tolist() == [5]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(-1, 6), st.integers(0, 9), st.sampled_from([np.nan, 5.0])),
        max_size=30,
    )
)
def test_kept_playlists_are_what_a_loop_finds(stays: list[tuple[int, int, int, float]]) -> None:
    kept = KeptPlaylists.of(playlists(stays, 4))
    for number in range(4):
        there = [
            (s[2], place, s[1]) for place, s in enumerate(stays) if s[0] == number and np.isnan(s[3]) and s[1] >= 0
        ]
        held = list(dict.fromkeys(item for _, _, item in sorted(there)))
        found = kept.items(f"p{number}")
        assert (None if found is None else found.tolist()) == (held or None)


def test_kept_playlists_come_back_from_the_disk_until_their_owner_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "playlists.npz"
    kept = KeptPlaylists.of(playlists([(0, 4, 1, np.nan), (0, 2, 0, np.nan), (1, 3, 0, np.nan)], 2))
    KeptPlaylists(kept.ids, kept.names, ["ann", "bob"], kept.indptr, kept.rows).save(file)
    back = KeptPlaylists.load(file)
    assert (back.ids, back.names, back.owners, back.rows.tolist()) == (
        ["p0", "p1"], [None, None], ["ann", "bob"], [2, 4, 3],
    )  # fmt: skip
    forget_owners(file, ["ann"])
    left = KeptPlaylists.load(file)
    assert (left.ids, left.owners, left.rows.tolist(), left.items("p0")) == (["p1"], ["bob"], [3], None)
    assert b"ann" not in file.read_bytes()
    forget_owners(tmp_path / "missing.npz", ["ann"])
    assert len(KeptPlaylists.load(tmp_path / "missing.npz")) == 0
