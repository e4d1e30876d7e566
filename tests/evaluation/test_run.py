from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines import OwnHistory, PopularAll
from palate.evaluation.cohorts import Cohorts, CohortSettings
from palate.evaluation.method import Method
from palate.evaluation.run import evaluate
from palate.evaluation.splits import EvalSettings, Window, windows
from palate.evaluation.staleness import AGES_SECONDS
from palate.evaluation.tasks.week import Discover, Next
from palate.listening.history import History

from .worlds import history_of, inputs_of, random_history

SMALL = EvalSettings(windows=2, k=(2, 5), bootstrap=50)


@dataclass(frozen=True)
class Fixed:
    """Gives everybody the same list, whatever was asked."""

    ranked: tuple[int, ...]
    name: str = "fixed"

    def fit(self, known: Inputs, at: float) -> "Fixed":
        return self

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        return np.tile(np.array(self.ranked, np.int32), (len(users), 1))


@dataclass
class Recorder:
    """Remembers what it was given."""

    seen: list[tuple[Inputs, float]]
    name: str = "recorder"

    def fit(self, known: Inputs, at: float) -> Fixed:
        self.seen.append((known, at))
        return Fixed((-1,) * 5)


@dataclass(frozen=True)
class Drawn:
    """Training is random: one fixed list for each seed."""

    seed: int = 0
    name: str = "drawn"
    everywhere: bool = True

    def seeded(self, seed: int) -> "Drawn":
        return replace(self, seed=seed)

    def fit(self, known: Inputs, at: float) -> Fixed:
        order = np.random.default_rng(self.seed).permutation(known.history.n_items)
        return Fixed(tuple(order[:5].tolist()))


@dataclass(frozen=True)
class Timed:
    """Knows only how late it is and how much it was told; right when it was told everything."""

    name: str = "timed"

    def fit(self, known: Inputs, at: float) -> "FittedTimed":
        return FittedTimed(known.history)


@dataclass(frozen=True)
class FittedTimed:
    known: History

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """The listener's latest items."""
        out = np.full((len(users), n), -1, np.int32)
        for place, user in enumerate(users):
            items = self.known.item[self.known.user == user][::-1]
            latest = items[np.sort(np.unique(items, return_index=True)[1])][:n]
            out[place, : len(latest)] = latest
        return out

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "FittedTimed":
        return FittedTimed(known)


def test_values_by_hand() -> None:
    train = [(user, item, 10.0 + item) for user in (0, 1) for item in range(5)] + [(2, 5, 20.0)]
    history = history_of([*train, (0, 5, 80.0), (0, 0, 81.0), (1, 1, 82.0), (1, 2, 86.9)], n_items=8)
    tasks = [Next(), Discover()]
    fixed = Fixed((5, 6, -1, -1, -1))
    outcome = evaluate(inputs_of(history), [fixed], replace(SMALL, windows=1), [tasks[0]])
    assert outcome.tasks["next"].rows.tolist() == [0, 1]
    values = outcome.tasks["next"].values["fixed"]
    np.testing.assert_allclose(values["ndcg@2"], [1 / (1 + 1 / np.log2(3)), 0])
    np.testing.assert_allclose(values["recall@5"], [1 / 2, 0])
    np.testing.assert_allclose(values["mrr@2"], [1, 0])
    np.testing.assert_allclose(values["popularity@2"], [1 / 6, 1 / 6])  # a third of the listeners for 5, nobody for 6
    np.testing.assert_allclose(outcome.tasks["next"].whole["fixed"]["coverage@5"], [1 / 6])  # 6 was never heard
    assert (outcome.data.listens, outcome.data.users, outcome.data.items) == (15, 3, 6)
    outcome = evaluate(inputs_of(history), [fixed], replace(SMALL, windows=1), [tasks[1]])
    assert outcome.tasks["discover"].rows.tolist() == [0]
    np.testing.assert_allclose(outcome.tasks["discover"].values["fixed"]["ndcg@2"], [1.0])


def test_a_method_is_given_the_past_and_nothing_else() -> None:
    inputs, recorder = inputs_of(random_history(12)), Recorder([])
    evaluate(inputs, [recorder], SMALL, [Next()])
    assert [at for _, at in recorder.seen] == [window.at for window in windows(inputs, SMALL)]
    for known, at in recorder.seen:
        assert known.history.timestamp.max() < at
        assert len(known.history) == (inputs.history.timestamp < at).sum()


def test_progress_is_told_of_every_window() -> None:
    inputs, told = inputs_of(random_history(12)), []

    def tell(things: Iterable[Window], what: str) -> Iterable[Window]:
        for thing in things:
            told.append((what, thing))
            yield thing

    evaluate(inputs, [PopularAll()], SMALL, [Next()], progress=tell)
    assert told == [("windows", window) for window in windows(inputs, SMALL)]


def test_a_method_with_a_random_training_is_trained_with_every_seed() -> None:
    inputs = inputs_of(random_history(13))
    outcome = evaluate(inputs, [Drawn()], replace(SMALL, seeds=3), [Next()])
    alone = [evaluate(inputs, [Drawn(seed)], replace(SMALL, seeds=1, seed=seed), [Next()]) for seed in range(3)]
    for metric in ("ndcg@5", "recall@2"):
        each = [one.tasks["next"].values["drawn"][metric] for one in alone]
        np.testing.assert_allclose(outcome.tasks["next"].values["drawn"][metric], np.mean(each, axis=0))
    assert len(outcome.tasks["next"].seeds["drawn"]) == 3
    assert len(outcome.costs["drawn"].fit_seconds) == 2 * 3


def test_a_long_training_is_repeated_only_in_the_latest_window() -> None:
    inputs = inputs_of(random_history(13))
    outcome = evaluate(inputs, [Drawn(everywhere=False)], replace(SMALL, seeds=3), [Next()])
    latest = evaluate(inputs, [Drawn()], replace(SMALL, seeds=3, windows=1), [Next()])
    assert len(outcome.costs["drawn"].fit_seconds) == 1 + 3
    np.testing.assert_allclose(outcome.tasks["next"].seeds["drawn"], latest.tasks["next"].seeds["drawn"])


def test_an_old_state_is_worse_and_todays_is_the_task_itself() -> None:
    """Everybody plays one item of the day, over and over: yesterday's state does not know it."""
    plays = [(user, user, float(day)) for user in range(8) for day in range(60)]
    hours = (0.1, 0.2, 0.6)  # the last sitting with four hours left in the window is the one at .2
    plays += [(user, 10 + (user + day) % 8, day + h) for user in range(8) for day in range(60, 100) for h in hours]
    history = history_of(plays)
    session = np.arange(len(history), dtype=np.int64)
    outcome = evaluate(inputs_of(replace(history, session=session)), [Timed()], replace(SMALL, windows=1))
    aged = outcome.aged
    assert aged is not None
    assert aged.task == "next-4-hours"
    for metric in ("ndcg@5", "recall@2"):
        today = outcome.tasks["next-4-hours"].values["timed"][metric]
        np.testing.assert_array_equal(aged.values["timed"][metric][:, 0], today)
    by_age = dict(zip(AGES_SECONDS, aged.values["timed"]["ndcg@5"].mean(axis=0).tolist(), strict=True))
    assert by_age[0.0] == 1.0
    assert by_age[86_400.0] < 1.0


def test_tomorrows_list_is_asked_of_who_can_be_told_of_today() -> None:
    """Two listeners with five items each; on the window's first day one of them hears two of the other's."""
    plays = [(0, item, 70.0 + item) for item in range(5)] + [(1, item, 70.0 + item) for item in range(5, 10)]
    history = history_of([(2, 0, 0.0), *plays, (0, 5, 80.1), (0, 6, 80.2), (1, 5, 80.1), (1, 9, 86.9)])
    settings = replace(SMALL, windows=1, k=(2, 4))
    values = (
        evaluate(inputs_of(history), [Timed(), PopularAll(), Fixed((0, 1, 2, 3))], settings, [Next()])
        .tasks["next"]
        .values
    )
    np.testing.assert_array_equal(values["timed"]["overlap@2"], [0.0, 1 / 2])  # 4, 3 becomes 6, 5; 9, 8 becomes 5, 9
    np.testing.assert_array_equal(values["popular-all"]["overlap@2"], [1.0, 1.0])
    assert "overlap@2" not in values["fixed"]


def test_cohorts_are_those_of_the_window() -> None:
    inputs = inputs_of(random_history(14))
    cohorts = Cohorts.planned(inputs, CohortSettings({"busy": "plays >= 40", "all": "plays >= 0"}))
    outcome = evaluate(inputs, [PopularAll()], SMALL, [Next()], cohorts)
    values = outcome.tasks["next"]
    assert values.cohorts["all"].all()
    for row, window, busy in zip(values.rows, values.windows, values.cohorts["busy"], strict=True):
        before = inputs.history.until(outcome.windows[window].at).heard()
        assert busy == ((before.user == row).sum() >= 40)
    assert outcome.rules["busy"] == "plays >= 40"


def test_a_task_without_questions_is_named_with_its_reason() -> None:
    outcome = evaluate(inputs_of(random_history(15)), [PopularAll()], SMALL)
    assert {"new-items", "playlists"} <= set(outcome.missing)
    assert "release dates" in outcome.missing["new-items"]


@pytest.mark.parametrize(
    ("ranked", "what"),
    [
        (np.zeros((1, 5), np.int32), "shape"),
        (np.zeros((2, 5), np.int64), "int64"),
        (np.tile(np.array([0, 1, 2, 3, 99], np.int32), (2, 1)), "99"),
        (np.tile(np.array([0, -2, 2, 3, 4], np.int32), (2, 1)), "only -1 pads"),
        (np.tile(np.array([0, 1, 2, 1, -1], np.int32), (2, 1)), "twice"),
    ],
)
def test_lists_that_would_change_the_numbers_are_refused(ranked: NDArray[np.integer], what: str) -> None:
    @dataclass(frozen=True)
    class Odd(Fixed):
        def recommend(self, users, n, exclude_heard, only=None):  # type: ignore[no-untyped-def]
            return ranked

    plays = [(user, item, 10.0 + item) for user in (0, 1) for item in range(6)]
    history = history_of([*plays, (0, 5, 80.0), (1, 1, 86.9)])
    with pytest.raises(BadInput, match=what):
        evaluate(inputs_of(history), [Odd((0,) * 5)], replace(SMALL, windows=1), [Next()])


def test_what_a_task_masks_is_refused() -> None:
    plays = [(0, item, 10.0 + item) for item in range(6)] + [(1, 6, 20.0), (0, 6, 80.0), (0, 1, 86.9)]
    with pytest.raises(BadInput, match="masks: never-heard items"):
        evaluate(inputs_of(history_of(plays)), [Fixed((6, 1, -1, -1, -1))], replace(SMALL, windows=1), [Discover()])


@pytest.mark.parametrize("methods", [[], [PopularAll(), PopularAll()], [OwnHistory(), Fixed((0,), "own-history")]])
def test_names_must_tell_methods_apart(methods: list[Method]) -> None:
    with pytest.raises(BadInput, match="distinct names"):
        evaluate(inputs_of(random_history(16)), methods, SMALL)


def test_when_nobody_qualifies_the_error_says_why() -> None:
    history = history_of([(0, 0, 0.0), (1, 0, 99.0)])
    with pytest.raises(BadInput, match="no listener has enough heard plays"):
        evaluate(inputs_of(history), [PopularAll()], SMALL)
