"""What a listener says of items changes the next answer: in a world whose genres are known, and on every surface."""

from dataclasses import replace

import numpy as np
import pytest

from palate.catalog.columns import ItemColumns
from palate.core.listens import Event
from palate.listening.listeners import ListenerColumns
from palate.retrieval.filters import ALWAYS, FilterSettings
from palate.retrieval.leaning import leaned
from palate.retrieval.query import Query
from palate.surfaces.limits import limits_of
from palate.surfaces.path import Recipe
from palate.surfaces.registry import screens, surfaces
from palate.surfaces.screens.for_you import FOR_YOU

from .planted import Planted, planted


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


def marked(world: Planted, query: Query, item: int, what: Event) -> Query:
    """The query after the listener said something of an item, as a request hydrates it."""
    record = query.record.copy()
    record.mark(item, what, query.now)
    return replace(query, record=record, taste=leaned(query.taste, record.marks, query.now, world.stock))


def shown(world: Planted, query: Query, n: int = 30) -> np.ndarray:
    return world.path.rank(FOR_YOU, query, n).candidates.items


def test_more_like_raises_and_less_like_lowers_the_share_of_a_genre(world: Planted) -> None:
    shares: dict[str, list[float]] = {"before": [], "more": [], "less": []}
    for user in world.listeners(least_events=20)[:40]:
        query = world.query(user)
        before = shown(world, query)
        genre = np.bincount(world.genre[before][world.genre[before] >= 0]).argmax()  # their commonest
        item = int(before[world.genre[before] == genre][0])
        for name, asked in (("before", query), *((w, marked(world, query, item, what))
                            for w, what in (("more", Event.MORE_LIKE), ("less", Event.LESS_LIKE)))):  # fmt: skip
            shares[name].append(float((world.genre[shown(world, asked)] == genre).mean()))
    means = {name: float(np.mean(share)) for name, share in shares.items()}
    assert means["more"] > means["before"] + 0.05, means
    assert means["less"] < means["before"] - 0.05, means


@pytest.mark.parametrize("what", [Event.HIDE, Event.HIDE_ARTIST, Event.NOT_NOW])
def test_what_was_sent_away_is_not_in_the_next_answer(world: Planted, what: Event) -> None:
    artist = world.inputs.columns.artist
    for user in world.listeners(least_events=20)[:10]:
        query = world.query(user)
        item = int(shown(world, query)[0])
        after = shown(world, marked(world, query, item, what))
        assert item not in after
        if what == Event.HIDE_ARTIST:
            assert artist[item] not in artist[after]


def test_no_surface_forgets_what_nobody_may_be_given() -> None:
    """ALWAYS is in each Recipe of each file in `screens/`."""
    forgetful, checked = [], 0
    for name in surfaces():
        module = getattr(screens, name, None)
        for recipe in (one for one in vars(module).values() if isinstance(one, Recipe)) if module else ():
            checked += 1
            forgetful += [(name, one.__name__) for one in ALWAYS if one not in recipe.filters]
    assert forgetful == []
    assert checked >= 4


COLUMNS = replace(ItemColumns.unknown(2), languages=["pt-BR", "sv"], language=np.array([0, 1], np.int32))


@pytest.mark.parametrize(
    ("told", "settings", "explicit", "languages"),
    [
        ({}, FilterSettings(), True, None),
        ({}, FilterSettings(explicit=False), False, None),
        ({"explicit_ok": ["no"]}, FilterSettings(), False, None),
        ({"explicit_ok": ["TRUE"]}, FilterSettings(explicit=False), True, None),
        ({"explicit_ok": ["perhaps"]}, FilterSettings(), True, None),
        ({"languages": ["pt|de"]}, FilterSettings(), True, None),
        ({"languages": ["pt|de"]}, FilterSettings(languages="strict"), True, [0]),
        ({"languages": ["de"]}, FilterSettings(languages="strict"), True, []),
        ({"languages": [None]}, FilterSettings(languages="strict"), True, None),
    ],
)
def test_limits_are_the_homes_and_what_was_told(told, settings, explicit, languages) -> None:
    limits = limits_of(ListenerColumns(told), settings, COLUMNS)
    assert (limits.explicit, None if limits.languages is None else limits.languages.tolist()) == (explicit, languages)
