"""Importances of models whose answer is known: one feature decides, one is noise, one is the copy of another."""

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from palate.core.errors import BadInput
from palate.core.recording import Image, Table, recording
from palate.lab.importance import COLUMNS, Importance, contributions, importance
from palate.lab.marks import auc, mark_for, r2

RULE, NOISE, COPY, LISTENER = range(4)
NAMES = ["rule", "noise", "copy", "listener"]
LISTS, SIZE = 120, 12


class Recorder:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.logged: dict[str, object] = {}
        self.summary: dict[str, object] = {}

    def log(self, values, step=None) -> None:
        self.logged |= dict(values)

    def summarize(self, values) -> None:
        self.summary |= dict(values)


def world(seed: int = 0, copied: bool = False) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Lists in which the two rows with the greatest `rule` are heard; `listener` is equal for all rows of a list."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(LISTS, SIZE, 4))
    features[:, :, LISTENER] = rng.normal(size=(LISTS, 1))
    if copied:
        features[:, :, COPY] = features[:, :, RULE]
    second = np.sort(features[:, :, RULE], axis=1)[:, -2:-1]
    labels = (features[:, :, RULE] >= second).astype(np.float64)
    return features.reshape(-1, 4), labels.ravel(), np.full(LISTS, SIZE)


def ranker(features: NDArray[np.float64], labels: NDArray[np.float64], groups: NDArray[np.int64]) -> lgb.Booster:
    parameters = {"objective": "rank_xendcg", "num_leaves": 7, "min_data_in_leaf": 20, "verbose": -1, "num_threads": 1}
    data = lgb.Dataset(features, labels, group=groups, feature_name=NAMES, params=parameters)
    return lgb.train(parameters, data, 30)


@pytest.fixture(scope="module")
def measured() -> Importance:
    return importance(ranker(*world()), *world(seed=1))


def test_what_decides_is_first_by_every_measure(measured: Importance) -> None:
    for measure in ("gain", "permutation", "shap"):
        assert measured.by(measure)[0].feature == "rule"
    rule, noise = measured.features[RULE], measured.features[NOISE]
    assert measured.value > 0.95
    assert rule.gain > 0.8
    assert rule.permutation > 0.3
    assert rule.low > 0.25
    assert rule.sign > 0.8
    assert abs(noise.permutation) < 0.02
    assert noise.low <= noise.permutation <= noise.high
    assert sum(one.gain for one in measured.features) == pytest.approx(1.0)
    assert (measured.metric, measured.rows, measured.lists) == ("ndcg_at_100", LISTS * SIZE, LISTS)


def test_what_is_equal_within_each_list_has_nothing_to_shuffle(measured: Importance) -> None:
    listener = measured.features[LISTENER]
    assert (listener.permutation, listener.low, listener.high) == (0.0, 0.0, 0.0)


def test_a_copy_stands_in_for_the_other_where_both_are_shuffled_one_at_a_time() -> None:
    features, labels, groups = world(copied=True)

    def both(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.fmax(values[:, RULE], values[:, COPY])

    found = importance(both, *world(seed=1, copied=True), names=NAMES)
    alone = importance(lambda values: values[:, RULE], features, labels, groups, names=NAMES)
    assert 0.0 < found.features[RULE].permutation < 0.75 * alone.features[RULE].permutation
    assert found.features[RULE].gain is None
    assert found.features[RULE].shap is None
    assert "function" in found.note


def test_contributions_add_up_to_the_prediction() -> None:
    features, labels, groups = world()
    model = ranker(features, labels, groups)
    added, expected = contributions(model, features)
    np.testing.assert_allclose(added.sum(axis=1) + expected, model.predict(features, raw_score=True), atol=1e-6)
    whole = importance(model, features, labels, groups, repeats=1, most_contributed=len(features))
    np.testing.assert_allclose([one.shap for one in whole.features], np.abs(added).mean(axis=0), rtol=1e-12)


def test_an_estimator_of_lightgbm_is_its_booster() -> None:
    features, labels, groups = world()
    model = lgb.LGBMRanker(n_estimators=5, verbose=-1, n_jobs=1).fit(features, labels, group=groups)
    assert importance(model, features, labels, groups) == importance(model.booster_, features, labels, groups)


def test_a_forest_of_scikit_learn_has_no_contributions_and_says_so() -> None:
    features, labels, _ = world()
    model = RandomForestClassifier(n_estimators=10, random_state=0).fit(features[:, :2], labels)
    found = importance(model, features[:, :2], labels, names=NAMES[:2])
    assert [one.feature for one in found.by("gain")] == [one.feature for one in found.by("permutation")] == NAMES[:2]
    assert (found.metric, found.lists) == ("auc", 0)
    assert found.features[0].shap is None
    assert "LightGBM" in found.note
    with pytest.raises(BadInput, match="LightGBM"):
        contributions(model, features[:, :2])


def test_the_same_seed_gives_the_same_and_the_model_and_data_stay_as_they_were(measured: Importance) -> None:
    features, labels, groups = world(seed=1)
    kept, model = features.copy(), ranker(*world())
    before = model.model_to_string()
    assert importance(model, features, labels, groups) == measured
    assert importance(model, features, labels, groups, seed=1).features[RULE] != measured.features[RULE]
    np.testing.assert_array_equal(features, kept)
    assert model.model_to_string() == before


def test_one_repeat_without_lists_has_no_interval() -> None:
    features, labels, _ = world()
    found = importance(lambda values: values[:, RULE], features, labels, repeats=1)
    assert (found.features[RULE].low, found.features[RULE].high) == (None, None)
    assert found.features[0].feature == "feature 0"


def test_it_is_logged_as_a_table_and_a_picture(measured: Importance) -> None:
    recorder = Recorder()
    with recording(recorder):
        measured.log()
    measured.log()  # nobody keeps a run: nothing happens
    table, bars = recorder.logged["importance"], recorder.logged["importance.bars"]
    assert isinstance(table, Table)
    assert isinstance(bars, Image)
    assert tuple(table.columns) == COLUMNS
    assert [row[0] for row in table.data] == NAMES
    assert str(bars.data_or_path).startswith("<svg")
    assert "rule" in str(bars.data_or_path)
    assert recorder.summary["importance.lists"] == LISTS


@pytest.mark.parametrize(
    ("model", "change", "words"),
    [
        (lambda v: v[:, 0], {"labels": np.zeros(3)}, "one label for each row"),
        (lambda v: v[:, 0], {"labels": np.ones(LISTS * SIZE), "groups": None}, "all equal"),
        (lambda v: v[:, 0], {"groups": np.array([3])}, "size of each list"),
        (lambda v: v[:, 0], {"labels": np.zeros(LISTS * SIZE)}, "relevant"),
        (lambda v: v[:, 0], {"names": ["a"]}, "one for each"),
        (lambda v: v[:, 0], {"repeats": 0}, "at least 1"),
        (lambda v: v, {}, "one output"),
        (3, {}, "no importances"),
    ],
)
def test_what_cannot_be_measured_is_said(model, change, words) -> None:
    features, labels, groups = world()
    told = {"features": features, "labels": labels, "groups": groups} | change
    with pytest.raises(BadInput, match=words):
        importance(model, **told)


def test_marks_of_small_cases_worked_by_hand() -> None:
    lists = mark_for(np.array([0.0, 1.0, 1.0, 0.0, 0.0]), np.array([3, 2]), top=2)
    assert (lists.lists, lists.name) == (1, "ndcg_at_2")  # the second list holds nothing
    second = 1 / np.log2(3)
    assert lists(np.array([0.9, 0.5, 0.1, 0.0, 0.0])) == pytest.approx(second / (1 + second))
    assert lists(np.zeros(5)) == pytest.approx(second / (1 + second))  # equal scores stand in the order given
    assert auc(np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.3])) == (0.5 + 1) / 2
    assert r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0])) == 1 - 1 / 2


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 1), st.floats(-9, 9)), min_size=1, max_size=8), min_size=1, max_size=5)
)
def test_a_perfect_order_is_one_and_no_order_leaves_the_scale(lists) -> None:
    labels = np.array([float(label) for one in lists for label, _ in one])
    scores = np.array([score for one in lists for _, score in one])
    groups = np.array([len(one) for one in lists])
    if not labels.any():
        with pytest.raises(BadInput):
            mark_for(labels, groups)
        return
    mark = mark_for(labels, groups)
    assert mark(labels) == pytest.approx(1.0)
    assert 0.0 <= mark(scores) <= 1.0 + 1e-12
