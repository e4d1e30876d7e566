"""onboarding: what is offered to a newcomer, and what their picks would lead to, without keeping anything."""

import pytest

from palate.core.errors import BadInput, UnknownItem
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.onboarding import ITEMS_PER_PICK
from palate.surfaces.registry import answer


def test_offers_are_those_of_onboarding_each_with_its_plays(live: LiveHome) -> None:
    found = answer(live, "onboarding", Ask("nobody", 12))
    offered = live.onboarding.offer(12)
    told = {one["name"]: one for shelf in found.shelves for one in shelf.evidence}
    assert set(told) == {one["name"] for one in offered}
    for one in offered:
        assert told[one["name"]]["item_id"] == one["item_ids"][0]
        place = live.onboarding.choices.find(one["kind"], one["name"])
        assert place is not None
        ever = live.path.stock.trends.ever[live.onboarding.choices.items(place)]
        assert told[one["name"]]["plays"] == int(ever.sum())
    assert {shelf.name for shelf in found.shelves} <= {"artists", "shows"}


def test_three_picks_lead_to_what_three_picks_lead_to(live: LiveHome) -> None:
    artists = [one["name"] for one in live.onboarding.offer(12) if one["kind"] == "artist"][:3]
    found = answer(live, "onboarding", Ask("nobody", 20, seeds=tuple(f"artist:{name}" for name in artists)))
    after = found.shelves[0]
    assert after.name == "after_picks"
    assert all(name in after.reason for name in artists)
    assert len(after.evidence) <= ITEMS_PER_PICK * 3
    stranger = {item.item_id for item in answer(live, "for_you", Ask("nobody", 20)).items}
    assert {item.item_id for item in after.items} != stranger
    offered = {one["name"] for shelf in found.shelves[1:] for one in shelf.evidence}
    assert not offered & set(artists)
    ids = [item.item_id for item in found.items]
    assert len(ids) == len(set(ids)) <= 20
    assert answer(live, "for_you", Ask("nobody", 20)).stranger, "nothing was kept"
    assert found == answer(live, "onboarding", Ask("nobody", 20, seeds=tuple(f"artist:{name}" for name in artists)))


@pytest.mark.parametrize("n", [1, 2, 3, 1_000])
def test_any_number_of_items(live: LiveHome, n: int) -> None:
    item = str(live.items.id(0))
    for seeds in ((), (item,)):
        found = answer(live, "onboarding", Ask(None, n, seeds=seeds))
        ids = [one.item_id for one in found.items]
        assert len(ids) == len(set(ids)) <= n
        assert ids


def test_what_the_catalogue_does_not_hold_is_named(live: LiveHome) -> None:
    with pytest.raises(BadInput, match="artist 'Nobody At All'"):
        answer(live, "onboarding", Ask("nobody", seeds=("artist:Nobody At All",)))
    with pytest.raises(UnknownItem):
        answer(live, "onboarding", Ask("nobody", seeds=("no such item",)))
