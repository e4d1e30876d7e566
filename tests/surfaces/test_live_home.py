"""A trained home, opened for answering: as the server and the command line do it."""

from pathlib import Path

import pytest

from palate.core.clock import Clock
from palate.core.errors import BadInput, NotTrained, UnknownItem
from palate.core.home import Home
from palate.core.slate import Slate
from palate.ranking.features import NAMES
from palate.surfaces.ask import MOST_ITEMS, Ask
from palate.surfaces.explanation import explanation
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer, surfaces

pytestmark = pytest.mark.slow
USERS = [f"sim-user-{number:04d}" for number in range(1, 16)]


def ids(slate: Slate) -> list[str]:
    return [item.item_id for item in slate.items]


def test_every_surface_answers_by_its_name(live: LiveHome) -> None:
    seeds, genre = ids(answer(live, "for_you", Ask(USERS[0], 1))), live.path.stock.columns.genres[0]
    for name in surfaces():
        slate = answer(live, name, Ask(USERS[0], 5, tuple(seeds), others=(USERS[1],), genre=genre))
        assert (slate.surface, slate.space) == (name, live.space.label)
        assert 0 < len(slate.items) <= 5 or slate.note


def test_a_radio_without_a_seed_starts_from_the_latest_listens(live: LiveHome) -> None:
    slate = answer(live, "radio", Ask(USERS[0], 10))
    assert len(slate.items) == 10
    assert "company_of_seeds" in {item.source for item in slate.items}
    assert {item.source for item in answer(live, "radio", Ask("nobody", 10)).items} == {"popular"}


def test_what_is_excluded_may_be_unknown_but_a_seed_may_not(live: LiveHome) -> None:
    first = ids(answer(live, "for_you", Ask(USERS[0], 5)))
    assert not set(first) & set(ids(answer(live, "for_you", Ask(USERS[0], 5, exclude=(*first, "no such item")))))
    for name in ("similar", "radio"):
        with pytest.raises(UnknownItem, match="no such item"):
            answer(live, name, Ask(USERS[0], 5, ("no such item",)))


@pytest.mark.parametrize("n", [0, -1, MOST_ITEMS + 1])
def test_a_slate_has_a_length_that_makes_sense(live: LiveHome, n: int) -> None:
    with pytest.raises(BadInput, match=f"n = {n} "):
        Ask(USERS[0], n)


def test_a_name_that_is_no_surface_is_told_the_names(live: LiveHome) -> None:
    with pytest.raises(BadInput, match=r"no surface 'nope'; choose from .*for_you, .*radio, .*similar"):
        answer(live, "nope", Ask(USERS[0], 5))
    with pytest.raises(BadInput, match="exactly one seed"):
        answer(live, "similar", Ask(USERS[0], 5))


def test_a_home_without_a_space_says_what_to_do(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.settings.touch()
    with pytest.raises(NotTrained, match="palate train"):
        LiveHome.open(home, Clock())


def test_an_explanation_has_the_score_of_the_answer(live: LiveHome) -> None:
    for user in USERS[:5]:
        for item in answer(live, "for_you", Ask(user, 10)).items:
            told = explanation(live, "for_you", Ask(user), item.item_id)
            assert told["score"] == pytest.approx(item.score, abs=1e-6)
            assert tuple(told["features"]) == NAMES


def test_an_explanation_has_the_place_of_the_answer(live: LiveHome) -> None:
    for user in USERS:
        for place, item in enumerate(answer(live, "for_you", Ask(user, 20)).items, start=1):
            told = explanation(live, "for_you", Ask(user), item.item_id)
            assert (told["position"], told["offered"][0]["source"]) == (place, item.source)


def test_an_explanation_says_why_something_is_not_there(live: LiveHome) -> None:
    unheard = [row for row in range(800) if live.path.stock.trends.ever[row] == 0]
    user, verdicts = USERS[0], set[str]()
    for row in unheard:
        told = explanation(live, "for_you", Ask(user), live.items.get(row).item_id)
        assert (told["position"] is None) or (told["removed"] is None)
        assert bool(told["offered"]) or told["position"] is None
        verdicts.add(told["verdict"].partition(" ")[0])
    assert len(unheard) > 3
    assert verdicts <= {"It", "A", "No"}
    with pytest.raises(UnknownItem):
        explanation(live, "for_you", Ask(user), "no such item")
