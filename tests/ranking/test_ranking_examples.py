"""Examples of the past are what a live request of that moment would have seen, and they see nothing later."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from embeddings.worlds import history_of
from palate.core.candidates import Candidates
from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.embeddings.company import fit_company
from palate.embeddings.foundation import Foundation
from palate.embeddings.inputs import Inputs
from palate.embeddings.records import UserRecord
from palate.embeddings.weights import event_weights
from palate.jobs.fit import cuts, stock_at
from palate.listening.history import History
from palate.ranking.examples import HORIZON_SECONDS, examples_at, with_popularity
from palate.ranking.features import features
from palate.ranking.ranker import Example, RankerSettings
from palate.retrieval.query import Query
from palate.retrieval.retrieve import retrieve
from palate.retrieval.stock import Stock
from palate.surfaces.screens.for_you import QUOTAS
from surfaces.planted import FIT, Planted, planted

WEEKS_BEFORE_THE_END = 6


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


@pytest.fixture(scope="module")
def cut(world: Planted) -> float:
    return world.inputs.history.end - WEEKS_BEFORE_THE_END * HORIZON_SECONDS


def stock_of_then(inputs: Inputs, cut: float, world: Planted) -> Stock:
    """As the fit of the ranker makes it: everything but the item vectors from what was known at the cut."""
    known, space = inputs.until(cut), Foundation(world.stock.listened, world.stock.vectors, world.trained.encoder)
    return stock_at(known, space, fit_company(known.history, known.playlists), cut, FIT, "then")


def examples(inputs: Inputs, cut: float, world: Planted, most_lists: int = 1_000, seed: int = 0) -> list[Example]:
    stock = stock_of_then(inputs, cut, world)
    return list(examples_at(inputs, cut, stock, world.trained.encoder, QUOTAS, most_lists, seed))


def learners(history: History, cut: float) -> list[int]:
    """Listeners with anything before the cut and something heard in the week after it, by hand."""
    week = history.between(cut, cut + HORIZON_SECONDS)
    played = (week.event == Event.PLAY) & ~week.skipped()
    return sorted(set(week.user[played].tolist()) & set(history.until(cut).user.tolist()))


def live_record(history: History, user: int, cut: float, stock: Stock) -> UserRecord:
    """One event folded in after another, as a server does it."""
    mine = history.take(np.flatnonzero((history.user == user) & (history.timestamp < cut)))
    weights, skipped = event_weights(mine.event, mine.seconds_played, mine.duration_seconds)
    record = UserRecord.empty(stock.vectors.shape[1])
    for at in np.flatnonzero((weights > 0) | skipped).tolist():
        item = int(mine.item[at])
        vector, kind = stock.listened[item], int(stock.columns.kind[item])
        record.add(item, kind, vector, float(mine.timestamp[at]), float(weights[at]), bool(skipped[at]))
    return record


def live(world: Planted, cut: float, user: int, stock: Stock) -> tuple[Candidates, Query]:
    record = live_record(world.inputs.history, user, cut, stock)
    told = world.inputs.listeners.take([user])
    query = Query(record, world.trained.encoder.encode([record], told)[0], cut)
    return retrieve(QUOTAS, query, stock), query


def test_training_sees_what_a_request_sees(world: Planted, cut: float) -> None:
    history, stock = world.inputs.history, stock_of_then(world.inputs, cut, world)
    made = examples(world.inputs, cut, world)
    users = learners(history, cut)
    assert len(made) == len(users) > 30
    for user, example in zip(users, made, strict=True):
        candidates, query = live(world, cut, user, stock)
        np.testing.assert_allclose(example.features, features(candidates, query, stock), rtol=1e-3, atol=1e-4)


def test_the_labels_are_what_was_heard_in_the_week_after(world: Planted, cut: float) -> None:
    history, stock = world.inputs.history, stock_of_then(world.inputs, cut, world)
    week = history.between(cut, cut + HORIZON_SECONDS)
    played = (week.event == Event.PLAY) & ~week.skipped()
    total = 0
    for user, example in zip(learners(history, cut), examples(world.inputs, cut, world), strict=True):
        heard = set(week.item[played & (week.user == user)].tolist())
        candidates, _ = live(world, cut, user, stock)
        assert example.labels.tolist() == [float(item in heard) for item in candidates.items.tolist()]
        total += int(example.labels.sum())
    assert total > 100


def changed_from(inputs: Inputs, moment: float, names: Sequence[str]) -> Inputs:
    """The same until `moment`; from then on every listen is of another item, or of another listener and time too."""
    history = inputs.history
    later = history.timestamp >= moment
    other = {
        "item": history.n_items - 1 - history.item,
        "user": (history.user * 7 + 3) % len(history.users),
        "event": np.full(len(history), Event.SAVE, np.uint8),
        "session": np.zeros(len(history), np.int64),
    }
    poison = {name: np.where(later, other[name], getattr(history, name)) for name in names}
    poison = {name: column.astype(getattr(history, name).dtype) for name, column in poison.items()}
    dated = inputs.playlists.added >= moment
    items = np.where(dated, history.n_items - 1 - inputs.playlists.item, inputs.playlists.item).astype(np.int32)
    return replace(inputs, history=replace(history, **poison), playlists=replace(inputs.playlists, item=items))


def test_another_future_changes_no_feature(world: Planted, cut: float) -> None:
    """The same listeners hear other things next: labels differ, features do not."""
    before, after = examples(world.inputs, cut, world), examples(changed_from(world.inputs, cut, ["item"]), cut, world)
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.features, other.features)
    assert any((one.labels != other.labels).any() for one, other in zip(before, after, strict=True))


def test_what_comes_after_the_week_changes_nothing(world: Planted, cut: float) -> None:
    poisoned = changed_from(world.inputs, cut + HORIZON_SECONDS, ["item", "user", "event", "session"])
    for one, other in zip(examples(world.inputs, cut, world), examples(poisoned, cut, world), strict=True):
        np.testing.assert_array_equal(one.features, other.features)
        np.testing.assert_array_equal(one.labels, other.labels)


def test_a_few_lists_are_drawn_with_the_seed(world: Planted, cut: float) -> None:
    everyone = [one.features.tobytes() for one in examples(world.inputs, cut, world)]
    drawn = [[one.features.tobytes() for one in examples(world.inputs, cut, world, 7, seed)] for seed in (1, 1, 2)]
    assert len(drawn[0]) == 7
    assert drawn[0] == drawn[1] != drawn[2]
    assert set(drawn[0]) <= set(everyone)


def test_nobody_to_learn_from(world: Planted) -> None:
    history = world.inputs.history
    for moment in (float(history.timestamp[0]), history.end + DAY_SECONDS):
        assert examples(world.inputs, moment, world) == []


def test_popularity_of_another_moment_leaves_the_factors_alone() -> None:
    vectors = np.ones((3, 2), np.float32)
    changed = with_popularity(vectors, np.array([5, 6, 7], np.float32))
    assert changed.tolist() == [[1, 5], [1, 6], [1, 7]]
    assert vectors.tolist() == [[1, 1]] * 3


def test_the_moments_by_hand() -> None:
    history = history_of([(0, 0, 0.5), (0, 0, 70.0 - 1.0 / DAY_SECONDS)])  # its end is a second later: day 70
    # before day 35 there are less than 28 days to rank by
    weeks = [moment / DAY_SECONDS for moment in cuts(history, RankerSettings(cuts=9))]
    assert weeks == pytest.approx([35.0, 42.0, 49.0, 56.0, 63.0])
    assert cuts(history.until(0.0), RankerSettings()) == []
