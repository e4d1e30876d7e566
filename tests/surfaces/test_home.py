"""home: shelves that say true things, share no item, and stand in the order of what they are worth."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.errors import BadInput
from palate.core.listens import Event
from palate.core.slate import Shelf, Slate
from palate.retrieval.query import Query
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer
from palate.surfaces.screens.home import drafts_of
from palate.surfaces.shelves.draft import Drafting
from palate.surfaces.shelves.filling import LEAST_ITEMS, MOST_SHELVES, fill, slate, width_of, worth

from .counted import Counted
from .planted import Planted, planted


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


@pytest.fixture(scope="module")
def facts(world: Planted) -> Counted:
    return Counted(world)


def home(world: Planted, query: Query, n: int = 60) -> Slate:
    on = Drafting(world.path, query, 4 * width_of(n))
    drafts = drafts_of(on)
    return slate("home", world.path, query, "u", fill(drafts, query, world.path, n), drafts)


@cache
def every_home() -> list[tuple[int, Slate]]:
    world = planted()
    return [(user, home(world, world.query(user))) for user in world.listeners(least_events=20)]


def shelves(name: str) -> list[tuple[int, Shelf]]:
    """(user row, shelf) of every listener's home whose name begins so; enough of them to test anything."""
    found = [(user, shelf) for user, one in every_home() for shelf in one.shelves if shelf.name.startswith(name)]
    assert len(found) > 5, name
    return found


def test_what_is_played_lately_is_jumped_back_into(world: Planted, facts: Counted) -> None:
    for user, shelf in shelves("jump_back_in"):
        for item, told in zip(shelf.items, shelf.evidence, strict=True):
            played = facts.plays[user, world.row_of[item.item_id]]
            assert (told["item_id"], told["plays"]) == (item.item_id, len(played))
            assert facts.days_since(max(played)) < 14.0


def test_what_is_rediscovered_was_loved_and_left(world: Planted, facts: Counted) -> None:
    for user, shelf in shelves("rediscover"):
        for item in shelf.items:
            played = facts.plays[user, world.row_of[item.item_id]]
            assert len(played) >= 2
            assert facts.days_since(max(played)) > 60.0


def test_an_artists_shelf_holds_the_artist_and_counts_the_plays(world: Planted, facts: Counted) -> None:
    columns = world.stock.columns
    for user, shelf in shelves("more_by:"):
        (told,) = shelf.evidence
        rows = np.flatnonzero(columns.artist == columns.artists.index(told["artist"]))
        assert told["plays"] == sum(len(facts.plays.get((user, row), ())) for row in rows.tolist())
        assert {world.row_of[item.item_id] for item in shelf.items} <= set(rows.tolist())
        assert str(told["plays"]) in shelf.reason or told["plays"] <= 2


def test_a_genres_shelf_is_of_the_genre_and_unheard(world: Planted, facts: Counted) -> None:
    columns = world.stock.columns
    for user, shelf in shelves("genre:"):
        (told,) = shelf.evidence
        code = columns.genres.index(told["genre"])
        plays = {row: len(times) for (one, row), times in facts.plays.items() if one == user}
        counted = sum(count for row, count in plays.items() if columns.genre[row] == code)
        assert told["plays"] == counted
        assert told["share"] == pytest.approx(counted / sum(plays.values()), abs=0.0006)
        for item in shelf.items:
            row = world.row_of[item.item_id]
            assert columns.genre[row] == code
            assert row not in plays


def test_what_leads_elsewhere_was_played_and_what_it_leads_to_was_not(world: Planted, facts: Counted) -> None:
    for user, shelf in shelves("because:"):
        (told,) = shelf.evidence
        seed = world.row_of[told["item_id"]]
        assert told["plays"] == len(facts.plays[user, seed])
        assert world.world.items[seed].label in shelf.title
        for item in shelf.items:
            assert (user, world.row_of[item.item_id]) not in facts.plays
            assert item.source in ("company_of_seeds", "near_seeds")


def test_kinds_are_kept_apart_and_counted(world: Planted, facts: Counted) -> None:
    for user, shelf in shelves("episodes") + shelves("audiobooks"):
        (told,) = shelf.evidence
        assert {item.kind for item in shelf.items} == {told["kind"]}
        played = [len(t) for (one, row), t in facts.plays.items() if one == user and _kind(world, row) == told["kind"]]
        assert told["plays"] == sum(played)


def _kind(world: Planted, row: int) -> str:
    return world.world.items[row].kind.value


def test_what_is_made_for_somebody_they_never_played(world: Planted, facts: Counted) -> None:
    for user, shelf in shelves("made_for_you"):
        assert shelf.evidence[0]["plays"] == sum(len(t) for (one, _), t in facts.plays.items() if one == user)
        assert not [item for item in shelf.items if (user, world.row_of[item.item_id]) in facts.plays]


def test_what_is_new_was_first_heard_lately_or_never(world: Planted, facts: Counted) -> None:
    for _, shelf in shelves("new"):
        for item, told in zip(shelf.items, shelf.evidence, strict=True):
            heard = facts.heard.get(world.row_of[item.item_id], [])
            assert told["plays"] == len(heard)
            assert not heard or facts.days_since(min(heard)) <= 60.0


def test_what_is_popular_is_counted_and_unheard(world: Planted, facts: Counted) -> None:
    for user, shelf in shelves("popular"):
        for item, told in zip(shelf.items, shelf.evidence, strict=True):
            heard = facts.heard[world.row_of[item.item_id]]
            days = np.inf if told["days"] is None else told["days"]
            assert told["plays"] == sum(facts.days_since(when) <= days for when in heard) > 0
            assert (user, world.row_of[item.item_id]) not in facts.plays


def test_shelves_stand_in_the_order_of_their_worth(world: Planted) -> None:
    query = world.query(world.listeners(least_events=50)[0])
    drafts = drafts_of(Drafting(world.path, query, 40))
    filled = fill(drafts, query, world.path, 60)
    best = max(float(draft.candidates.scores.max()) for draft in drafts if len(draft.candidates))
    first = [worth(d.candidates.take(np.arange(min(8, len(d.candidates)))), best, query, world.stock) for d in drafts]
    assert filled[0].draft is drafts[int(np.argmax(first))]
    assert len(filled) > 4


def test_who_hears_podcasts_has_them_higher(world: Planted) -> None:
    """The same taste and record; only how much of each kind was heard differs."""
    query = world.query(world.listeners(least_events=50)[0])

    def place(share: float) -> int:
        record = query.record.copy()
        record.counts[-1] = np.array([1.0 - share, share, 0.0]) * 1_000.0
        names = [shelf.name for shelf in home(world, replace(query, record=record), 200).shelves]
        return names.index("episodes") if "episodes" in names else MOST_SHELVES

    assert place(0.95) < place(0.01)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 150), st.booleans(), st.data())
def test_no_item_twice_none_that_is_hidden_and_the_same_again(number: int, n: int, known: bool, data: st.DataObject):
    world = planted()
    users = world.listeners(least_events=1)
    query = world.query(users[number % len(users)]) if known else world.stranger()
    hidden = data.draw(st.lists(st.integers(0, len(world.world.items) - 1), max_size=200))
    record = query.record.copy()
    for row in hidden:
        record.mark(int(row), Event.HIDE, world.now)
    query = replace(query, record=record)
    found = home(world, query, n)
    ids = [item.item_id for item in found.items]
    assert ids == [item.item_id for shelf in found.shelves for item in shelf.items]
    assert len(set(ids)) == len(ids) <= n
    rows = [world.row_of[one] for one in ids]
    assert not set(rows) & set(hidden)
    assert world.stock.columns.available[rows].all()
    assert all(len(shelf.items) >= min(LEAST_ITEMS, n) and shelf.evidence and shelf.reason for shelf in found.shelves)
    assert len({shelf.name for shelf in found.shelves}) == len(found.shelves) <= MOST_SHELVES
    assert found.items or found.note
    assert home(world, query, n) == found


def test_who_hid_everything_is_told_so(world: Planted) -> None:
    query = world.query(world.listeners(least_events=50)[0])
    record = query.record.copy()
    for row in range(len(world.world.items)):
        record.mark(row, Event.HIDE, world.now)
    found = home(world, replace(query, record=record))
    assert (found.items, found.shelves) == ([], [])
    assert found.note is not None
    assert "hidden by the listener" in found.note


def test_an_empty_catalogue_is_told_so(world: Planted) -> None:
    columns = replace(world.stock.columns, available=np.zeros(len(world.world.items), np.bool_))
    path = replace(world.path, stock=replace(world.stock, columns=columns))
    drafts = drafts_of(Drafting(path, world.stranger(), 40))
    found = slate("home", path, world.stranger(), "u", fill(drafts, world.stranger(), path, 60), drafts)
    assert found.items == []
    assert found.note is not None


def test_a_stranger_gets_a_home_and_is_told_how_to_make_it_theirs(live: LiveHome) -> None:
    found = answer(live, "home", Ask("nobody", 60))
    names = [shelf.name for shelf in found.shelves]
    assert {"popular", "new", "first_picks"} <= set(names)
    assert found.stranger
    assert found.note is not None
    assert "onboarding" in found.note
    assert "you played" not in " ".join(shelf.reason for shelf in found.shelves).lower()


def test_a_listener_of_the_live_home(live: LiveHome) -> None:
    user = next(iter(live.store.users(live.space.label)))
    found = answer(live, "home", Ask(user, 60))
    assert (found.surface, found.user_id, found.stranger, found.note) == ("home", user, False, None)
    assert len(found.shelves) > 4
    unheard = answer(live, "home", Ask(user, 60, unheard=True))
    assert "again" not in {item.source for item in unheard.items}
    with pytest.raises(BadInput, match="name one"):
        answer(live, "home", Ask(None, 60))
