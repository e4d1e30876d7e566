"""The map of a space: who is near whom by hand, labels that come from elsewhere, planted groups that stay apart."""

import re
import xml.etree.ElementTree as Xml
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.catalog.columns import ItemColumns, Playlists
from palate.core.errors import BadInput, NotTrained
from palate.core.home import Home
from palate.embeddings.inputs import Inputs
from palate.embeddings.space import Spaces
from palate.jobs.importing import import_items, import_playlists

from .halves import history_of

CORNERS = np.array([0.0, 1.0, 2.0, 90.0, 91.0, 92.5])  # degrees: two groups of three


def on_circle(degrees: np.ndarray) -> np.ndarray:
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def groups(*of: int) -> sp.csr_matrix:
    """(items, groups): each item in one, -1 for none."""
    table = np.zeros((len(of), max(of) + 1))
    for row, group in enumerate(of):
        if group >= 0:
            table[row, group] = 1
    return sp.csr_matrix(table)


@pytest.fixture(scope="module")
def nearest():
    from atlas import nearest

    return nearest


@pytest.fixture(scope="module")
def views():
    from atlas import views

    return views


@pytest.fixture(scope="module")
def drawing():
    from atlas import drawing

    return drawing


@pytest.fixture(scope="module")
def space_map():
    import space_map

    return space_map


def test_share_and_chance_by_hand(nearest) -> None:
    found = nearest.agreement(on_circle(CORNERS), groups(0, 0, 1, 1, 1, 0), n=2)
    # the two nearest of each are the two others of its corner
    assert found.share.tolist() == [1 / 2, 1 / 2, 0.0, 1 / 2, 1 / 2, 0.0]
    assert found.chance == pytest.approx([2 / 5] * 6)
    assert found.means == pytest.approx((2 / 6, 2 / 5))


def test_who_shares_a_group_is_neither_neighbour_nor_chance(nearest) -> None:
    artists = groups(0, 0, -1, -1, -1, -1)
    found = nearest.agreement(on_circle(CORNERS), groups(0, 0, 1, 1, 1, 0), [artists], n=1)
    assert found.share[:2].tolist() == [0.0, 0.0]  # the third is the nearest that is left
    assert found.chance[:3] == pytest.approx([1 / 4, 1 / 4, 2 / 5])


def test_one_common_label_of_several_is_enough(nearest) -> None:
    labels = sp.csr_matrix(np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]]))
    found = nearest.agreement(on_circle(np.array([0.0, 10.0, 30.0])), labels, n=1)
    assert found.share.tolist() == [1.0, 1.0, 1.0]
    assert found.chance.tolist() == [1 / 2, 1.0, 1 / 2]


def test_an_item_that_nobody_is_left_for_has_no_share(nearest) -> None:
    found = nearest.agreement(on_circle(np.array([0.0, 10.0])), groups(0, 0), [groups(0, 0)])
    assert np.isnan(found.share).all()
    assert np.isnan(found.means).all()


def test_only_so_many_are_asked_about(nearest) -> None:
    found = nearest.agreement(on_circle(CORNERS), groups(0, 0, 0, 0, 0, 0), asked=4)
    assert np.isfinite(found.share).sum() == 4


def test_the_order_of_the_catalogue_does_not_decide_among_equals(nearest) -> None:
    n = 400  # all in one place, sorted by label: by row, all neighbours would be alike
    labels = groups(*[row * 4 // n for row in range(n)])
    share, chance = nearest.agreement(np.tile(on_circle(np.zeros(1)), (n, 1)), labels).means
    assert abs(share - chance) < 0.1


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(1, 4), st.integers(0, 1_000))
def test_turning_the_space_changes_nothing(n: int, n_labels: int, seed: int) -> None:
    from atlas.nearest import agreement

    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(n, 6))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    labels = groups(*rng.integers(0, n_labels, n).tolist())
    # Enough neighbours that all are taken, whatever rounding says about who is before whom.
    one, other = (agreement(vectors.astype(np.float32), labels, n=n) for vectors in (directions, directions @ turn))
    assert one.share == pytest.approx(other.share)
    assert one.share == pytest.approx(one.chance)


@pytest.mark.slow
def test_planted_groups_are_apart_on_the_map(drawing) -> None:
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1], 40)
    directions = np.eye(2, 10)[group] + rng.normal(size=(80, 10)) * 0.1
    directions = (directions / np.linalg.norm(directions, axis=1, keepdims=True)).astype(np.float32)
    points = drawing.flattened(directions)
    assert points.shape == (80, 2)
    centres = np.stack([points[group == one].mean(axis=0) for one in (0, 1)])
    assert (np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1) == group).all()
    assert np.array_equal(points, drawing.flattened(directions))


def test_too_few_items_for_a_map(drawing) -> None:
    with pytest.raises(BadInput, match="3 items are too few"):
        drawing.flattened(np.eye(3, dtype=np.float32))


def test_every_item_is_one_mark_and_the_words_are_escaped(drawing) -> None:
    points = np.random.default_rng(0).normal(size=(30, 2))
    group = np.array([0] * 20 + [1] * 7 + [-1] * 3)
    tree = Xml.fromstring(drawing.picture(points, group, ["r&b", "a<b"], ["A <title>"]))
    text = ["".join(one.itertext()) for one in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert text == ["A <title>", "r&b 20", "a<b 7", "several 3"]
    paths = [one for one in tree.iter("{http://www.w3.org/2000/svg}path") if "key" not in one.attrib["class"]]
    spots = [re.findall(r"M([\d.]+) ([\d.]+)", one.attrib["d"]) for one in paths]
    assert sum(map(len, spots)) == 30
    _, _, width, height = map(float, tree.attrib["viewBox"].split())
    assert all(0 <= float(x) <= width and 0 <= float(y) <= height for found in spots for x, y in found)


def test_beyond_the_marks_there_are_groups_share_one(drawing) -> None:
    group = np.repeat(np.arange(14), np.arange(15, 1, -1))
    names = [f"g{one}" for one in range(14)]
    picture = drawing.picture(np.random.default_rng(0).normal(size=(len(group), 2)), group, names, ["A"])
    assert "several, rarer 5<" in picture
    assert "g12" not in picture


def lists(rows: list[tuple[int, int]]) -> Playlists:
    """(playlist, item) pairs."""
    playlist, item = (np.array(column, np.int32) for column in zip(*rows, strict=True))
    ids = [f"p{number}" for number in range(playlist.max() + 1)]
    unknown = np.full(len(rows), np.nan)
    return Playlists(
        playlist, item, np.zeros(len(rows), np.int32), unknown, unknown, ids, [None] * len(ids), [None] * len(ids)
    )


def test_borrowed_and_unlabelled_items_are_left_out(views) -> None:
    nobody = history_of(np.zeros(0, int), np.zeros(0, int), np.zeros(0), 0, 4)
    columns = replace(ItemColumns.unknown(4), artist=np.array([0, 0, 1, -1], np.int32), artists=["a", "b"])
    inputs = Inputs(nobody, lists([(0, 0), (0, 2), (1, 3)]), columns)
    vectors = np.ones((4, 3), np.float32)  # item 1 has borrowed its artist's
    view = views.view_of("here", vectors, inputs, {"genre": (["x", "y"], groups(0, 1, 1, -1))})
    assert len(view) == 2  # items 0 and 2
    assert view.left_out == {"without company": 1}
    assert view.directions == pytest.approx(np.full((2, 2), 0.5**0.5))
    assert view.playlists.toarray()[:, :2].tolist() == [[1, 0], [1, 0]]
    with pytest.raises(BadInput, match="no item has both"):
        views.view_of("here", vectors * 0, inputs, {"genre": (["x"], groups(0, 0, 0, 0))})


def planted(path: Path) -> Path:
    """Two genres of 20 songs, 12 playlists of 10 songs in each; a song's name tells its genre."""
    rng = np.random.default_rng(0)
    rows = [
        (f"{genre}{song}", f"artist {genre}{song}", f"{genre}-{number}", genre, f"sub {genre}")
        for genre in ("rock", "jazz")
        for number in range(12)
        for song in rng.permutation(20)[:10]
    ]
    names = ["track_id", "track_artist", "playlist_id", "playlist_genre", "playlist_subgenre"]
    pl.DataFrame(rows, schema=names, orient="row").write_parquet(path)
    return path


def test_planted_genres_are_found_by_playlists_that_did_not_teach(views, nearest, tmp_path: Path) -> None:
    file = planted(tmp_path / "songs.parquet")
    table = views.read_songs(file)
    songs = views.Songs.beside(table, [file], tmp_path / "home")
    assert songs.inputs.columns.genres == []  # labels never reach the catalogue
    taught, labelling = songs.halved(0)
    teaching = {one for one, teaches in zip(songs.inputs.playlists.ids, taught, strict=True) if teaches}
    assert len(teaching) == 12
    assert teaching.isdisjoint(table["playlist_id"].to_numpy()[labelling])
    assert teaching | set(table["playlist_id"].to_numpy()[labelling]) == set(table["playlist_id"])
    view = songs.view("half", taught, labelling)
    share, chance = nearest.agreement(view.directions, view.labels["genre"][1], n=5).means
    assert share > 0.95
    assert chance < 0.6


def test_the_table_and_the_picture_of_songs(space_map, tmp_path: Path) -> None:
    file = planted(tmp_path / "songs.parquet")
    found = space_map.of_songs(file, None, 2)
    text = space_map.told(found)
    assert text.count("| half of songs, the other half |") == 2
    assert text.count("| songs, the same playlists | genre | 40 |") == 1
    assert "SIMULATED" not in space_map.drawn(found[0][0], ["Songs"])
    assert "SIMULATED: Songs" in space_map.drawn(replace(found[0][0], simulated=True), ["Songs"])


def test_several_labels_are_no_label_on_the_map(space_map) -> None:
    assert space_map.only_label(np.array([[0, 2], [1, 1], [3, 0]])).tolist() == [1, -1, 0]


def test_a_table_without_genres_says_what_it_lacks(views, tmp_path: Path) -> None:
    pl.DataFrame({"track_id": ["a"], "playlist_id": ["b"]}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(BadInput, match="no column playlist_genre, playlist_subgenre"):
        views.read_songs(tmp_path / "x.parquet")


def test_a_home_without_a_space_says_so(views, tmp_path: Path) -> None:
    with pytest.raises(NotTrained):
        views.home_view(Home(tmp_path), "track")


def test_a_home_shows_the_genres_of_one_kind(views, tmp_path: Path) -> None:
    home, file = Home(tmp_path), tmp_path / "items.csv"
    home.settings.touch()
    file.write_text(
        "item_id,kind,genres,playlist_id\na,track,rock,p\nb,track,jazz,p\nc,episode,news,p\nd,track,rock,\n",
        encoding="utf-8",
    )
    import_items(home, [file], {}, False, 0.0)
    import_playlists(home, [file], {}, False, 0.0)  # d stands nowhere: its row is refused
    vectors = np.array([[3, 4, 9], [0, 2, 9], [1, 0, 9], [1, 1, 9]], np.float32)
    spaces = Spaces(home.spaces)
    spaces.publish({}, lambda folder: np.save(folder / "item_vectors.npy", vectors))
    spaces.promote("taste@1", "a test")
    view = views.home_view(home, "track")
    assert view.directions == pytest.approx(np.array([[0.6, 0.8], [0.0, 1.0]], np.float32))
    names, table = view.labels["genre"]
    assert [names[one] for one in table.toarray().argmax(axis=1)] == ["rock", "jazz"]
    assert view.left_out == {"without company": 1}
    assert not view.simulated
    assert len(views.home_view(home, "episode")) == 1
