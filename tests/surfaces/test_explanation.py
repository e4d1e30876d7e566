"""The way of an item through the path is what the answer did, stage by stage."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.candidates import Candidates, Removed
from palate.core.errors import UnknownItem
from palate.core.slate import Slate
from palate.retrieval.filters import name_of
from palate.retrieval.query import Query
from palate.retrieval.retrievers import RETRIEVERS
from palate.retrieval.stock import Stock
from palate.surfaces import explanation as module
from palate.surfaces import registry
from palate.surfaces.ask import Ask
from palate.surfaces.explanation import LOOKED_AT, explanation
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Recipe
from palate.surfaces.screens.for_you import FOR_YOU
from palate.surfaces.surface import Surface
from palate.surfaces.watched import watched

SEED = "sim-track-00007"
ASKS = {"for_you": Ask("sim-user-0001"), "radio": Ask("sim-user-0002"), "similar": Ask("sim-user-0003", seeds=(SEED,))}


def slate_of(live: LiveHome, surface: str, ask: Ask) -> Slate:
    return registry.answer(live, surface, Ask(ask.user_id, LOOKED_AT, ask.seeds))


def ids(live: LiveHome, rows: Any) -> list[str]:
    return [str(live.items.id(int(row))) for row in rows]


@pytest.mark.parametrize("surface", ASKS)
def test_places_scores_and_sources_are_those_of_the_answer(live: LiveHome, surface: str) -> None:
    slate = slate_of(live, surface, ASKS[surface])
    for place, item in enumerate(slate.items[:5], 1):
        told = explanation(live, surface, ASKS[surface], item.item_id)
        assert (told["position"], told["removed"], told["held_back"]) == (place, None, None)
        assert told["score"] == pytest.approx(item.score, rel=1e-6)
        assert (told["reason"], told["evidence"]) == (item.reason, item.evidence)
        assert told["offered"][0]["source"] == item.source
        assert [one["passed"] for one in told["filters"]] == [True] * len(told["filters"])
        assert told["verdict"].startswith(f"It stands at {place} of {surface}")


def test_places_in_the_offers_are_those_of_the_retrievers(live: LiveHome) -> None:
    seen_live, path = watched(live)
    slate = slate_of(seen_live, "for_you", ASKS["for_you"])
    passes = path.passes
    offers = {name: RETRIEVERS[name](passes[0].query, live.path.stock, quota) for name, quota in FOR_YOU.quotas.items()}
    for item in slate.items[:20]:
        row = live.row(item.item_id)
        told = explanation(live, "for_you", ASKS["for_you"], item.item_id)
        offered = {one["source"]: (one["place"], one["score"]) for one in told["offered"]}
        places = {name: np.flatnonzero(offer.items == row) for name, offer in offers.items()}
        assert offered == {
            name: (int(places[name][0]) + 1, float(offers[name].scores[places[name][0]]))
            for name in places
            if len(places[name])
        }


def test_contributions_and_base_sum_to_the_score(live: LiveHome) -> None:
    for user in ("sim-user-0001", "sim-user-0005", "sim-user-0010"):
        for item in slate_of(live, "for_you", Ask(user)).items[:3]:
            told = explanation(live, "for_you", Ask(user), item.item_id)
            assert told["base"] + sum(told["contributions"].values()) == pytest.approx(told["score"], abs=1e-5)
            sizes = [abs(one) for one in told["contributions"].values()]
            assert sizes == sorted(sizes, reverse=True)
            assert len(sizes) > 3
    assert explanation(live, "similar", ASKS["similar"], "sim-track-00008")["contributions"] == {}


def test_what_was_not_offered_is_told_how_far_it_was(live: LiveHome) -> None:
    open_home, path = watched(live)
    slate_of(open_home, "for_you", ASKS["for_you"])
    passes = path.passes
    near = RETRIEVERS["near_taste"](passes[0].query, live.path.stock, live.path.stock.n_items).items
    missing = [row for row in near.tolist() if row not in passes[0].ranked.offered.items]
    row = missing[len(missing) // 2]
    told = explanation(live, "for_you", ASKS["for_you"], ids(live, [row])[0])
    place = near.tolist().index(row) + 1
    assert {"source": "near_taste", "quota": 150, "place": place} in told["not_offered"]
    assert (told["position"], told["removed"], told["offered"]) == (None, None, [])
    assert {one["passed"] for one in told["filters"]} == {None}
    assert told["verdict"].startswith("No retriever offered it: the closest is ")


def test_what_a_filter_removed_names_the_filter_and_the_rank_it_would_have_had(live: LiveHome) -> None:
    first = slate_of(live, "for_you", ASKS["for_you"]).items[0].item_id
    told = explanation(live, "for_you", Ask("sim-user-0001", exclude=(first,)), first)
    assert (told["position"], told["removed"]) == (None, "excluded by the request")
    passed = {one["filter"]: one["passed"] for one in told["filters"]}
    assert list(passed) == [name_of(one) for one in FOR_YOU.filters]
    assert (passed["available"], passed["not_excluded"], passed["not_just_skipped"]) == (True, False, None)
    assert told["score_rank"] == 1
    assert told["scored"] > LOOKED_AT
    assert told["verdict"].startswith("A filter removed it: excluded by the request")


def test_what_was_offered_and_not_shown_is_told_its_rank(live: LiveHome) -> None:
    open_home, path = watched(live)
    slate_of(open_home, "for_you", ASKS["for_you"])
    ranked = path.passes[0].ranked
    order = np.lexsort((ranked.scored.items, -ranked.scored.scores))
    last = int(ranked.scored.items[order[-1]])
    told = explanation(live, "for_you", ASKS["for_you"], ids(live, [last])[0])
    assert (told["position"], told["score_rank"], told["scored"]) == (None, len(order), len(order))
    assert f"rank {len(order)} of {len(order)}, and {LOOKED_AT} are shown" in told["verdict"]


def one_held_back(candidates: Candidates, query: Query, stock: Stock, n: int) -> tuple[Candidates, list[Removed]]:
    order = np.argsort(-candidates.scores, kind="stable")
    return candidates.take(order[1 : n + 1]), [Removed(candidates.items[order[:1]], "too much of one thing")]


def in_shelves(ask: Ask, live: LiveHome) -> Slate:
    """Two passes through the path, of which the second holds its best item back; shown are those of the second."""
    query = live.query(ask, "shelves")
    live.path.answer(Recipe("shelves", {"popular": 5}, (), FOR_YOU.score), query, 5, ask.user_id)
    recipe = Recipe("shelves", {"again": 30, "popular": 50}, (), FOR_YOU.score, one_held_back)
    return live.path.answer(recipe, query, ask.n, ask.user_id)


def kept(ask: Ask, live: LiveHome) -> Slate:
    """An answer that was kept from earlier, so that nothing goes through the path."""
    return Slate("kept", "kept", ask.user_id, live.space.label, None, False, [])


def test_any_surface_that_asks_the_path_is_explained(live: LiveHome, monkeypatch: pytest.MonkeyPatch) -> None:
    surfaces = {"shelves": Surface("shelves", "two", in_shelves), "kept": Surface("kept", "one", kept)}
    monkeypatch.setattr(module, "answer", lambda live, name, ask: surfaces[name].answer(ask, live))
    open_home, path = watched(live)
    in_shelves(Ask("sim-user-0001", LOOKED_AT), open_home)
    held = path.passes[1].ranked.held_back[0].items
    told = explanation(live, "shelves", Ask("sim-user-0001"), ids(live, held)[0])
    assert (told["passes"], told["position"], told["held_back"]) == (2, None, "too much of one thing")
    assert told["verdict"].startswith("It was held back after scoring: too much of one thing; its score is rank 1 of ")
    shown = explanation(live, "shelves", Ask("sim-user-0001"), ids(live, path.passes[1].ranked.candidates.items[:1])[0])
    assert shown["position"] == 1
    told = explanation(live, "kept", Ask("sim-user-0001"), SEED)
    assert told["verdict"] == (
        "It is not in kept; this answer was not made by the request path, so there are no stages to show."
    )


def test_a_stranger_and_an_unknown_item(live: LiveHome) -> None:
    first = slate_of(live, "for_you", Ask("nobody at all")).items[0]
    told = explanation(live, "for_you", Ask("nobody at all"), first.item_id)
    assert told["stranger"]
    assert told["position"] == 1
    assert told["contributions"] == {}, "the ranker knows nothing of a stranger and is not asked"
    with pytest.raises(UnknownItem):
        explanation(live, "for_you", Ask("sim-user-0001"), "no-such-item")


@settings(max_examples=25, deadline=None)
@given(user=st.integers(0, 199), row=st.integers(0, 799), surface=st.sampled_from(["for_you", "radio"]))
def test_every_item_has_exactly_one_fate(live: LiveHome, user: int, row: int, surface: str) -> None:
    ask = Ask(f"sim-user-{user:04}")
    told = explanation(live, surface, ask, ids(live, [row])[0])
    open_home, path = watched(live)
    slate_of(open_home, surface, ask)
    ranked = path.passes[0].ranked
    fates = {
        "It stands": row in ranked.candidates.items,
        "A filter": any(row in one.items for one in ranked.filtered),
        "It was held back": any(row in one.items for one in ranked.held_back),
        "It was offered": row in ranked.scored.items
        and not any(row in items for items in (ranked.candidates.items, *(one.items for one in ranked.held_back))),
        "No retriever": row not in ranked.offered.items,
    }
    assert [told["verdict"].startswith(words) for words in fates] == list(fates.values())
    assert sum(fates.values()) == 1
    assert 1 <= told["score_rank"] <= told["scored"]
