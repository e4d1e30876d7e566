from dataclasses import replace

import numpy as np
import pytest

from palate.core.slate import Slate
from palate.ranking.arrange import ArrangeSettings
from palate.ranking.variety import IN_A_ROW_OF, SAME_ARTIST
from palate.retrieval.filters import JUST_HEARD_SECONDS
from palate.retrieval.query import Query
from palate.surfaces.path import Recipe
from palate.surfaces.screens.for_you import FOR_YOU, FOR_YOU_UNHEARD
from palate.surfaces.screens.radio import RADIO
from palate.surfaces.screens.similar import SIMILAR

from .planted import Planted, planted

RECIPES = {"for_you": FOR_YOU, "for_you, unheard": FOR_YOU_UNHEARD, "radio": RADIO, "similar": SIMILAR}
SEEDS = (101, 202)  # for every surface; for_you only takes them out of its answer
LISTENERS = 40


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


def some(world: Planted) -> list[int]:
    return world.listeners(least_events=10)[:LISTENERS]


def answer(world: Planted, recipe: Recipe, query: Query, n: int, user: str | None = "u") -> Slate:
    return world.path.answer(recipe, query, n, user)


def rows(world: Planted, slate: Slate) -> list[int]:
    return [world.row_of[item.item_id] for item in slate.items]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("n", [1, 7, 50])
def test_as_many_as_asked_for_and_nothing_twice(world: Planted, recipe: Recipe, n: int) -> None:
    for user in some(world):
        found = rows(world, answer(world, recipe, world.query(user, SEEDS), n))
        assert len(found) == len(set(found)) == n


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_what_must_not_come_back_does_not(world: Planted, recipe: Recipe) -> None:
    for user in some(world):
        first = rows(world, answer(world, recipe, world.query(user, SEEDS), 20))
        found = rows(world, answer(world, recipe, world.query(user, SEEDS, tuple(first[::2])), 20))
        assert not set(found) & {*first[::2], *SEEDS}
        assert world.inputs.columns.available[found].all()


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_same_state_gives_the_same_slate(world: Planted, recipe: Recipe) -> None:
    user = some(world)[0]
    first, second = (answer(world, recipe, world.query(user, SEEDS), 20) for _ in range(2))
    assert first == second
    other = replace(world.query(user, SEEDS), record=replace(world.query(user).record, at=world.now - 1))
    ids = {
        first.slate_id,
        answer(world, recipe, world.query(user, SEEDS), 20, "another").slate_id,
        answer(world, recipe, world.query(user, SEEDS[::-1]), 20).slate_id,
        answer(world, recipe, other, 20).slate_id,
        answer(world, recipe, world.query(user, SEEDS), 19).slate_id,
    }
    assert len(ids) == 5


def test_a_shorter_slate_is_the_beginning_of_a_longer_one(world: Planted) -> None:
    for user in some(world):
        long = rows(world, answer(world, FOR_YOU, world.query(user), 60))
        assert rows(world, answer(world, FOR_YOU, world.query(user), 10)) == long[:10]


@pytest.mark.parametrize("n", [1, 10, 49, 50, 51])
def test_ranking_fewer_gives_the_beginning_of_ranking_a_hundred(world: Planted, n: int) -> None:
    """So a batch, which has no further pages, needs to rank no more than it writes. Chance fills the 50th place."""
    for user in world.listeners(least_events=20)[:20]:
        query = replace(world.query(user), listener=f"u{user}")
        few, many = (world.path.rank(FOR_YOU, query, length).candidates for length in (n, 100))
        assert few.items.tolist() == many.items[:n].tolist()
        assert few.scores.tolist() == many.scores[:n].tolist()


def test_a_long_slate_is_filled_from_the_whole_catalogue(world: Planted) -> None:
    for user in some(world)[:5]:
        assert len(world.path.rank(FOR_YOU, world.query(user), 400).candidates) == 400


def test_a_stranger_is_told_so_and_hears_what_everybody_hears(world: Planted) -> None:
    slate = answer(world, FOR_YOU, world.stranger(), 20, "nobody")
    assert slate.stranger
    assert slate.taste_age_seconds is None
    assert len(slate.items) == 20
    assert {item.source for item in slate.items} <= {"popular", "new"}
    popular = set(world.stock.popular[:60].tolist())  # of 800: by chance there would be one or two of them
    assert len(popular.intersection(rows(world, slate))) > 10


def test_somebody_known_is_no_stranger(world: Planted) -> None:
    user = some(world)[0]
    slate = answer(world, FOR_YOU, world.query(user), 5)
    assert not slate.stranger
    assert slate.user_id == "u"
    mine = world.inputs.history.timestamp[world.inputs.history.user == user]
    assert slate.taste_age_seconds == pytest.approx(world.now - mine.max())


def test_nobody_is_no_stranger_either(world: Planted) -> None:
    assert not answer(world, SIMILAR, world.stranger(SEEDS[:1]), 5, None).stranger


def test_unheard_leaves_out_everything_heard(world: Planted) -> None:
    history = world.inputs.history
    played = history.heard()
    for user in world.listeners(least_events=1):
        heard = set(played.item[played.user == user].tolist())
        assert not heard.intersection(rows(world, answer(world, FOR_YOU_UNHEARD, world.query(user), 50)))


def test_radio_leaves_out_what_was_just_heard(world: Planted) -> None:
    history, checked = world.inputs.history, 0
    for user in some(world):
        mine = history.take(np.flatnonzero(history.user == user))
        query = replace(world.query(user, SEEDS), now=mine.end)  # as the last listen ends
        just = set(mine.item[mine.timestamp > mine.end - JUST_HEARD_SECONDS].tolist())
        slate = answer(world, RADIO, query, 30)
        assert not just.intersection(rows(world, slate))
        checked += slate.removed.get("just heard", 0)
    assert checked > 0


def test_what_was_removed_is_counted_with_its_reason(world: Planted) -> None:
    for user in some(world):
        query = world.query(user, exclude=tuple(world.stock.popular[:5].tolist()))
        slate = answer(world, FOR_YOU_UNHEARD, query, 1_000)
        assert slate.stages["retrieved"] == slate.stages["answered"] + sum(slate.removed.values())
        assert slate.stages["answered"] == len(slate.items)
        assert slate.removed["excluded by the request"] == 5
        assert slate.removed["heard before"] > 0
        assert set(slate.removed) <= {"unavailable", "excluded by the request", "heard before", "skipped lately"}


def test_scores_fall_but_for_variety(world: Planted) -> None:
    path = replace(world.path, knobs=ArrangeSettings(diversity=0.0))
    for user in some(world):
        ranked = path.rank(FOR_YOU, world.query(user), 50).candidates
        artists = world.inputs.columns.artist[ranked.items]
        for place in (np.flatnonzero(np.diff(ranked.scores) > 0) + 1).tolist():  # this one had to wait
            before = artists[max(0, place - IN_A_ROW_OF) : place - 1]
            assert (before == artists[place]).sum() >= SAME_ARTIST


def test_similar_is_the_same_for_everybody(world: Planted) -> None:
    found = [
        rows(world, answer(world, SIMILAR, query, 20))
        for query in (world.stranger((303,)), *(world.query(user, (303,)) for user in some(world)[:5]))
    ]
    assert all(one == found[0] for one in found)


def test_each_item_says_what_the_catalogue_says(world: Planted) -> None:
    for item in answer(world, FOR_YOU, world.query(some(world)[0]), 20).items:
        known = world.world.items[world.row_of[item.item_id]]
        assert (item.title, item.artists, item.kind) == (known.title, known.artists, known.kind.value)


def test_radio_goes_on_until_everything_was_played(world: Planted) -> None:
    """Asked again with what was played excluded, it has more as long as the catalogue has."""
    query, played = world.stranger((10,)), list[int]()
    while found := world.path.rank(RADIO, replace(query, exclude=np.array(played, np.int32)), 50).candidates:
        played += found.items.tolist()
    assert len(set(played)) == len(played) > 400
