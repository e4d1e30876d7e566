"""Probes from end to end: spaces with a known content get the score that they must get, and nobody sees the future."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS as DAY
from palate.core.errors import BadInput
from palate.embeddings.inputs import Inputs
from palate.evaluation.probes import Absent, FileTask, Probes, ProbeSettings, probe, run
from palate.evaluation.probes.rows import Examples, hashed
from palate.evaluation.probes.settings import planned
from palate.evaluation.probes.tasks import Active, Churn, Hears, Plays
from palate.listening.history import History
from palate.sources.world import WorldSettings, simulate

from ..simulated import world_inputs
from ..worlds import inputs_of, random_history
from .spaces import Space, activity_space, counts_space, random_space, taste_space

SMALL = ProbeSettings(train_weeks=2, test_weeks=2, min_positives=3, bootstrap=200)


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    """100 days of 200 listeners who play at random, in a third of the weeks."""
    history = random_history(seed=3, n_users=200, n_items=30, n_plays=20_000, days=100.0)
    week = (history.timestamp // (7 * DAY)).astype(np.int64)
    here = (history.user * 7 + week * 11) % 3 == np.random.default_rng(0).integers(0, 2, len(history))
    return inputs_of(history.take(here))


def oracle(history: History, task) -> Space:
    """The answer itself, read from the whole log: what no method may see."""

    def told(known: History, users: np.ndarray, at: float) -> np.ndarray:
        labels = task.labels(inputs_of(history), users, at, at + 7 * DAY)
        return np.nan_to_num(labels)[:, None]

    return Space(told, "oracle")


def test_a_space_that_is_the_label_is_perfect(inputs: Inputs) -> None:
    for task in (Active(), Churn(), Hears("item", 0, "row 0")):
        (line,) = probe(inputs, [oracle(inputs.history, task)], [task], SMALL).tasks
        assert line.scores["oracle"].value == pytest.approx(1.0), task.name
        assert line.average_precision["oracle"] == pytest.approx(1.0), task.name
    (line,) = probe(inputs, [oracle(inputs.history, Plays())], [Plays()], SMALL).tasks
    assert line.scores["oracle"].value == pytest.approx(1.0)
    assert line.counts


def test_a_random_space_is_a_coin(inputs: Inputs) -> None:
    spaces = [random_space(seed) for seed in range(3)]
    (line,) = probe(inputs, spaces, [Active()], SMALL).tasks
    for one in line.scores.values():
        assert one.low < 0.5 < one.high
        assert one.value == pytest.approx(0.5, abs=0.08)
    assert not line.counts


def test_vectors_that_only_name_a_person_are_worth_nothing(inputs: Inputs) -> None:
    """Every listener alternates by habit; a head that met them could learn the habit from a name alone."""
    habit = np.arange(len(inputs.history.users)) % 2
    regular = inputs.history.take(
        (habit[inputs.history.user] == 0) | (inputs.history.timestamp < inputs.history.timestamp[0] + 30 * DAY)
    )
    names = Space(lambda known, users, at: np.eye(len(known.users))[users], "names")
    told = Space(lambda known, users, at: habit[users, None], "habit")
    found = probe(inputs_of(regular), [names, told], [Active()], SMALL)
    assert found.tasks[0].scores["names"].value == pytest.approx(0.5, abs=0.05)
    assert found.tasks[0].scores["habit"].value > 0.7


def taught_with(monkeypatch: pytest.MonkeyPatch, inputs: Inputs) -> list[tuple[np.ndarray, np.ndarray]]:
    """What every head was taught: vectors and labels."""
    taught: list[tuple[np.ndarray, np.ndarray]] = []
    original = run.predicted

    def spied(train, labels, test, kind):  # type: ignore[no-untyped-def]
        taught.append((train.copy(), labels.copy()))
        return original(train, labels, test, kind)

    monkeypatch.setattr(run, "predicted", spied)
    probe(inputs, [counts_space()], [Active(), Plays(), Hears("item", 1, "row 1")], SMALL)
    monkeypatch.setattr(run, "predicted", original)
    return taught


def test_the_future_does_not_reach_a_head(monkeypatch: pytest.MonkeyPatch, inputs: Inputs) -> None:
    """Other people and other items from the first test week on: every head is taught the very same rows."""
    history = inputs.history
    later = history.timestamp >= planned(history, SMALL).test[0]
    rng = np.random.default_rng(5)
    poisoned = replace(
        history,
        user=np.where(later, rng.permutation(history.user), history.user).astype(np.int32),
        item=np.where(later, rng.permutation(history.item), history.item).astype(np.int32),
    )
    before, after = taught_with(monkeypatch, inputs), taught_with(monkeypatch, inputs_of(poisoned))
    assert len(before) == len(after) == 3 * SMALL.folds
    for (vectors, labels), (vectors_after, labels_after) in zip(before, after, strict=True):
        np.testing.assert_array_equal(vectors, vectors_after)
        np.testing.assert_array_equal(labels, labels_after)


def test_a_space_sees_what_came_before_each_moment_and_is_fitted_once(inputs: Inputs) -> None:
    space = counts_space()
    probe(inputs, [space], [Active()], SMALL)
    plan = planned(inputs.history, SMALL)
    assert [(call, at) for call, _, at in space.seen] == [
        ("fit", plan.fitted_at), *(("refreshed", at) for at in (*plan.train, *plan.test)),
    ]  # fmt: skip
    assert all(end <= at + 1.0 for _, end, at in space.seen)


def test_the_same_seed_gives_the_same_numbers_and_order_of_spaces_does_not_matter(inputs: Inputs) -> None:
    spaces = [counts_space(), random_space(1)]
    tasks = [Active(), Plays()]
    first = probe(inputs, spaces, tasks, SMALL).to_json()
    assert probe(inputs, spaces, tasks, SMALL).to_json() == first
    turned = probe(inputs, spaces[::-1], tasks, SMALL).to_json()
    assert [one["scores"] for one in turned["tasks"]] == [one["scores"] for one in first["tasks"]]
    assert turned["borda"] == first["borda"]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30), st.integers(2, 4))
def test_no_person_is_on_both_sides_and_everybody_is_judged_once(rows: list[tuple[int, int]], folds: int) -> None:
    users = np.array(rows, np.int32)
    train, test = (Examples(column, np.zeros(len(rows), np.int64), np.zeros(len(rows))) for column in users.T)
    fold = hashed([f"u{row}" for row in range(10)], 0, "fold") % np.uint64(folds)
    judged_in_all = np.zeros(len(rows), np.int64)
    for taught, judged in run.people_apart(train, test, fold, folds):
        assert not set(train.users[taught].tolist()) & set(test.users[judged].tolist())
        judged_in_all += judged
    assert (judged_in_all == 1).all()


def own_task(inputs: Inputs, name: str = "mine", **changed) -> FileTask:  # type: ignore[no-untyped-def]
    at = float(inputs.history.end - 10 * DAY)
    users = inputs.history.users
    label = {user: float(row % 2) for row, user in enumerate(users)}
    return FileTask(name, "odd rows", "binary", at - 20 * DAY, at, label, label, **changed)


def test_labels_from_a_file_are_asked_at_their_own_moments(inputs: Inputs) -> None:
    odd = Space(lambda known, users, at: users[:, None] % 2, "odd")
    task = own_task(inputs)
    found = probe(inputs, [odd, random_space(2)], [Active(), task], SMALL)
    line = next(one for one in found.tasks if one.task == "mine")
    assert line.scores["odd"].value == pytest.approx(1.0)
    assert line.first == "odd"
    assert line.first_minus_this["random 2"].low > 0.3
    assert odd.seen[-3:] == [
        ("fit", odd.seen[-3][1], task.train_at),
        ("refreshed", odd.seen[-2][1], task.train_at),
        ("refreshed", odd.seen[-1][1], task.test_at),
    ]


def test_a_split_of_people_in_a_file_is_kept(monkeypatch: pytest.MonkeyPatch, inputs: Inputs) -> None:
    whole = own_task(inputs)
    half = {user: label for row, (user, label) in enumerate(whole.train.items()) if row < 100}
    rest = {user: label for user, label in whole.test.items() if user not in half}
    heads: list[int] = []
    original = run.predicted
    monkeypatch.setattr(run, "predicted", lambda *rows: heads.append(len(rows[0])) or original(*rows))
    found = probe(inputs, [random_space(1)], [replace(whole, train=half, test=rest)], SMALL)
    assert heads == [100]
    assert found.tasks[0].rows == len(rest)


def test_strangers_in_a_file_take_no_part_and_a_task_of_nobody_is_said(inputs: Inputs) -> None:
    task = replace(own_task(inputs), train={"nobody": 1.0, "none": 0.0}, test={"nobody": 1.0, "none": 0.0})
    found = probe(inputs, [random_space(1)], [Active(), task], SMALL)
    assert [one.task for one in found.tasks] == ["active"]
    assert found.absent == [Absent("mine", "0 listeners differ from the most common answer in train, 3 are needed")]
    with pytest.raises(BadInput, match="none of the 1 tasks can be asked: mine: 0 listeners"):
        probe(inputs, [random_space(1)], [task], SMALL)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (lambda known, users, at: np.full((len(users), 2), np.nan), "not finite"),
        (lambda known, users, at: np.zeros(len(users)), "vectors of shape"),
        (lambda known, users, at: np.zeros((len(users) + 1, 2)), "vectors of shape"),
        (lambda known, users, at: np.zeros((len(users), 3_000)), "1 to 2048"),
        (lambda known, users, at: np.zeros((len(users), 1 + int(at) % 2 + int(at / DAY) % 7)), "different widths"),
    ],
)
def test_bad_vectors_are_refused(inputs: Inputs, told, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        probe(inputs, [Space(told)], [Active()], replace(SMALL, horizon_days=5.0))


def test_a_method_without_vectors_and_twins_are_refused(inputs: Inputs) -> None:
    class Listing:
        name = "listing"

        def fit(self, known: Inputs, at: float) -> object:
            return object()

    with pytest.raises(BadInput, match="listing has no vectors"):
        probe(inputs, [Listing()], [Active()], SMALL)  # type: ignore[list-item]
    with pytest.raises(BadInput, match="spaces are called counts, counts"):
        probe(inputs, [counts_space(), counts_space()], [Active()], SMALL)
    with pytest.raises(BadInput, match="tasks are called active, active"):
        probe(inputs, [counts_space()], [Active(), own_task(inputs, "active")], SMALL)
    with pytest.raises(BadInput, match="item, item"):
        probe(inputs, [counts_space()], [own_task(inputs, "item"), Hears("item", 0, "row 0")], SMALL)


def test_a_space_that_says_nothing_is_a_coin_and_breaks_nothing(inputs: Inputs) -> None:
    silent = Space(lambda known, users, at: np.zeros((len(users), 4)), "silent")
    found = probe(inputs, [silent, counts_space()], [Active()], SMALL)
    assert found.tasks[0].scores["silent"].value == pytest.approx(0.5)


def test_what_a_space_gives_is_not_written_over(inputs: Inputs) -> None:
    own = np.random.default_rng(0).standard_normal((len(inputs.history.users), 3)).astype(np.float32)
    kept = own.copy()
    everybody = Space(lambda known, users, at: own[: len(users)], "own state")
    probe(inputs, [everybody], [Active(), Plays()], SMALL)
    np.testing.assert_array_equal(own, kept)


@pytest.fixture(scope="module")
def planted() -> Probes:
    """A small world: the planted taste beside counts and activity, on all open tasks."""
    world = simulate(WorldSettings(listeners=300, items=600, listens=40_000, playlists=50), seed=1)
    settings = ProbeSettings(train_weeks=4, test_weeks=4, top=4, bootstrap=200)
    spaces = [taste_space(world.truth), counts_space(256), activity_space(), random_space(0)]
    return probe(world_inputs(world), spaces, None, settings)


def test_the_planted_taste_beats_counts_on_genres(planted: Probes) -> None:
    line = next(one for one in planted.tasks if one.task == "genre")
    assert len(line.members) > 1
    assert line.first == "planted taste"
    assert line.first_minus_this["counts"].low > 0.0
    assert line.first_minus_this["random 0"].low > 0.2
    assert line.counts


def test_activity_knows_who_comes_back_and_a_taste_does_not(planted: Probes) -> None:
    lines = {one.task: one for one in planted.tasks}
    assert lines["active"].first == lines["plays"].first == "activity"
    assert lines["active"].first_minus_this["planted taste"].low > 0.1
    assert lines["genre"].scores["activity"].value < 0.6


def test_the_report_has_its_shape(planted: Probes) -> None:
    data = json.loads(json.dumps(planted.to_json(), allow_nan=False))
    assert data["spaces"] == ["planted taste", "counts", "activity", "random 0"]
    assert set(data["borda"]) == set(data["spaces"])
    assert all(0.0 <= share <= 1.0 for share in data["borda"].values())
    for line in data["tasks"]:
        assert {"task", "about", "metric", "rows", "positives", "scores"} <= set(line)
        assert line["metric"] in ("auc", "spearman")
        assert set(line["scores"]) == set(data["spaces"])
        for one in line["scores"].values():
            assert one["low"] <= one["value"] <= one["high"]
    inside = [line for line in data["tasks"] if line["counts"]]
    assert sum(data["borda_points"].values()) == len(inside) * 4 * 3 / 2
    assert data["borda"]["counts"] == pytest.approx(data["borda_points"]["counts"] / (len(inside) * 3))


def test_the_table_says_every_task_and_every_reason(planted: Probes) -> None:
    text = planted.table()
    for line in planted.tasks:
        assert line.task in text
    for one in planted.absent:
        assert f"not asked: {one.name}: {one.reason}" in text
    assert "borda, 0 to 1" in text
    assert max(map(len, text.splitlines()[: len(planted.tasks) + 1])) < 130
