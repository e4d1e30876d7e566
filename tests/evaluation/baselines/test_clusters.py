from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.clusters import Clustered, Clusters
from palate.evaluation.coldstart import Described
from palate.evaluation.method import Refreshes
from palate.listening.history import History
from palate.listening.listeners import ListenerColumns
from palate.testing.strategies import histories

from ..worlds import history_of, inputs_of, random_history
from .asking import AT, kept

TRIBES, EACH, ITEMS = 4, 30, 12  # listeners of a tribe hear only its own items
SMALL = Clusters(clusters=TRIBES, dim=8, smoothing=1.0, ridge=0.01)
STRANGERS = np.arange(TRIBES * EACH, TRIBES * EACH + TRIBES, dtype=np.int32)  # one of each tribe's country


def planted(picks: bool = False) -> Inputs:
    """Tribes of listeners with items and a country of their own, and a stranger from each country.

    picks: everybody named an item of their tribe at onboarding, the strangers too.
    """
    rng = np.random.default_rng(0)
    plays = [
        (tribe * EACH + one, tribe * ITEMS + int(item), float(day))
        for tribe in range(TRIBES)
        for one in range(EACH)
        for day, item in enumerate(np.minimum(rng.geometric(0.25, 25) - 1, ITEMS - 1))
    ]
    history = history_of(plays, n_users=len(STRANGERS) + TRIBES * EACH, n_items=TRIBES * ITEMS)
    tribes = [*np.repeat(np.arange(TRIBES), EACH).tolist(), *range(TRIBES)]
    if picks:
        told = history_of([(user, tribe * ITEMS + 11, 0.0) for user, tribe in enumerate(tribes)], len(tribes), 48)
        told = replace(told, event=np.full(len(told), Event.ONBOARDING, np.uint8))
        history = joined(told, history)
    columns = ListenerColumns({"country": [f"c{tribe}" for tribe in tribes]})
    return replace(inputs_of(history), listeners=ListenerColumns({}) if picks else columns)


def joined(one: History, two: History) -> History:
    names = ("user", "item", "timestamp", "event", "seconds_played", "duration_seconds", "session")
    both = {name: np.concatenate([getattr(one, name), getattr(two, name)]) for name in names}
    order = np.argsort(both["timestamp"], kind="stable")
    return replace(two, **{name: values[order] for name, values in both.items()})


def tribes_of(fitted: Clustered, users: NDArray[np.int32]) -> list[set[int]]:
    """Of which tribes the first five items of each list are."""
    return [{item // ITEMS for item in row} for row in kept(fitted.recommend(users, 5, exclude_heard=False))]


@pytest.mark.parametrize("picks", [False, True])
def test_strangers_get_what_their_tribe_plays(picks: bool) -> None:
    assert tribes_of(SMALL.fit(planted(picks), AT), STRANGERS) == [{0}, {1}, {2}, {3}]


def test_the_first_play_tells_the_tribe_and_beats_nothing_known() -> None:
    known = planted()
    fitted = SMALL.fit(replace(known, listeners=ListenerColumns({})), AT)
    assert len({tuple(row) for row in kept(fitted.recommend(STRANGERS, 5, False))}) == 1  # nothing tells them apart
    plays = [(user, tribe * ITEMS, 99.0) for tribe, user in enumerate(STRANGERS.tolist())]
    told = fitted.refreshed(history_of(plays, len(known.history.users), 48), np.full(124, AT))
    assert tribes_of(told, STRANGERS) == [{0}, {1}, {2}, {3}]


def test_warm_listeners_belong_to_the_cluster_of_what_they_hear() -> None:
    fitted = SMALL.fit(planted(), AT)
    assert tribes_of(fitted, np.array([0, 31, 62, 93], np.int32)) == [{0}, {1}, {2}, {3}]
    np.testing.assert_array_equal(np.sort(fitted.shares(np.array([0], np.int32)))[0], [0, 0, 0, 1])


def test_without_attributes_a_stranger_is_anybody() -> None:
    fitted = SMALL.fit(planted(), AT)
    assert isinstance(fitted, Described)
    assert isinstance(fitted, Refreshes)
    assert len({tuple(row) for row in kept(fitted.described(ListenerColumns({})).recommend(STRANGERS, 5, False))}) == 1


def test_heard_items_do_not_come_back_and_only_limits() -> None:
    known = planted()
    heard, only = known.history.heard(), np.arange(48) % 2 == 0
    for user, row in enumerate(kept(SMALL.fit(known, AT).recommend(np.arange(120, dtype=np.int32), 48, True, only))):
        assert not set(row) & set(heard.item[heard.user == user].tolist())
        assert all(only[item] for item in row)


def test_one_listener_at_a_time_gives_the_same() -> None:
    fitted, users = SMALL.fit(planted(), AT), np.array([122, 4, 120, 4], np.int32)
    alone = [fitted.recommend(users[[row]], 20, False)[0] for row in range(4)]
    np.testing.assert_array_equal(fitted.recommend(users, 20, False), alone)


def test_refreshed_with_what_was_known_it_is_what_was_fitted() -> None:
    known = planted(picks=True)
    fitted, users = SMALL.fit(known, AT), np.arange(124, dtype=np.int32)
    again = fitted.refreshed(known.history, np.full(124, AT))
    np.testing.assert_array_equal(again.recommend(users, 20, False), fitted.recommend(users, 20, False))


def test_what_comes_later_moves_nothing() -> None:
    known = planted()
    later = history_of([(row, 48 + row % 5, 100.0 + row) for row in range(130)], n_users=130, n_items=53)
    wide = inputs_of(joined(replace(known.history, users=later.users, n_items=53), later))
    wide = replace(wide, listeners=ListenerColumns({"country": [*known.listeners.values["country"], *["x"] * 6]}))
    narrow = SMALL.fit(known, AT).recommend(STRANGERS, 20, False)
    np.testing.assert_array_equal(SMALL.fit(wide.until(AT), AT).recommend(STRANGERS, 20, False), narrow)


def test_too_few_listeners_are_one_cluster() -> None:
    known = inputs_of(random_history(1, n_users=3, n_plays=90))
    users = np.arange(3, dtype=np.int32)
    rows = kept(Clusters().fit(known, AT).recommend(users, 5, False))
    assert rows[0] == rows[1] == rows[2]
    assert len(rows[0]) == 5


def test_an_empty_log_recommends_nothing() -> None:
    fitted = Clusters().fit(inputs_of(history_of([], n_users=2, n_items=3)), AT)
    assert (fitted.recommend(np.array([0, 1], np.int32), 4, False) == -1).all()
    assert fitted.recommend(np.zeros(0, np.int32), 4, False).shape == (0, 4)


@settings(max_examples=25)
@given(history=histories())
def test_any_log_can_be_learnt_from(history: History) -> None:
    users = np.arange(len(history.users), dtype=np.int32)
    fitted = Clusters(warm_plays=1).fit(inputs_of(history), history.end + DAY_SECONDS)
    ranked = fitted.recommend(users, history.n_items, exclude_heard=False)
    assert ranked.shape == (len(users), history.n_items)
    assert {frozenset(row) for row in kept(ranked)} <= {frozenset(np.unique(history.heard().item).tolist())}
