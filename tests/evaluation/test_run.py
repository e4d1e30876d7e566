from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.core.listens import Event
from palate.evaluation.baselines import OwnHistory, PopularAll, standard
from palate.evaluation.method import Method
from palate.evaluation.run import evaluate
from palate.evaluation.splits import DISCOVER, NEXT, EvalSettings, Window, split, windows
from palate.listening.history import History

from .worlds import history_of, random_history

SMALL = EvalSettings(windows=2, k=(2, 5), bootstrap=50)


@dataclass(frozen=True)
class Fixed:
    """Gives everybody the same list, whatever was asked."""

    ranked: tuple[int, ...]
    name: str = "fixed"

    def fit(self, train: History, at: float) -> "Fixed":
        return self

    def recommend(self, users: NDArray[np.int32], n: int, exclude_heard: bool) -> NDArray[np.int32]:
        return np.tile(np.array(self.ranked, np.int32), (len(users), 1))


@dataclass
class Recorder:
    """Remembers what it was given."""

    seen: list[tuple[History, float]]
    name: str = "recorder"

    def fit(self, train: History, at: float) -> Fixed:
        self.seen.append((train, at))
        return Fixed((-1,) * 5)


def poisoned(history: History, moment: float) -> History:
    """The same log until `moment`; after it every event is another one, by somebody else, of another kind."""
    future = history.timestamp >= moment
    assert future.any()
    return replace(
        history,
        user=np.where(future, (history.user * 7 + 3) % len(history.users), history.user).astype(np.int32),
        item=np.where(future, history.n_items - 1 - history.item, history.item).astype(np.int32),
        event=np.where(future, Event.SAVE, history.event).astype(np.uint8),
        seconds_played=np.where(future, 1.0, history.seconds_played).astype(np.float32),
        session=np.where(future, 0, history.session).astype(np.int64),
    )


def test_values_by_hand() -> None:
    train = [(user, item, 10.0 + item) for user in (0, 1) for item in range(5)] + [(2, 5, 20.0)]
    history = history_of([*train, (0, 5, 80.0), (0, 0, 81.0), (1, 1, 82.0), (1, 2, 86.9)], n_items=8)
    outcome = evaluate(history, [Fixed((5, 6, -1, -1, -1))], replace(SMALL, windows=1))
    assert outcome.tasks[NEXT].users.tolist() == [0, 1]
    assert outcome.tasks[DISCOVER].users.tolist() == [0]
    values = outcome.tasks[NEXT].values["fixed"]
    np.testing.assert_allclose(values["ndcg@2"], [1 / (1 + 1 / np.log2(3)), 0])
    np.testing.assert_allclose(values["recall@5"], [1 / 2, 0])
    np.testing.assert_allclose(values["mrr@2"], [1, 0])
    np.testing.assert_allclose(outcome.tasks[DISCOVER].values["fixed"]["ndcg@2"], [1.0])
    np.testing.assert_allclose(outcome.tasks[NEXT].coverage["fixed"]["coverage@5"], [1 / 6])  # item 6 was never heard
    assert (outcome.data.listens, outcome.data.users, outcome.data.items) == (15, 3, 6)


@pytest.mark.parametrize("method", standard(), ids=lambda method: method.name)
def test_the_future_cannot_be_seen(method: Method) -> None:
    history = random_history(11)
    for window in windows(history, SMALL):
        lists = []
        for log in (history, poisoned(history, window.start)):
            fitted = method.fit(split(log, window, SMALL).train, window.start)
            users = np.arange(len(log.users), dtype=np.int32)
            lists.append([fitted.recommend(users, 20, exclude_heard).tobytes() for exclude_heard in (False, True)])
        assert lists[0] == lists[1]


def test_a_method_is_given_the_past_and_nothing_else() -> None:
    history, recorder = random_history(12), Recorder([])
    evaluate(history, [recorder], SMALL)
    assert [at for _, at in recorder.seen] == [window.start for window in windows(history, SMALL)]
    for train, at in recorder.seen:
        assert train.timestamp.max() < at
        assert len(train) == (history.timestamp < at).sum()


def test_progress_is_told_of_every_window() -> None:
    history, told = random_history(12), []

    def tell(things: Iterable[Window], what: str) -> Iterable[Window]:
        told.extend([what, *things])
        return things

    evaluate(history, [PopularAll()], SMALL, tell)
    assert told == ["windows", *windows(history, SMALL)]


def test_the_same_again() -> None:
    first, again = (evaluate(random_history(13), standard(), SMALL) for _ in range(2))
    for task in (NEXT, DISCOVER):
        for method in first.methods:
            for metric, values in first.tasks[task].values[method].items():
                np.testing.assert_array_equal(values, again.tasks[task].values[method][metric])


def test_rows_are_the_same_for_every_method_and_window_numbers_are_right() -> None:
    outcome = evaluate(random_history(14), standard(), SMALL)
    for values in outcome.tasks.values():
        assert set(values.windows.tolist()) == {0, 1}
        for by_metric in values.values.values():
            assert {len(column) for column in by_metric.values()} == {len(values.users)}
            assert list(by_metric)[:4] == ["ndcg@2", "recall@2", "mrr@2", "hit_rate@2"]


@pytest.mark.parametrize(
    ("ranked", "what"),
    [
        ((0, 1), "shape"),
        ((0, 1, 0, 2, 3), "twice"),
        ((0, 1, 40, 2, 3), "rows are below 40"),
        ((0, 1, 2, 3, 4), "had heard"),  # the most played items: somebody in discover has heard one
    ],
)
def test_a_method_that_breaks_its_contract_is_refused(ranked: tuple[int, ...], what: str) -> None:
    with pytest.raises(BadInput, match=what):
        evaluate(random_history(15), [Fixed(ranked)], SMALL)


def test_a_failing_method_ends_the_evaluation() -> None:
    class Failing(OwnHistory):
        def fit(self, train: History, at: float) -> Fixed:
            raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        evaluate(random_history(16), [PopularAll(), Failing()], SMALL)


@pytest.mark.parametrize("methods", [[], [PopularAll(), PopularAll()]])
def test_methods_need_distinct_names(methods: list[Method]) -> None:
    with pytest.raises(BadInput, match="distinct names"):
        evaluate(random_history(16), methods, SMALL)


def test_when_nobody_qualifies_the_error_names_the_setting() -> None:
    history = history_of([(0, 0, 0.0), (1, 0, 99.0)])
    with pytest.raises(BadInput, match="min_train_plays"):
        evaluate(history, standard(), SMALL)
