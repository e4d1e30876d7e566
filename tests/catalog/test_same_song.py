"""Titles as they stand in real catalogues, and which of them are the same song."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.catalog.same_song import song_codes, song_key

SAME = [
    ("Here Comes the Sun", "Here Comes The Sun - Remastered 2009"),
    ("Here Comes the Sun", "Here Comes the Sun (2019 Mix)"),
    ("Heroes", "Heroes - 2017 Remaster"),
    ("Heroes", '"Heroes" (Single Version) [2014 Remastered Version]'),
    ("Dreams", "Dreams (2004 Remaster)"),
    ("Bohemian Rhapsody", "Bohemian Rhapsody - 2011 Mix"),
    ("Like a Prayer", "Like a Prayer (Album Version)"),
    ("Stan", "Stan (feat. Dido)"),
    ("Stan", "Stan feat. Dido"),
    ("Stan", "Stan ft. Dido - Radio Edit"),
    ("Umbrella", "Umbrella [Explicit]"),
    ("Bad Guy", "bad guy (with Justin Bieber)"),
    ("Shallow", "Shallow (From A Star Is Born Soundtrack)"),
    ("Don't Stop Me Now", "Don’t Stop Me Now (Official Video)"),
    ("Rock & Roll", "Rock and Roll - Mono Version"),
    ("Wish You Were Here", "Wish You Were Here (Remastered) [Bonus Track]"),
    ("Jolene", "Jolene - Digitally Remastered"),
    ("Blue Monday", "Blue Monday - 2015 Remastered Version"),
]
OTHER = [
    ("Here Comes the Sun", "Here Comes the Sun (Live)"),
    ("Heroes", "Heroes - Live at Wembley / 2017 Remaster"),
    ("Stan", "Stan (Instrumental)"),
    ("Blue Monday", "Blue Monday - Hardfloor Mix"),
    ("Blue Monday", "Blue Monday (Extended Version)"),
    ("Layla", "Layla (Acoustic)"),
    ("Love Story", "Love Story (Taylor's Version)"),
    ("Another Brick in the Wall, Pt. 1", "Another Brick in the Wall, Pt. 2"),
    ("Jolene", "Jolene - Demo"),
    ("1979", "1979 (Remix)"),
    ("Without You", "With You"),
    ("Video", "Video Killed the Radio Star"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_song(one: str, other: str) -> None:
    assert song_key(one) == song_key(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_another_song(one: str, other: str) -> None:
    assert song_key(one) != song_key(other)


@pytest.mark.parametrize(
    "title", ["1979", "Video", "Deluxe", "Clean", "Live", "4:44", "(You Drive Me) Crazy", "三日月"]
)
def test_a_title_made_of_such_words_stays_a_title(title: str) -> None:
    assert song_key(title)


def test_codes_by_artist_and_only_for_tracks() -> None:
    titles = ["Dreams", "Dreams (2004 Remaster)", "Dreams", "Dreams", None, "???", "Dreams"]
    artist = np.array([0, 0, 1, -1, 0, 0, 0], np.int32)
    track = np.array([True, True, True, True, True, True, False])
    assert song_codes(titles, artist, track).tolist() == [0, 0, 1, -1, -1, -1, -1]


@given(st.text(max_size=40))
def test_a_name_is_its_own_name(title: str) -> None:
    assert song_key(song_key(title)) == song_key(title)
