"""The ceiling of the simulated world: nothing that reads the log, and nothing that guesses at the plan, beats it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines import standard
from palate.evaluation.baselines.profiles import heard_matrix
from palate.evaluation.baselines.scored import positive, top
from palate.evaluation.ceiling import Ceiling, FittedCeiling, gains, load_ceiling, past_of
from palate.evaluation.intervals import paired_difference
from palate.evaluation.leakage import leaks
from palate.evaluation.method import Refreshes
from palate.evaluation.run import Evaluation, evaluate
from palate.evaluation.splits import EvalSettings, windows
from palate.evaluation.tasks import standard_tasks
from palate.evaluation.tasks.week import Discover, Next
from palate.sources.world import World, WorldSettings, simulate
from palate.sources.world.plan import week

from .simulated import world_inputs

SIZE = WorldSettings(listeners=300, items=1_000, listens=40_000, playlists=40)
SETTINGS = EvalSettings(windows=6, bootstrap=300, seeds=1)
CEILING = "ceiling (planted)"


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(SIZE, seed=0)


@pytest.fixture(scope="module")
def inputs(world: World) -> Inputs:
    return world_inputs(world)


@pytest.fixture(scope="module")
def ceiling(world: World) -> Ceiling:
    return Ceiling(world.truth, np.arange(len(world.listeners)), np.arange(len(world.items)))


@dataclass(frozen=True)
class Guess:
    """A list from the plan by a rule of thumb: how much is liked, how much attention there is, what was heard."""

    world: World
    name: str
    known: Inputs | None = None
    at: float = 0.0

    def fit(self, known: Inputs, at: float) -> "Guess":
        return replace(self, known=known, at=at)

    def recommend(self, users, n, exclude_heard, only=None):
        assert self.known is not None
        truth, heard = self.world.truth, heard_matrix(self.known.history.heard())[users].toarray()
        rows, columns = np.divmod(np.arange(len(users) * len(truth.kind)), len(truth.kind))
        owner = users.astype(np.int64)[rows]
        liked = truth.affinities(owner, columns, np.full(len(rows), self.at)).reshape(heard.shape)
        if self.name != "liked":
            liked = liked * truth.reach**0.75 * (truth.kind_mix[users][:, truth.kind] ** 1.5)
        if self.name == "liked, noticed and heard":
            own = heard / np.maximum(heard.sum(axis=1, keepdims=True), 1.0)
            liked = 0.55 * own + 0.45 * liked / liked.sum(axis=1, keepdims=True)
        liked[:, truth.released > self.at] = 0.0
        if exclude_heard:
            liked[heard > 0] = 0.0
        return top(positive(liked), n)


GUESSES = ("liked", "liked and noticed", "liked, noticed and heard")


@pytest.fixture(scope="module")
def judged(world: World, inputs: Inputs, ceiling: Ceiling) -> Evaluation:
    frozen = replace(ceiling, foresight=False)
    methods = [ceiling, frozen, *(Guess(world, name) for name in GUESSES), *standard(inputs.columns)]
    return evaluate(inputs, methods, SETTINGS, [Next(), Discover()], progress=lambda windows, _: windows)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["next", "discover"])
@pytest.mark.parametrize("metric", ["ndcg@10", "ndcg@100"])
def test_nothing_beats_the_ceiling(judged: Evaluation, task: str, metric: str) -> None:
    values = judged.tasks[task]
    best = values.values[CEILING][metric]
    assert len(judged.methods) > 12
    for method in judged.methods:
        if method.name.startswith("ceiling"):
            continue
        by = paired_difference(best, values.values[method.name][metric], values.rows, values.windows, 300, 0)
        assert by.low > 0.0, (method.name, by)


@pytest.mark.slow
def test_to_foresee_the_taste_is_worth_next_to_nothing(judged: Evaluation) -> None:
    values = judged.tasks["next"]
    with_, without = (values.values[name]["ndcg@100"] for name in (CEILING, f"{CEILING[:-1]}, taste frozen)"))
    assert (with_ - without).mean() == pytest.approx(0.0, abs=0.01)


@pytest.mark.slow
def test_changes_of_the_formula_gain_nothing(world: World, inputs: Inputs, ceiling: Ceiling) -> None:
    """A ranking by the same chances with heard items up or down, flatter, or at random by a third, is no better."""
    rng = np.random.default_rng(0)
    changes: dict[str, Callable[[NDArray, NDArray], NDArray]] = {
        "heard up": lambda chance, own: chance * np.where(own, 2.0, 1.0),
        "heard down": lambda chance, own: chance * np.where(own, 0.5, 1.0),
        "popular up": lambda chance, own: chance * np.maximum(world.truth.reach, 1e-9) ** 0.2,
        "noise": lambda chance, own: chance * np.exp(0.33 * rng.normal(size=chance.shape)),
    }
    methods = [ceiling, *(Changed(ceiling, name, change) for name, change in changes.items())]
    found = evaluate(inputs, methods, SETTINGS, [Next()], progress=lambda windows, _: windows).tasks["next"]
    for name in changes:
        best, other = found.values[CEILING]["ndcg@100"], found.values[name]["ndcg@100"]
        assert paired_difference(best, other, found.rows, found.windows, 300, 0).high > 0.0, name
        assert (best - other).mean() > 0.0, name


@dataclass(frozen=True)
class Changed:
    """The ceiling with its chances changed."""

    ceiling: Ceiling
    name: str
    change: Callable[[NDArray, NDArray], NDArray]
    fitted: FittedCeiling | None = None

    def fit(self, known: Inputs, at: float) -> "Changed":
        return replace(self, fitted=self.ceiling.fit(known, at))

    def recommend(self, users, n, exclude_heard, only=None):
        assert self.fitted is not None
        chance, plan = self.fitted.chances(users)
        own = heard_matrix(self.fitted.known.heard())[users].toarray() > 0
        changed = np.minimum(self.change(chance, own), 1.0)
        return top(positive(gains(changed.astype(np.float32), plan, self.ceiling.truth.kind)), n)


def fitted_at(inputs: Inputs, ceiling: Ceiling) -> FittedCeiling:
    moment = windows(inputs, SETTINGS)[-1].at
    return ceiling.fit(inputs.until(moment), moment)


def test_it_keeps_what_a_fitted_method_promises(inputs: Inputs, ceiling: Ceiling) -> None:
    fitted, users = fitted_at(inputs, ceiling), np.arange(0, 300, 7, dtype=np.int32)
    ranked = fitted.recommend(users, 50, exclude_heard=False)
    assert ranked.dtype == np.int32
    assert ranked.shape == (len(users), 50)
    assert all(len(set(row.tolist())) == 50 for row in ranked)
    np.testing.assert_array_equal(ranked[3:5], fitted.recommend(users[3:5], 50, exclude_heard=False))
    heard = heard_matrix(fitted.known.heard())[users].toarray() > 0
    new = fitted.recommend(users, 50, exclude_heard=True)
    assert heard[np.arange(len(users))[:, None], ranked].any()
    assert not heard[np.arange(len(users))[:, None], new].any()
    only = np.arange(1_000) % 3 == 0
    assert (fitted.recommend(users, 20, False, only) % 3 == 0).all()
    assert fitted.recommend(users[:0], 5, False).shape == (0, 5)


def test_no_item_appears_that_cannot_be_played(world: World, inputs: Inputs, ceiling: Ceiling) -> None:
    fitted = fitted_at(inputs, ceiling)
    ranked = fitted.recommend(np.array([5], np.int32), 1_000, exclude_heard=False)[0]
    end = fitted.at[5] + 7 * DAY_SECONDS
    listed = ranked[ranked >= 0]
    assert 500 < len(listed) < 1_000  # padded
    assert (world.truth.reach[listed] > 0).all()
    assert (world.truth.released[listed] <= end).all()


def test_rows_of_the_home_may_be_in_any_order_and_hold_strangers(
    world: World, inputs: Inputs, ceiling: Ceiling, tmp_path: Path
) -> None:
    world.write(tmp_path / "world")
    users = ["me", *reversed(inputs.history.users)]
    items = ["mine", *(one.item_id for one in reversed(world.items))]
    home = load_ceiling(tmp_path / "world", users, items)
    assert home is not None
    assert home.users[:2].tolist() == [-1, 299]
    history = inputs.history
    moved = replace(history, user=300 - history.user, item=1_000 - history.item, users=users, n_items=1_001)
    moment = windows(inputs, SETTINGS)[-1].at
    asked = np.arange(0, 300, 50, dtype=np.int32)
    fitted = FittedCeiling(home, moved.until(moment), np.full(301, moment), sitting=False)
    there = fitted_at(inputs, ceiling).recommend(asked, 20, exclude_heard=False)
    np.testing.assert_array_equal(1_000 - fitted.recommend(300 - asked, 20, exclude_heard=False), there)
    assert (fitted.recommend(np.array([0], np.int32), 20, exclude_heard=False) == -1).all()


def test_a_home_without_a_world_has_no_ceiling(tmp_path: Path) -> None:
    assert load_ceiling(tmp_path / "world", ["a"], ["b"]) is None


@pytest.mark.parametrize("foresight", [True, False])
def test_it_does_not_look_at_what_was_heard_later(inputs: Inputs, ceiling: Ceiling, foresight: bool) -> None:
    tasks = [task for task in standard_tasks() if task.name in ("next", "discover", "next-4-hours")]
    assert len(tasks) == 3
    one = replace(ceiling, foresight=foresight)
    assert leaks(lambda _: [one], inputs, windows(inputs, SETTINGS)[-1], SETTINGS, tasks) == []


def test_at_the_door_it_knows_the_hour_and_what_was_heard_since(inputs: Inputs, ceiling: Ceiling) -> None:
    fitted = fitted_at(inputs, ceiling)
    assert isinstance(fitted, Refreshes)
    at = np.full(300, windows(inputs, SETTINGS)[-1].end)
    state = fitted.refreshed(inputs.history.until(at[0]), at)
    users = np.arange(20, dtype=np.int32)
    chance, plan = state.chances(users)
    np.testing.assert_allclose(plan.sittings.sum(axis=1), 1.0, rtol=1e-6)
    assert (chance.sum(axis=1) < 2 * plan.length.max(axis=1)).all()  # no more than one sitting holds
    assert not np.array_equal(state.recommend(users, 20, False), fitted.recommend(users, 20, False))


def test_an_item_of_a_short_sitting_is_worth_more(world: World) -> None:
    truth = world.truth
    fan = np.argsort(-truth.kind_mix[:, 1])[:1]
    plan = week(truth, fan, np.array([0]), np.array([SIZE.end - 28 * DAY_SECONDS]))
    chance = np.full((1, 1_000), 1e-6, np.float32)
    chance[0, [0, 900]] = 0.1  # a track and an episode
    gain = gains(chance, plan, truth.kind)[0]
    assert truth.kind[[0, 900]].tolist() == [0, 1]
    assert gain[900] > gain[0] > 0.0
    # With nothing beside it an item is the whole of the perfect list.
    alone = replace(plan, length=np.ones((1, 3)), sittings=plan.sittings * 0.0, door=True)
    np.testing.assert_allclose(gains(chance, alone, truth.kind), chance)


def test_skips_and_plays_are_the_past_and_nothing_else(inputs: Inputs) -> None:
    history = inputs.history
    past = past_of(history, np.array([7, 3], np.int32), np.arange(1_000))
    mine = (history.user == 7) & (history.event <= 1)
    assert (past.who == 0).sum() == mine.sum()
    np.testing.assert_array_equal(past.item[past.who == 0], history.item[mine])
    assert set(past.who.tolist()) == {0, 1}
    assert (np.diff(past.who) >= 0).all()
    assert 0 < past.skip.sum() < len(past.skip)
