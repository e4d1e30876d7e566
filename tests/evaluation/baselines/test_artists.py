from dataclasses import replace

import numpy as np

from palate.catalog.columns import ItemColumns
from palate.core.clock import DAY_SECONDS
from palate.evaluation.baselines import OwnArtists, standard

from ..worlds import history_of, inputs_of
from .asking import AT, goes_on, kept, lists


def columns(artist: list[int], genre: list[int] | None = None, released: list[float] | None = None) -> ItemColumns:
    n = len(artist)
    return replace(
        ItemColumns.unknown(n),
        artist=np.array(artist, np.int32),
        genre=np.array(genre or [-1] * n, np.int32),
        released=np.array(released or [np.nan] * n) * DAY_SECONDS,
    )


def test_artists_by_plays_then_genres_then_newest() -> None:
    # artist 0 made 0, 1, 2; artist 1 made 3, 4; 5 and 6 are of the genre of 3; 7 is of nobody; 8 of a strange genre
    made = columns([0, 0, 0, 1, 1, 2, 2, -1, 3], [-1, -1, -1, 5, 5, 5, 5, -1, 6], [1, 3, 2, 1, np.nan, 4, 9, 9, 9])
    known = inputs_of(history_of([(0, 0, 98.0), (0, 0, 99.0), (0, 3, 98.0)], n_items=9), columns=made)
    assert lists(OwnArtists(), known, [0]) == [[1, 2, 0, 3, 4, 6, 5]]
    assert lists(OwnArtists(), known, [0], exclude_heard=True) == [[1, 2, 4, 6, 5]]


def test_plays_fade() -> None:
    known = inputs_of(history_of([(0, 0, 10.0), (0, 0, 11.0), (0, 1, 99.0)], n_items=4), columns=columns([0, 1, 0, 1]))
    assert lists(OwnArtists(), known, [0], exclude_heard=True) == [[3, 2]]  # two plays of three half-lives ago lose
    assert lists(OwnArtists(half_life_days=1000.0), known, [0], exclude_heard=True) == [[2, 3]]


def test_what_is_not_available_is_not_recommended() -> None:
    made = replace(columns([0, 0, 0]), available=np.array([True, False, True]))
    assert lists(OwnArtists(), inputs_of(history_of([(0, 0, 99.0)], n_items=3), columns=made), [0]) == [[0, 2]]


def test_new_items_alone_can_be_asked_for() -> None:
    known = inputs_of(history_of([(0, 0, 99.0)], n_items=4), columns=columns([0, 0, 0, 1]))
    only = np.array([False, False, True, True])
    assert kept(OwnArtists().fit(known, AT).recommend(np.array([0], np.int32), 3, False, only)) == [[2]]


def test_a_playlist_goes_on_with_its_artists() -> None:
    known = inputs_of(history_of([], n_users=1, n_items=5), columns=columns([0, 0, 1, 1, 1]))
    assert goes_on(OwnArtists().fit(known, AT), [0, 2, 3], [1]) == [[4, 1], [0]]  # two of artist 1, one of artist 0


def test_it_takes_part_where_something_is_known() -> None:
    names = [method.name for method in standard(columns([0, -1]))]
    assert names == [*(method.name for method in standard()), "own-artists"]
    assert OwnArtists.takes_part(columns([-1, -1], [-1, 2]))
    assert standard(ItemColumns.unknown(3))[-1].name == standard()[-1].name
