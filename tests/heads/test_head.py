"""A head as scikit-learn's users know it, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from palate.core.errors import BadInput, NotTrained
from palate.heads import Head
from palate.heads.head import measured

from .asked import examples, taught
from .conftest import Trained


@pytest.mark.parametrize("model", ["logistic", "ridge", "trees"])
def test_it_finds_what_was_planted(trained: Trained, model: str) -> None:
    """Plays of simulated listeners have planted reasons; items drawn from others' plays do not share them."""
    head, _ = taught(trained, model=model)
    later, labels = examples(trained, seed=7)
    assert head.score(later, labels) > 0.75


def test_scores_are_one_by_one_as_together(trained: Trained) -> None:
    head, found = taught(trained, inputs=("taste", "item", "product", "facts"))
    together = head.scores(found)
    for place in (0, 17, 599):
        assert head.scores(found[np.array([place])])[0] == pytest.approx(together[place], abs=1e-5)


def test_it_behaves_as_scikit_learn_expects(trained: Trained) -> None:
    head, found = taught(trained, penalty=5.0)
    copy = clone(head)
    assert copy.get_params() == head.get_params()
    assert copy.fitted is None
    assert copy.set_params(penalty=7.0) is copy
    assert copy.get_params()["penalty"] == 7.0
    chances = head.predict_proba(found)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    np.testing.assert_array_equal(head.predict(found), chances[:, 1] > 0.5)


def test_numbers_have_no_chances(trained: Trained) -> None:
    found, labels = examples(trained, 50)
    head = Head("n", model="ridge").fit(found, labels * 3.0 + found.facts[:, 0])
    assert len(np.unique(head.predict(found))) > 2
    assert head.score(found, labels * 3.0 + found.facts[:, 0]) > 0.5
    with pytest.raises(BadInput, match="no chances"):
        head.predict_proba(found)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inputs": ()}, "must be one or more of"), ({"inputs": ("taste", "taste")}, "each once"),
        ({"inputs": ("tastes",)}, "must be one or more of"), ({"inputs": "taste"}, "must be one or more of"),
        ({"model": "forest"}, "must be one of 'logistic'"), ({"penalty": -1.0}, "a number of 0 or more"),
        ({"penalty": np.nan}, "a number of 0 or more"), ({"model": "trees", "leaves": 1}, "two leaves"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_said_when_it_learns(trained: Trained, settings: dict, message: str) -> None:
    found, labels = examples(trained, 20)
    with pytest.raises(BadInput, match=message):
        Head("x", **settings).fit(found, labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.ones(40), "all 40 labels are 1"), (np.ones(39), r"shape \(39,\) came for 40"),
        (np.r_[np.nan, np.ones(39)], "finite"), (np.arange(40.0), "must be 0 or 1"), (["a"] * 40, "must be numbers"),
    ],
)  # fmt: skip
def test_wrong_labels_are_said(trained: Trained, labels: object, message: str) -> None:
    found, _ = examples(trained, 20)
    with pytest.raises(BadInput, match=message):
        Head("x").fit(found, labels)


def test_what_has_learnt_nothing_answers_nothing(trained: Trained) -> None:
    found, _ = examples(trained, 5)
    with pytest.raises(NotTrained, match="call fit"):
        Head("x").scores(found)
    with pytest.raises(NotTrained, match="call fit"):
        Head("x").register(trained.home, "why")
    with pytest.raises(BadInput, match="a head has no 'depth'"):
        Head("x").set_params(depth=3)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_the_measure_is_scikit_learns(rows: list[tuple[int, bool]]) -> None:
    scores, labels = np.array(rows, np.float64).T
    if len(set(labels.tolist())) < 2:
        assert np.isnan(measured(scores, labels))
    else:
        assert measured(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
