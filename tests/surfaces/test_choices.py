import doctest
from dataclasses import replace

import numpy as np

import palate.surfaces.choices as module
from palate.catalog.columns import ItemColumns
from palate.core.items import KINDS, Kind
from palate.surfaces.choices import ARTIST, SHOW, Choices, folded

TRACK, EPISODE = KINDS.index(Kind.TRACK), KINDS.index(Kind.EPISODE)


def catalogue() -> Choices:
    """Two spellings of one artist, another, a show whose host is an artist too, an item of nobody, a withdrawn one."""
    columns = replace(
        ItemColumns.unknown(8),
        kind=np.array([TRACK, TRACK, TRACK, EPISODE, EPISODE, TRACK, TRACK, EPISODE], np.uint8),
        artist=np.array([0, 1, 2, 2, 2, -1, 3, 2], np.int32),
        artists=["BEYONCE", "Beyoncé", "Ana", "Gone"],
        language=np.array([0, 0, 1, 1, -1, 0, 0, 0], np.int32),
        languages=["en", "pt-BR"],
        available=np.array([True] * 6 + [False, True]),
    )
    plays = np.array([3.0, 5.0, 4.0, 1.0, 6.0, 9.0, 9.0, 0.0])
    return Choices.of(columns, plays, {3: "Jazz Hour", 4: "jazz hour", 7: None}.get)


def test_the_docstrings_hold() -> None:
    assert doctest.testmod(module).failed == 0


def test_spellings_are_one_choice_and_the_most_heard_comes_first() -> None:
    found = catalogue()
    assert list(zip(found.kinds, found.names, found.plays.tolist(), strict=True)) == [
        (ARTIST, "Beyoncé", 8.0), (SHOW, "jazz hour", 7.0), (ARTIST, "Ana", 4.0),
    ]  # fmt: skip
    assert [found.items(place).tolist() for place in range(3)] == [[1, 0], [4, 3], [2]]
    assert found.languages == ["en", None, "pt-BR"]


def test_names_are_found_whatever_their_case_and_accents() -> None:
    found = catalogue()
    assert [found.find(ARTIST, name) for name in ("beyonce", "BEYONCÉ ", "Ana", "Gone", "Jazz Hour", "")] == [
        0, 0, 2, None, None, None,
    ]  # fmt: skip
    assert found.find(SHOW, "Jazz hour!") == 1


def test_names_of_signs_alone_are_not_all_the_same() -> None:
    assert folded("!!!") != folded("???")


def test_a_catalogue_of_ids_alone_has_no_choices() -> None:
    found = Choices.of(ItemColumns.unknown(5), np.ones(5), lambda row: None)
    assert len(found) == 0
    assert found.heard().tolist() == []
    assert found.find(ARTIST, "anybody") is None


def test_what_nobody_heard_is_offered_only_where_nothing_was_heard() -> None:
    found = catalogue()
    assert found.heard().tolist() == [0, 1, 2]
    assert replace(found, plays=np.array([1.0, 0.0, 0.0])).heard().tolist() == [0]
    assert replace(found, plays=np.zeros(3)).heard().tolist() == [0, 1, 2]
