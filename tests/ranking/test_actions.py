"""What was done is read off the log by hand; probabilities are those that were planted; weights add up."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadSettings
from palate.core.listens import Event
from palate.core.settings import Settings
from palate.listening.history import History
from palate.ranking.actions import ACTED, ACTION_NAMES, Actions, ActionWeights, acted, weights_of
from palate.ranking.calibration import calibration_error, fit_logistic, probabilities
from palate.ranking.features import NAMES
from palate.ranking.ranker import Example, Ranker, RankerSettings

RULE = NAMES.index("own_weight")
SETTINGS = RankerSettings(rounds=30, members=2)


def week_of(*events: tuple[int, float, Event, float]) -> History:
    """One listener's (item, day, event, seconds played) in time order; everything lasts 200 seconds."""
    item, day, event, seconds = zip(*events, strict=True)
    n = len(events)
    return History(
        np.zeros(n, np.int32), np.array(item, np.int32), np.array(day) * DAY_SECONDS, np.array(event, np.uint8),
        np.array(seconds, np.float32), np.full(n, 200, np.float32), np.zeros(n, np.int64), ["one"], 9,
    )  # fmt: skip


def test_what_was_done_by_hand() -> None:
    week = week_of(
        (0, 1.1, Event.PLAY, 200), (0, 1.9, Event.PLAY, 200),  # twice in a day is no return
        (1, 1.2, Event.PLAY, 200), (2, 2.0, Event.PLAY, 5), (3, 2.1, Event.SKIP, 0), (4, 3.0, Event.SAVE, 0),
        (5, 3.1, Event.ADD_TO_PLAYLIST, 0), (1, 4.2, Event.PLAY, 200), (2, 5.0, Event.PLAY, 5),
    )  # fmt: skip
    found = acted(week, week.skipped(), np.arange(7, dtype=np.int32))
    by_hand = {"played": [0, 1, 2, 3], "heard": [0, 1], "skipped": [2, 3], "saved": [4], "added": [5], "returned": [1]}
    assert {name: np.flatnonzero(found[:, ACTED.index(name)]).tolist() for name in ACTED} == by_hand


def test_nothing_done_and_nothing_asked() -> None:
    week = week_of((0, 1.0, Event.PLAY, 200))
    assert not acted(week.take(slice(0, 0)), np.zeros(0, np.bool_), np.arange(3, dtype=np.int32)).any()
    assert acted(week, week.skipped(), np.zeros(0, np.int32)).shape == (0, len(ACTED))


def test_the_score_is_the_weighed_sum() -> None:
    columns = [np.array([value], np.float32) for value in (0.5, 0.2, 0.1, 0.05, 0.4)]
    weights = ActionWeights(finish=1, skip=-2, save=3, add_to_playlist=4, return_in_week=0.5)
    assert Actions(*columns).score(weights)[0] == pytest.approx(0.5 - 0.4 + 0.3 + 0.2 + 0.2)


@given(st.floats(-3, 1), st.floats(-2, 2), st.integers(0, 5))
def test_a_planted_logistic_is_found(constant: float, slope: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(4_000, 1))
    labels = (rng.random(4_000) < 1 / (1 + np.exp(-(constant + slope * values[:, 0])))).astype(float)
    fitted = fit_logistic(values, labels)
    np.testing.assert_allclose(fitted, [constant, slope], atol=0.35)
    assert probabilities(values, fitted).mean() == pytest.approx(labels.mean(), abs=1e-3)


def test_a_label_that_never_varies_stays_finite() -> None:
    values = np.ones((50, 2))
    assert probabilities(values, fit_logistic(values, np.zeros(50))).max() < 0.05


def test_calibration_error_by_hand() -> None:
    chances, labels = np.array([0.1, 0.1, 0.9, 0.9]), np.array([0, 0, 1, 0])
    assert calibration_error(chances, labels, bins=2) == pytest.approx((2 * 0.1 + 2 * 0.4) / 4)
    assert calibration_error(np.zeros(0), np.zeros(0)) == 0.0


def lists(n: int, seed: int, skips: bool = True) -> list[Example]:
    """Lists of 20: the two with the greatest own weight are played; of these the ones below 1.5 are skipped."""
    rng, out = np.random.default_rng(seed), []
    for _ in range(n):
        values = rng.normal(size=(20, len(NAMES))).astype(np.float32)
        played = values[:, RULE] >= np.sort(values[:, RULE])[-2]
        skipped = played & (values[:, RULE] < 1.5) & skips
        done = np.zeros((20, len(ACTED)), np.bool_)
        for name, column in (("played", played), ("skipped", skipped), ("heard", played & ~skipped)):
            done[:, ACTED.index(name)] = column
        out.append(Example(values, done[:, ACTED.index("heard")].astype(np.float32), done))
    return out


def of(actions: Actions, name: str) -> np.ndarray:
    return np.asarray(getattr(actions, name))


@pytest.fixture(scope="module")
def trained() -> Ranker:
    return Ranker.train(lists(300, seed=1), SETTINGS, kept_out=lists(60, seed=2))


def test_probabilities_are_those_that_were_planted(trained: Ranker) -> None:
    unseen = lists(200, seed=3)
    features, done = np.concatenate([e.features for e in unseen]), np.concatenate([e.acted for e in unseen])
    told = trained.predict(features)
    for name, label in (("finish", "heard"), ("skip", "skipped")):
        assert calibration_error(of(told, name), done[:, ACTED.index(label)]) < 0.03
    skipped, heard = done[:, ACTED.index("skipped")], done[:, ACTED.index("heard")]
    assert told.skip[skipped].mean() > 2 * told.skip[heard].mean()
    assert all(of(told, name).dtype == np.float32 for name in ACTION_NAMES)


def test_what_never_occurs_is_left_out(trained: Ranker) -> None:
    told = trained.predict(lists(1, seed=4)[0].features)
    assert trained.heads is not None
    assert set(trained.heads.boosters) == {"finish", "skip"}
    assert not told.save.any()
    assert not told.add_to_playlist.any()
    never = Ranker.train(lists(120, seed=5, skips=False), SETTINGS)
    assert never.heads is not None
    assert not never.heads.boosters
    assert not never.predict(lists(1, seed=4)[0].features).skip.any()


def test_weights_decide_the_order(trained: Ranker) -> None:
    values = lists(1, seed=6)[0].features
    fearful = ActionWeights(finish=0, skip=-1, save=0, add_to_playlist=0, return_in_week=0)
    np.testing.assert_allclose(trained.weighed(fearful).score(values), -trained.predict(values).skip, rtol=1e-6)
    only_finish = ActionWeights(finish=1, skip=0, save=0, add_to_playlist=0, return_in_week=0)
    np.testing.assert_allclose(trained.weighed(only_finish).score(values), trained.predict(values).finish, rtol=1e-6)


def test_without_what_was_done_there_is_only_finish() -> None:
    plain = Ranker.train([Example(e.features, e.labels) for e in lists(120, seed=7)], SETTINGS)
    values = lists(1, seed=8)[0].features
    assert plain.heads is None
    for ranker in (plain, Ranker(None)):
        told = ranker.predict(values)
        assert np.array_equal(np.argsort(told.finish), np.argsort(ranker.score(values)))
        assert not told.return_in_week.any()


def test_saved_then_loaded_predicts_the_same(trained: Ranker, tmp_path: Path) -> None:
    trained.save(tmp_path / "ranker.txt")
    loaded, values = Ranker.load(tmp_path / "ranker.txt"), lists(1, seed=9)[0].features
    for name in ACTION_NAMES:
        np.testing.assert_array_equal(of(loaded.predict(values), name), of(trained.predict(values), name))
    assert json.loads((tmp_path / "ranker.txt").read_text(encoding="utf-8"))["format"] == 2


def test_no_candidates_have_no_actions(trained: Ranker) -> None:
    nothing = np.zeros((0, len(NAMES)), np.float32)
    assert all(len(of(trained.predict(nothing), name)) == 0 for name in ACTION_NAMES)


def test_weights_are_of_all_surfaces_or_of_one() -> None:
    names = ("for_you", "radio")
    assert weights_of(Settings(), names) == {}
    assert weights_of(Settings({"ranking": {"save": 2.0}}), names) == {"": ActionWeights(save=2.0)}
    told = Settings({"ranking": {"save": 2.0, "radio": {"skip": -1.0}}})
    assert weights_of(told, names) == {"": ActionWeights(save=2.0), "radio": ActionWeights(save=2.0, skip=-1.0)}
    only = Settings({"ranking": {"radio": {"skip": -1.0}}})
    assert weights_of(only, names) == {"radio": ActionWeights(skip=-1.0)}
    with pytest.raises(BadSettings, match=r"\[ranking.dancing\] names no surface; choose from for_you, radio"):
        weights_of(Settings({"ranking": {"dancing": {}}}), names)
    with pytest.raises(BadSettings, match="hop is not a setting"):
        weights_of(Settings({"ranking": {"radio": {"hop": 1.0}}}), names)


def test_a_weighed_ranker_scores_what_actions_are_worth_and_the_other_stays(trained: Ranker) -> None:
    table, weights = lists(1, 5)[0].features, ActionWeights(finish=0.0, skip=-1.0, save=0.0)
    weighed = trained.weighed(weights)
    np.testing.assert_array_equal(weighed.score(table), trained.predict(table).score(weights))
    np.testing.assert_array_equal(trained.score(table), trained.soon(table))
    np.testing.assert_array_equal(weighed.weighed(None).score(table), trained.score(table))
    assert not np.array_equal(np.argsort(weighed.score(table)), np.argsort(trained.score(table)))
