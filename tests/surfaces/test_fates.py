"""On shelves: each item of home, of a mix and of onboarding is told its shelf, and every other where it fell."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.candidates import Candidates, Removed
from palate.surfaces.ask import Ask
from palate.surfaces.explanation import explanation
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Ranked
from palate.surfaces.registry import answer
from palate.surfaces.screens.for_you import FOR_YOU
from palate.surfaces.shelves.fates import STAGES, Fate, fate, furthest, verdict
from palate.surfaces.watched import Filling, Pass, watched

from .planted import planted

N = 60


def scored(rows: list[int]) -> Candidates:
    """Candidates whose scores fall from the first to the last."""
    nothing = np.full((len(rows), 1), np.nan, np.float32)
    scores = np.linspace(1.0, 0.0, len(rows)).astype(np.float32)
    return Candidates(np.array(rows, np.int32), ("popular",), nothing, np.full((len(rows), 1), -1, np.int32), scores)


def shelf(name: str, rows: list[int], drafted: int, filtered: tuple[int, ...] = ()) -> Pass:
    found = scored(rows)
    out = [Removed(np.array(filtered, np.int32), "just so", "a_filter")] if filtered else []
    ranked = Ranked(found.take(np.arange(drafted)), scored([*rows, *filtered]), found, out, [])
    return Pass(replace(FOR_YOU, shelf=name), planted().stranger(), drafted, ranked)


def test_each_stage_of_a_shelf_that_is_written_down_here() -> None:
    """A shelf of eight that drafts six and shows the second and third; another one shows the first."""
    one = shelf("ours", [10, 11, 12, 13, 14, 15, 16, 17], drafted=6, filtered=(18,))
    shown = {"theirs": [10], "ours": [11, 12]}
    fillings = [Filling("ours", scored([11, 12]), [Removed(np.array([13], np.int32), "too loud")])]
    fates = {row: fate(one, row, shown, fillings) for row in (10, 11, 12, 13, 14, 16, 18)}
    assert {row: (found.stage, found.verdict) for row, found in fates.items()} == {
        10: ("on another shelf", "it stands on theirs already"),
        11: ("shown", "at 1; its score is rank 2 of 8"),
        12: ("shown", "at 2; its score is rank 3 of 8"),
        13: ("held back", "it was held back after scoring: too loud; its score is rank 4 of 8"),
        14: ("below", "its score is rank 5 of 8, and 2 are shown"),
        16: ("not drafted", "its score is rank 7 of 8, and 6 are drafted"),
        18: ("filtered", "a filter removed it: just so"),
    }
    assert fates[13].held_back == "too loud"
    few = fate(shelf("small", [10, 11, 14, 15], drafted=4), 14, shown, fillings)
    assert few.verdict == "it is not shown, since 2 of its items are on no other shelf, and 3 make one"
    last = fate(shelf("last", [20, 21, 22], drafted=3), 20, shown, fillings)
    assert (last.stage, last.verdict) == ("shelf not shown", "it is not shown, since others came first")


def test_of_several_shelves_the_one_where_it_came_furthest_is_told() -> None:
    fates = [Fate(stage, stage, f"{stage} it is") for stage in reversed(STAGES)]
    assert fates[furthest(fates)].stage == "shown"
    assert verdict(fates, "home", 7) == "It stands at 7 of home, on the shelf shown shown it is."
    assert verdict(fates[:1], "home", None) == "One shelf was offered it, filtered: filtered it is."
    told = verdict(fates[:3], "home", None)
    assert told == "3 shelves were offered it; it came furthest on shelf not shown: shelf not shown it is."


@pytest.mark.parametrize("surface", ["home", "daily_mix", "onboarding"])
def test_what_is_shown_is_told_its_shelf_its_place_and_what_offered_it(live: LiveHome, surface: str) -> None:
    user = max(live.store.users(live.space.label), key=lambda one: int(live.state(one).record.heard.sum()))
    slate = answer(live, surface, Ask(user, N))
    assert len(slate.shelves) > 0
    for each in slate.shelves:
        for place, item in list(enumerate(each.items, 1))[:2]:
            told = explanation(live, surface, Ask(user), item.item_id, N)
            assert (told["position"], told["shelf"]) == (1 + slate.items.index(item), each.name)
            assert (told["removed"], told["held_back"], told["n"]) == (None, None, N)
            assert told["score"] == pytest.approx(item.score, rel=1e-6)
            assert told["offered"][0]["source"] == item.source
            assert all(one["passed"] for one in told["filters"])
            assert told["verdict"].startswith(
                f"It stands at {told['position']} of {surface}, on the shelf {each.name} at"
            )
            (shown,) = [one for one in told["shelves"] if one["stage"] == "shown"]
            assert shown["verdict"].startswith(
                f"at {place}; its score is rank {told['score_rank']} of {told['scored']}"
            )


@settings(max_examples=15, deadline=None)
@given(user=st.integers(0, 199), row=st.integers(0, 799), surface=st.sampled_from(["home", "daily_mix"]))
def test_each_shelf_that_was_offered_an_item_has_one_fate_for_it(
    live: LiveHome, user: int, row: int, surface: str
) -> None:
    ask = Ask(f"sim-user-{user:04}", N)
    told = explanation(live, surface, ask, str(live.items.id(row)), N)
    open_home, path = watched(live)
    slate = answer(open_home, surface, ask)
    offered = [one.recipe.shelf for one in path.passes if row in one.ranked.offered.items]
    assert [one["shelf"] for one in told["shelves"]] == offered
    places = [each.name for each in slate.shelves if str(live.items.id(row)) in [item.item_id for item in each.items]]
    assert {one["shelf"] for one in told["shelves"] if one["stage"] == "shown"} == set(places)
    assert (told["position"] is not None) == bool(places)
    if path.passes and not offered:
        assert told["verdict"].startswith("No shelf was offered it")
