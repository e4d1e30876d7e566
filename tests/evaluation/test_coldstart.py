from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines import OwnHistory, PopularAll
from palate.evaluation.coldstart import (
    ATTRIBUTES,
    BOTH,
    DISCOVER,
    LISTENS,
    MOST_ASKED,
    NEXT,
    PICKS,
    PLAIN,
    ColdStart,
    cold_start,
    newcomers,
)
from palate.evaluation.splits import EvalSettings, Split, split, windows
from palate.listening.history import History
from palate.listening.listeners import ListenerColumns

from .worlds import history_of, inputs_of, random_history, skipped_at

SETTINGS = EvalSettings(windows=1, k=(2, 5), bootstrap=50)
OLD = [(0, item % 20, float(day)) for day, item in enumerate(range(90))]  # somebody who is known, to the log's end
START = 90.0 - 7.0  # about where the window begins, in days


def log_with(plays: Sequence[tuple[int, int, float]], n_users: int = 5) -> History:
    return history_of([*OLD, *plays], n_users, n_items=25)


def only_window(history: History) -> tuple[Split, Inputs]:
    inputs = inputs_of(history)
    return split(inputs, windows(inputs, SETTINGS)[-1]), inputs


def asked(history: History, reach_days: float = 28.0) -> dict[int, set[int]]:
    """Who is asked about, and the right answers."""
    part, inputs = only_window(history)
    found = newcomers(part, inputs.history, part.window.start + reach_days * DAY_SECONDS, 0).asked[NEXT]
    return {
        int(row): set(found.items[found.indptr[place] : found.indptr[place + 1]].tolist())
        for place, row in enumerate(found.rows.tolist())
    }


def days(user: int, items: Sequence[int], start: float = START + 1.0) -> list[tuple[int, int, float]]:
    """The items, an hour apart."""
    return [(user, item, start + place / 24.0) for place, item in enumerate(items)]


def test_newcomers_are_asked_for_what_they_hear_from_the_eleventh_play_on() -> None:
    log = log_with([*days(1, [*range(10), 3, 12, 12]), *days(2, range(10)), *days(3, range(13), 50.0)])
    assert asked(log) == {1: {3, 12}}  # 2 has ten plays only, 3 was heard before the window


def test_an_unknown_item_is_no_answer() -> None:
    assert asked(log_with(days(1, [*range(10), 24, 5]))) == {1: {5}}
    assert asked(log_with(days(1, [*range(10), 24]))) == {}


def test_who_was_heard_in_the_gap_is_no_newcomer() -> None:
    log = log_with(days(1, range(13)))
    part, _ = only_window(log)
    in_gap = (part.window.at + 60.0) / DAY_SECONDS
    assert asked(log) == {1: {10, 11, 12}}
    assert asked(log_with([(1, 0, in_gap), *days(1, range(13))])) == {}


def test_what_is_known_ends_with_the_nth_heard_play() -> None:
    log = log_with(days(1, range(13)))
    log = skipped_at(log, [int(np.flatnonzero((log.user == 1) & (log.item == 2))[0])])  # its third play is a skip
    part, inputs = only_window(log)
    came = newcomers(part, inputs.history, part.window.end, 0)
    told = {n: came.told(n, picks=True).item.tolist() for n in LISTENS}
    assert told == {0: [], 1: [0], 3: [0, 1, 2, 3], 10: list(range(11))}
    assert came.at[1] == log.timestamp[(log.user == 1) & (log.item == 11)][0]
    assert came.asked[NEXT].items.tolist() == [11, 12]


def test_discover_asks_for_what_was_not_among_the_first_ten() -> None:
    part, inputs = only_window(log_with(days(1, [*range(10), 3, 12])))
    found = newcomers(part, inputs.history, part.window.end, 0).asked
    assert found[DISCOVER].items.tolist() == [12]
    assert found[NEXT].items.tolist() == [3, 12]


def picked(history: History, user: int, item: int, day: float) -> History:
    """The same log with a pick at onboarding."""
    plays = [
        *zip(history.user.tolist(), history.item.tolist(), (history.timestamp / DAY_SECONDS).tolist(), strict=True)
    ]
    found = history_of([*plays, (user, item, day)], len(history.users), history.n_items)
    event = found.event.copy()
    event[(found.user == user) & (found.timestamp == day * DAY_SECONDS)] = Event.ONBOARDING
    return replace(found, event=event)


def test_picks_are_known_when_they_are_asked_for_even_from_before_the_window() -> None:
    log = log_with(days(1, range(13)))
    for day, known in ((40.0, True), (START + 0.5, True), (START + 1.0 + 20.0 / 24.0, False)):
        part, inputs = only_window(picked(log, 1, 20, day))
        came = newcomers(part, inputs.history, part.window.end, 0)
        assert came.picked[1] == known
        assert came.told(0, picks=False).item.tolist() == []
        assert came.told(0, picks=True).item.tolist() == ([20] if known else [])
        assert sorted(came.told(1, picks=True).item.tolist()) == ([0, 20] if known else [0])


def test_a_method_that_remembers_learns_with_each_listen_and_popularity_does_not() -> None:
    part, inputs = only_window(log_with(days(1, [*range(15, 20), *range(15, 20), *range(15, 20)])))
    fitted = {
        "own": OwnHistory().fit(part.known, part.window.at),
        "popular": PopularAll().fit(part.known, part.window.at),
    }
    found = cold_start(part, inputs, 0, fitted, SETTINGS)
    assert found is not None
    own, popular = (found.values[NEXT][name][PLAIN][0] for name in ("own", "popular"))
    assert own[3] == 1.0
    assert (np.diff(own) >= 0).all()
    assert own[3] > own[1] > own[0]
    assert len(set(popular.tolist())) == 1


@dataclass(frozen=True)
class Countryman:
    """Gives the item that the listener's country is called after."""

    listeners: ListenerColumns
    told: History | None = None

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        out = np.full((len(users), n), -1, np.int32)
        texts = self.listeners.values.get("country", [])
        for place, user in enumerate(users.tolist()):
            out[place, 0] = int(texts[user] or -1) if texts else -1
        return out

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "Countryman":
        return replace(self, told=known)

    def described(self, listeners: ListenerColumns) -> "Countryman":
        return replace(self, listeners=listeners)


@dataclass(frozen=True)
class Picker:
    """Right as soon as it is told of a pick."""

    told: History | None = None

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        assert self.told is not None
        knows = np.isin(users, self.told.user[self.told.event == Event.ONBOARDING])
        out = np.full((len(users), n), -1, np.int32)
        out[:, 0] = np.where(knows, 12, -1)
        return out

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "Picker":
        return Picker(known)


def test_attributes_are_a_condition_of_their_own_for_who_uses_them() -> None:
    log = picked(log_with(days(1, [*range(10), 12])), 1, 20, 40.0)
    part, inputs = only_window(log)
    fitted = {
        "country": Countryman(ListenerColumns({"country": ["0", "12", "0", "0", "0"]})),
        "popular": PopularAll().fit(part.known, part.window.at),
    }
    found = cold_start(part, inputs, 0, fitted, SETTINGS)
    assert found is not None
    curves = {name: {one: curve.tolist() for one, curve in each.items()} for name, each in found.values[NEXT].items()}
    nothing, all_right = [[0.0] * 4], [[1.0] * 4]
    assert curves["country"] == {PLAIN: nothing, PICKS: nothing, ATTRIBUTES: all_right, BOTH: all_right}
    assert set(curves["popular"]) == {PLAIN, PICKS}


def test_conditions_that_make_no_difference_are_left_out_of_the_whole() -> None:
    log = picked(log_with(days(1, [*range(10), 12])), 1, 20, 40.0)
    part, inputs = only_window(log)
    fitted = {
        "country": Countryman(ListenerColumns({"country": ["0", "12", "0", "0", "0"]})),
        "popular": PopularAll().fit(part.known, part.window.at),
        "picks": Picker(),
    }
    one = cold_start(part, inputs, 0, fitted, SETTINGS)
    assert one is not None
    both = ColdStart.joined([one, one])
    assert both is not None
    assert {name: set(curves) for name, curves in both.values[NEXT].items()} == {
        "country": {PLAIN, ATTRIBUTES}, "popular": {PLAIN}, "picks": {PLAIN, PICKS},
    }  # fmt: skip
    assert len(both.rows[NEXT]) == 2 * len(one.rows[NEXT])


def test_nobody_to_ask_about_is_none() -> None:
    part, inputs = only_window(log_with([]))
    assert cold_start(part, inputs, 0, {"p": PopularAll().fit(part.known, part.window.at)}, SETTINGS) is None
    assert ColdStart.joined([]) is None


def test_so_many_are_asked_about_at_most() -> None:
    plays = [play for user in range(1, MOST_ASKED + 30) for play in days(user, range(12))]
    assert len(asked(log_with(plays, MOST_ASKED + 30))) == MOST_ASKED


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000))
def test_the_more_is_told_the_more_is_known_and_never_the_answer(seed: int) -> None:
    known = random_history(seed, n_users=6, n_plays=300, days=80.0)
    later = random_history(seed + 1, n_users=12, n_plays=500, days=10.0)
    plays = [*zip(known.user.tolist(), known.item.tolist(), (known.timestamp / DAY_SECONDS).tolist(), strict=True)]
    plays += [
        (user + 6, item, 81.0 + time / DAY_SECONDS)
        for user, item, time in zip(later.user.tolist(), later.item.tolist(), later.timestamp.tolist(), strict=True)
    ]
    part, inputs = only_window(skipped_at(history_of(plays, 18, 40), range(0, len(plays), 9)))
    came = newcomers(part, inputs.history, part.window.end, 0)
    before = 0
    for listens in LISTENS:
        told = came.told(listens, picks=True)
        assert len(told) >= before
        before = len(told)
        assert (told.timestamp < came.at[told.user]).all()
        assert (np.bincount(told.heard().user, minlength=18)[came.asked[NEXT].rows] == listens).all()
        assert np.isin(told.user, came.asked[NEXT].rows).all()
