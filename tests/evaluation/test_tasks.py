from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns
from palate.core.clock import DAY_SECONDS, HOUR_SECONDS
from palate.core.listens import Event
from palate.evaluation.baselines.itemknn import ItemKnn
from palate.evaluation.splits import EvalSettings, Split, Window, split, windows
from palate.evaluation.tasks import Task, standard_tasks
from palate.evaluation.tasks.hours import NextHours, known_at
from palate.evaluation.tasks.new_items import NewItems
from palate.evaluation.tasks.playlists import PlaylistContinuation, held
from palate.evaluation.tasks.questions import Questions
from palate.evaluation.tasks.similar import MOST_ITEMS, SimilarItems
from palate.evaluation.tasks.week import ColdDiscover, ColdNext, Discover, Next
from palate.listening.history import History

from .worlds import history_of, inputs_of, playlists_of, random_history, skipped_at

WEEK = Window(80.0 * DAY_SECONDS, 80.0 * DAY_SECONDS, 87.0 * DAY_SECONDS)


def as_dict(asked: Questions) -> dict[int, list[int]]:
    bounds = zip(asked.rows, asked.indptr[:-1], asked.indptr[1:], strict=True)
    return {int(row): asked.items[first:last].tolist() for row, first, last in bounds}


def asked_of(task: Task, part: Split) -> dict[int, list[int]]:
    return as_dict(task.questions(part, EvalSettings()))


@pytest.fixture(scope="module")
def week() -> Split:
    before = [(0, item, 10.0 + item) for item in range(5)] + [(1, 5, 20.0)] * 5 + [(2, 5, 21.0)]
    after = [
        (0, 4, 80.0),  # heard before: only next
        (0, 5, 81.0),  # new to this listener
        (0, 5, 82.0),  # again: targets are distinct
        (0, 6, 83.0),  # nobody heard it before: no target
        (1, 5, 80.0),  # nothing but a re-listen: not in discover
        (2, 0, 80.0),  # one play in train: cold
        (3, 0, 80.0),  # unknown: in no table
        (0, 0, 87.5),  # after the window
    ]
    return split(inputs_of(history_of(before + after)), WEEK)


def test_next_and_discover_by_hand(week: Split) -> None:
    assert asked_of(Next(), week) == {0: [4, 5], 1: [5]}
    assert asked_of(Discover(), week) == {0: [5]}


def test_cold_listeners_by_hand(week: Split) -> None:
    assert asked_of(ColdNext(), week) == {2: [0]}
    assert asked_of(ColdDiscover(), week) == {2: [0]}


def test_who_only_picked_at_onboarding_is_cold() -> None:
    history = history_of([(0, 0, 10.0), (0, 1, 11.0), (1, 1, 12.0), (0, 1, 80.5), (1, 0, 80.6)])
    event = history.event.copy()
    event[2] = Event.ONBOARDING  # all that is known of listener 1
    part = split(inputs_of(replace(history, event=event)), WEEK)
    assert asked_of(ColdNext(), part) == {0: [1], 1: [0]}
    assert asked_of(ColdDiscover(), part) == {1: [0]}


def test_skips_are_neither_evidence_nor_target() -> None:
    history = history_of([(0, 0, float(day)) for day in range(6)] + [(0, 1, 10.0), (0, 0, 80.0), (0, 1, 80.5)])
    assert asked_of(Next(), split(inputs_of(history), WEEK)) == {0: [0, 1]}
    part = split(inputs_of(skipped_at(history, [6, 7])), WEEK)  # item 1 before the window, item 0 in it
    assert part.catalogue.tolist() == [0]
    assert asked_of(Next(), part) == {}


def test_what_the_next_hours_bring_is_asked_when_the_last_sitting_begins() -> None:
    before = [(0, item, 10.0 + item) for item in range(5)]
    after = [(0, 0, 81.0), (0, 1, 83.0), (0, 2, 83.1), (0, 3, 83.2), (0, 4, 86.9)]  # the last has not four hours left
    part = split(inputs_of(history_of(before + after)), WEEK)
    task = NextHours()
    assert task.moments(part)[0] == 83.0 * DAY_SECONDS
    assert asked_of(task, part) == {0: [1, 2]}  # .2 of a day is more than four hours
    assert known_at(part, task.moments(part)).item.tolist() == [0, 1, 2, 3, 4, 0]
    assert known_at(part, task.moments(part) - 3 * DAY_SECONDS).item.tolist() == [0, 1, 2, 3, 4]


def test_a_sitting_under_way_when_the_window_begins_is_not_asked_about() -> None:
    history = history_of([(0, 0, 10.0)] * 5 + [(0, 0, 79.99), (0, 0, 80.01)])
    session = history.session.copy()
    session[-1] = session[-2]
    assert asked_of(NextHours(), split(inputs_of(replace(history, session=session)), WEEK)) == {}


@dataclass(frozen=True)
class Witness:
    """Writes down what it is told of later listens."""

    told: list[tuple[History, NDArray[np.float64]]]

    def recommend(self, users, n, exclude_heard, only=None):
        return np.full((len(users), n), -1, np.int32)

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "Witness":
        self.told.append((known, at))
        return self


@given(seed=st.integers(0, 200), age=st.floats(0.0, 30 * DAY_SECONDS))
def test_nobody_is_told_of_a_listen_from_after_the_question(seed: int, age: float) -> None:
    inputs, task, witness = inputs_of(random_history(seed)), NextHours(), Witness([])
    part = split(inputs, windows(inputs, EvalSettings(windows=1))[0])
    asked = task.questions(part, EvalSettings())
    task.aged(witness, task.states(part, asked, age), asked, 5)
    known, at = witness.told[0]
    assert (known.timestamp < (at - age)[known.user]).all()
    assert np.isin(known.user, asked.rows).all()
    moments = task.moments(part)[asked.rows]
    assert ((moments >= part.window.start) & (moments + 4 * HOUR_SECONDS <= part.window.end)).all()


def test_new_items_are_known_and_unplayed() -> None:
    columns = replace(
        ItemColumns.unknown(6),
        released=np.array([0.0, 0.0, 79.0, 85.0, np.nan, 79.0]) * DAY_SECONDS,
        artist=np.array([0, 0, 0, 0, -1, 0], np.int32),
        artists=["a"],
    )
    played = [(0, 0, 10.0)] * 5 + [(0, 1, 11.0), (0, 1, 81.0), (0, 2, 82.0), (0, 3, 86.0), (0, 4, 83.0)]
    part = split(inputs_of(history_of(played, n_items=6), columns=columns), WEEK)
    task = NewItems()
    assert asked_of(task, part) == {0: [2]}  # 1 is old, 3 was to come out, of 4 nothing was known; nobody played 5
    lists = np.array([[2, 5, 0, -1]], np.int32)
    assert task.forbidden(part, task.questions(part, EvalSettings()), lists).tolist() == [[False, False, True, False]]


def test_how_a_playlist_goes_on() -> None:
    places = [
        (0, 0, 1.0),
        (0, 1, 2.0),
        (0, 2, 3.0),
        (1, 3, 4.0),
        (0, 3, 81.0),
        (0, 1, 82.0),
        (0, 5, 83.0),
        (1, 4, 81.0),
    ]
    history = history_of([(0, 4, 5.0)], n_items=6)
    part = split(inputs_of(history, playlists_of(places)), WEEK)
    task = PlaylistContinuation()
    asked = task.questions(part, EvalSettings())
    assert as_dict(asked) == {0: [3]}  # 1 was on it already, 5 was nowhere before, and playlist 1 is too short
    assert [items.tolist() for items in held(part, asked.rows)] == [[0, 1, 2]]
    assert task.forbidden(part, asked, np.array([[3, 2, -1]], np.int32)).tolist() == [[False, True, False]]


def test_similar_by_playlists_and_without_them_by_sittings() -> None:
    places = [(0, 0, 1.0), (0, 1, 2.0), (1, 2, 3.0), (0, 2, 81.0)]
    history = history_of([(0, 0, 10.0), (0, 1, 10.1), (0, 0, 82.0), (0, 1, 82.1), (1, 0, 83.0)], n_items=4)
    part = split(inputs_of(history, playlists_of(places)), WEEK)
    assert asked_of(SimilarItems(), part) == {0: [2], 1: [2]}
    assert asked_of(SimilarItems(), split(inputs_of(history), WEEK)) == {0: [1], 1: [0]}


def test_similar_asks_about_so_many_items_and_the_same_ones_every_time() -> None:
    rng = np.random.default_rng(0)
    plays = [(0, int(item), 10.0) for item in range(900)]
    plays += [(1 + n // 60, int(item), 81.0) for n, item in enumerate(rng.permutation(900))]
    part = split(inputs_of(history_of(plays)), WEEK)
    asked = SimilarItems().questions(part, EvalSettings())
    assert len(asked) == MOST_ITEMS
    assert as_dict(asked) == as_dict(SimilarItems().questions(part, EvalSettings()))
    assert (asked.sizes == 59).all()


@given(seed=st.integers(0, 1000), min_train_plays=st.integers(1, 60))
def test_every_target_was_earned(seed: int, min_train_plays: int) -> None:
    history = random_history(seed)
    inputs, settings = inputs_of(history), EvalSettings(windows=1, min_train_plays=min_train_plays)
    window = windows(inputs, settings)[0]
    part = split(inputs, window)
    before, after = history.until(window.at).heard(), history.between(window.start, window.end).heard()
    known, later = set(zip(before.user, before.item, strict=True)), set(zip(after.user, after.item, strict=True))
    active = {user for user in range(30) if (before.user == user).sum() >= min_train_plays}
    expected = {(user, item) for user, item in later if user in active and item in set(before.item.tolist())}
    for task, wanted in ((Next(), expected), (Discover(), expected - known)):
        asked = task.questions(part, settings)
        found = {(user, item) for user, items in as_dict(asked).items() for item in items}
        assert found == {(int(user), int(item)) for user, item in wanted}
        assert (asked.sizes > 0).all()


def test_every_task_says_what_it_is() -> None:
    tasks = standard_tasks()
    assert len({task.name for task in tasks}) == len(tasks)
    for task in tasks:
        assert len(task.about) > 20
        assert len(task.missing) > 20


def test_a_method_is_asked_only_what_it_can_do(week: Split) -> None:
    fitted = ItemKnn().fit(week.known, week.window.at)
    assert all(task.able(fitted) for task in standard_tasks())
    able = [task.name for task in standard_tasks() if task.able(object())]  # type: ignore[arg-type]
    assert able == ["next", "discover", "cold-next", "cold-discover", "new-items"]
