"""on_repeat, old_favourites and genre_mix, against counts made by hand from the raw history."""

import re
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palate.core.errors import BadInput
from palate.core.listens import Event
from palate.retrieval.query import Query
from palate.surfaces.ask import Ask
from palate.surfaces.lists import interleaved
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Recipe
from palate.surfaces.registry import answer
from palate.surfaces.screens.genre_mix import GENRE_MIX
from palate.surfaces.screens.old_favourites import OLD_FAVOURITES, remembering
from palate.surfaces.screens.on_repeat import ON_REPEAT

from .planted import UNAVAILABLE_EVERY, Planted, planted

DAY = 86_400.0


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


def events_of(world: Planted, user: int) -> dict[int, list[tuple[float, str]]]:
    """item -> (time, "play", "skip" or "kept") of each event, by nothing that the house counts with."""
    h, out = world.inputs.history, defaultdict(list)
    mine = np.flatnonzero(h.user == user).tolist()
    for row in mine:
        event, seconds, whole = int(h.event[row]), float(h.seconds_played[row]), float(h.duration_seconds[row])
        early = event == Event.PLAY and seconds < 30 and seconds < whole / 2
        what = "skip" if early or event == Event.SKIP else "play" if event == Event.PLAY else "kept"
        out[int(h.item[row])].append((float(h.timestamp[row]), what))
    return out


def faded(events: list[tuple[float, str]], now: float) -> float:
    return sum(2.0 ** (-(now - when) / (28 * DAY)) for when, what in events if what != "skip")


def shown(world: Planted, recipe: Recipe, query: Query, n: int = 1_000) -> list[int]:
    return world.path.rank(recipe, query, n).candidates.items.tolist()


def test_on_repeat_is_what_a_hand_counts(world: Planted) -> None:
    found = 0
    for user in world.listeners(least_events=20):
        query, counted = world.query(user), {}
        for item, events in events_of(world, user).items():
            plays = [when for when, what in events if what == "play"]
            lately = bool(plays) and max(plays) >= query.now - 30 * DAY
            if lately and len(plays) >= 2 and faded(events, query.now) > 1.0 and item % UNAVAILABLE_EVERY:
                counted[item] = faded(events, query.now)
        items = shown(world, ON_REPEAT, query)
        assert set(items) == set(counted)
        assert all(counted[a] >= counted[b] - 1e-4 for a, b in pairwise(items))
        found += len(items)
    assert found > 100


def test_old_favourites_are_what_a_hand_counts(world: Planted) -> None:
    found = 0
    for user in world.listeners(least_events=20):
        query, counted = world.query(user), {}
        for item, events in events_of(world, user).items():
            plays, skips = (sum(what == one for _, what in events) for one in ("play", "skip"))
            last = max(when for when, _ in events)
            if plays >= 3 and skips <= plays and last <= query.now - 60 * DAY and item % UNAVAILABLE_EVERY:
                counted[item] = faded(events, last)
        items = shown(world, OLD_FAVOURITES, remembering(query, world.stock))
        assert set(items) == set(counted)
        assert all(counted[a] >= counted[b] - 1e-3 for a, b in pairwise(items))
        found += len(items)
    assert found > 20


def test_a_genre_mix_is_of_one_genre_in_turn(world: Planted) -> None:
    familiar = []
    for user in world.listeners(least_events=100)[:20]:
        query = world.query(user)
        heard = query.record.items[query.record.plays > 0]
        own = int(np.bincount(world.genre[heard][world.genre[heard] >= 0]).argmax())
        for genre in (own, (own + 3) % 8):
            items = shown(world, GENRE_MIX, replace(query, only=world.stock.columns.genre == genre), 10)
            assert len(items) > 5
            assert set(world.genre[items].tolist()) == {genre}
            if genre == own:
                familiar.append(float(np.isin(items, heard).mean()))
    assert 0.3 <= np.mean(familiar) <= 0.6, familiar  # half, less what the artist rule puts further down


def test_a_slate_of_a_genre_keeps_the_scores_of_its_items(world: Planted) -> None:
    query = replace(world.query(world.listeners(100)[0]), only=world.stock.columns.genre == 1)
    ranked = world.path.rank(GENRE_MIX, query, 10).candidates
    again = GENRE_MIX.score(ranked, query, world.stock, world.path.ranker)
    assert np.allclose(ranked.scores, again)


def test_strangers_have_nothing_on_repeat_and_a_genre_of_everybody(world: Planted) -> None:
    stranger = world.stranger()
    assert shown(world, ON_REPEAT, stranger) == []
    assert shown(world, OLD_FAVOURITES, remembering(stranger, world.stock)) == []
    assert len(shown(world, GENRE_MIX, replace(stranger, only=world.stock.columns.genre == 1), 10)) == 10


@given(st.lists(st.booleans(), max_size=40), st.integers(2, 10))
def test_interleaving_loses_nothing_and_keeps_each_sort_in_order(familiar: list[bool], every: int) -> None:
    mask = np.array(familiar, np.bool_)
    order = interleaved(mask, every)
    assert sorted(order.tolist()) == list(range(len(familiar)))
    for sort in (True, False):
        mine = order[mask[order] == sort]
        assert (np.diff(mine) > 0).all()
    for place in range(1, min(int(mask.sum()) * every, (~mask).sum()) + 1):
        assert mask[order[place - 1]] == (place % every == 0)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nothing_comes_twice_nor_what_was_excluded_hidden_or_taken_off_the_shelf(
    world: Planted, data: st.DataObject
) -> None:
    user = data.draw(st.sampled_from(world.listeners(least_events=20)))
    gone = data.draw(st.lists(st.integers(0, 799), max_size=40))
    hidden = data.draw(st.lists(st.integers(0, 799), max_size=40))
    query = world.query(user, exclude=tuple(gone))
    for row in hidden:
        query.record.mark(row, Event.HIDE, query.now)
    cases = (
        (ON_REPEAT, query),
        (OLD_FAVOURITES, remembering(query, world.stock)),
        (GENRE_MIX, replace(query, only=world.stock.columns.genre == data.draw(st.integers(0, 5)))),
    )
    for recipe, asked in cases:
        items = shown(world, recipe, asked, 30)
        assert len(set(items)) == len(items)
        assert not set(items) & {*gone, *hidden}
        assert all(row % UNAVAILABLE_EVERY for row in items)
        assert shown(world, recipe, asked, 30) == items


def test_what_is_said_of_a_favourite_is_what_a_hand_counts(world: Planted) -> None:
    said = 0
    for user in world.listeners(least_events=50)[:40]:
        query, events = world.query(user), events_of(world, user)
        for recipe, asked in ((ON_REPEAT, query), (OLD_FAVOURITES, remembering(query, world.stock))):
            for item in world.path.answer(recipe, asked, 20, "u").items:
                plays = [when for when, what in events[world.row_of[item.item_id]] if what == "play"]
                (one,) = item.evidence
                assert (one["type"], one["plays"]) == ("listen", len(plays))
                assert one["days_ago"] == pytest.approx((query.now - max(plays)) / DAY, abs=0.006)
                assert f"{len(plays)} times" in item.reason or "twice" in item.reason
                said += 1
    assert said > 100


@pytest.mark.slow
def test_a_home_says_why_a_list_is_empty_and_which_genres_there_are(live: LiveHome) -> None:
    for name in ("on_repeat", "old_favourites"):
        slate = answer(live, name, Ask("nobody", 20))
        assert (slate.items, slate.stranger) == ([], True)
        assert re.fullmatch(r"Nothing .*\.", slate.note or "")
        with pytest.raises(BadInput, match="answers a listener"):
            answer(live, name, Ask(None, 20))
    for genre in ("", "no such genre"):
        with pytest.raises(BadInput, match=r"needs a genre|no genre 'no such genre' here; there are for example: \w+"):
            answer(live, "genre_mix", Ask("nobody", 20, genre=genre))
    name = live.path.stock.columns.genres[1]
    assert len(answer(live, "genre_mix", Ask("nobody", 10, genre=name.upper())).items) == 10


@pytest.mark.slow
def test_a_home_blends_the_known_and_says_who_is_not(live: LiveHome) -> None:
    one, other = "sim-user-0001", "sim-user-0002"
    slates = [answer(live, "blend", Ask(a, 20, others=(b,))) for a, b in ((one, other), (other, one))]
    assert [item.item_id for item in slates[0].items] == [item.item_id for item in slates[1].items]
    assert slates[0].note == slates[1].note
    assert re.fullmatch(rf"How well each matches the others: {one} (\d+)%, {other} \1%\.", slates[0].note or "")
    assert [item for shelf in slates[0].shelves for item in shelf.items] == slates[0].items
    assert len(slates[0].items) == 20
    half = answer(live, "blend", Ask("nobody", 20, others=(one,)))
    assert (half.note, half.stranger) == ("Nothing is known yet of nobody.", True)
    assert all(one in item.reason for item in half.items)
    none = answer(live, "blend", Ask("nobody", 20, others=("no one",)))
    assert (none.note, len(none.items)) == ("Nothing is known yet of no one and nobody.", 20)
    assert not any("you" in item.reason for item in none.items)
