"""A trained home, opened for answering: as the server and the command line do it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.homes import trained_home
from palate.core.clock import Clock
from palate.core.errors import BadInput, NotTrained, UnknownItem
from palate.core.home import Home
from palate.core.slate import Slate
from palate.listening.log import ListeningLog
from palate.ranking.features import NAMES
from palate.surfaces.explanation import explanation
from palate.surfaces.live import MOST_ITEMS, SURFACES, LiveHome

pytestmark = pytest.mark.slow
USERS = [f"sim-user-{number:04d}" for number in range(1, 16)]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHome]:
    home = trained_home(tmp_path_factory.mktemp("live"))
    with ListeningLog(home.log) as log:
        opened = LiveHome.open(home, Clock(log.calendar()))
    with opened.items:
        yield opened


def ids(slate: Slate) -> list[str]:
    return [item.item_id for item in slate.items]


def test_every_surface_answers_by_its_name(live: LiveHome) -> None:
    seeds = ids(live.for_you(USERS[0], 1))
    for name in SURFACES:
        slate = live.surface(name, USERS[0], 5, seeds, [], unheard=False)
        assert (slate.surface, len(slate.items), slate.space) == (name, 5, live.space.label)


def test_a_radio_without_a_seed_starts_from_the_latest_listens(live: LiveHome) -> None:
    slate = live.radio(USERS[0], [], 10)
    assert len(slate.items) == 10
    assert "company_of_seeds" in {item.source for item in slate.items}
    assert {item.source for item in live.radio("nobody", [], 10).items} == {"popular"}


def test_what_is_excluded_may_be_unknown_but_a_seed_may_not(live: LiveHome) -> None:
    first = ids(live.for_you(USERS[0], 5))
    assert not set(first) & set(ids(live.for_you(USERS[0], 5, exclude=[*first, "no such item"])))
    for call in (lambda: live.similar("no such item", 5), lambda: live.radio(USERS[0], ["no such item"], 5)):
        with pytest.raises(UnknownItem, match="no such item"):
            call()


@pytest.mark.parametrize("n", [0, -1, MOST_ITEMS + 1])
def test_a_slate_has_a_length_that_makes_sense(live: LiveHome, n: int) -> None:
    with pytest.raises(BadInput, match=f"n = {n} "):
        live.for_you(USERS[0], n)


def test_a_name_that_is_no_surface_is_told_the_names(live: LiveHome) -> None:
    with pytest.raises(BadInput, match=r"for_you, radio, similar"):
        live.surface("discover_weekly", USERS[0], 5, [], [], unheard=False)
    with pytest.raises(BadInput, match="exactly one seed"):
        live.surface("similar", USERS[0], 5, [], [], unheard=False)


def test_a_home_without_a_space_says_what_to_do(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.settings.touch()
    with pytest.raises(NotTrained, match="palate train"):
        LiveHome.open(home, Clock())


def test_an_explanation_has_the_score_of_the_answer(live: LiveHome) -> None:
    for user in USERS[:5]:
        for item in live.for_you(user, 10).items:
            told = explanation(live, user, item.item_id)
            assert told["score"] == pytest.approx(item.score, abs=1e-6)
            assert tuple(told["features"]) == NAMES


def test_an_explanation_has_the_place_of_the_answer(live: LiveHome) -> None:
    for user in USERS:
        for place, item in enumerate(live.for_you(user, 20).items, start=1):
            told = explanation(live, user, item.item_id)
            assert (told["position"], told["offered"][0]["source"]) == (place, item.source)


def test_an_explanation_says_why_something_is_not_there(live: LiveHome) -> None:
    unheard = [row for row in range(800) if live.path.stock.trends.ever[row] == 0]
    user, verdicts = USERS[0], set[str]()
    for row in unheard:
        told = explanation(live, user, live.items.get(row).item_id)
        assert (told["position"] is None) or (told["removed"] is None)
        assert bool(told["offered"]) or told["position"] is None
        verdicts.add(told["verdict"].partition(" ")[0])
    assert len(unheard) > 3
    assert verdicts <= {"It", "A", "No"}
    with pytest.raises(UnknownItem):
        explanation(live, user, "no such item")
