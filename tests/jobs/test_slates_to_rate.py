"""Slates for raters: those that the home would answer with, for listeners of whom there is something to show."""

import numpy as np
import pytest

from palate.catalog.catalog import Catalog
from palate.core.clock import Clock
from palate.core.errors import BadInput
from palate.jobs.inputs import gather
from palate.jobs.slates_to_rate import KNOWN_HEARD, SHOWN_HEARD, listeners_to_show, slates_to_rate
from palate.lab.listening_tests.making import SlatesAsked
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer

ASKED = SlatesAsked(("for_you", "taste", "popular", "own-history", "random"), listeners=4, length=6)


@pytest.fixture(scope="module")
def made(trained):
    return slates_to_rate(trained, ASKED)


def titles(case, condition):
    return [title for title, _ in case.stimuli[condition].items]


def test_every_listener_has_a_list_of_every_method(made):
    assert made.simulated
    assert len(made.cases) == 4
    for case in made.cases:
        assert [len(case.stimuli[name].items) for name in ASKED.conditions] == [6] * 5
        assert len(set(titles(case, "random"))) > 1
    assert len({tuple(titles(case, "popular")) for case in made.cases}) == 1
    assert len({tuple(titles(case, "for_you")) for case in made.cases}) == 4


def test_for_you_is_what_a_request_gets_just_after_the_last_listen(trained, made):
    inputs = gather(trained)
    live = LiveHome.open(trained, Clock(wall=lambda: inputs.end))
    for case in made.cases:
        assert titles(case, "for_you") == [item.title for item in answer(live, "for_you", Ask(case.id, 6)).items]
    live.store.close()


def test_the_context_is_what_was_heard_last_newest_first(trained, made):
    inputs, catalog = gather(trained), Catalog.open(trained.catalog)
    heard = inputs.history.heard()
    for case in made.cases:
        mine = heard.item[heard.user == inputs.history.users.index(case.id)]
        assert case.context[0][0] == catalog.item(int(mine[-1])).title
        assert len(case.context) == len(set(case.context)) == SHOWN_HEARD


def test_the_same_seed_gives_the_same_slates_and_another_other_listeners(trained, made):
    assert slates_to_rate(trained, ASKED) == made
    inputs = gather(trained)
    assert not np.array_equal(listeners_to_show(inputs, 8, 0), listeners_to_show(inputs, 8, 1))


def test_unheard_leaves_out_what_was_heard(trained):
    inputs, catalog = gather(trained), Catalog.open(trained.catalog)
    conditions = ("for_you", "taste", "popular-7d", "random")
    heard = inputs.history.heard()
    for case in slates_to_rate(trained, SlatesAsked(conditions, listeners=3, unheard=True)).cases:
        rows = np.unique(heard.item[heard.user == inputs.history.users.index(case.id)])
        others = {(item.title, ", ".join(item.artists)) for row, item in enumerate(catalog.items()) if row not in rows}
        mine = {
            (item.title, ", ".join(item.artists)) for item in map(catalog.item, rows.tolist())
        } - others  # namesakes
        for name in conditions:
            assert mine & set(case.stimuli[name].items) == set()


def test_an_unknown_method_and_too_many_listeners_are_named(trained):
    with pytest.raises(BadInput, match=r"no method magic; choose from for_you, taste, random, popular-all"):
        slates_to_rate(trained, SlatesAsked(("for_you", "magic")))
    with pytest.raises(BadInput, match=rf"heard {KNOWN_HEARD} or more items"):
        slates_to_rate(trained, SlatesAsked(("for_you", "random"), listeners=100_000))
