from typing import Any

import pytest

from palate.evaluation.baselines import OwnHistory, PopularAll, PopularRecent
from palate.evaluation.report.data import to_json
from palate.evaluation.report.page import page
from palate.evaluation.report.text import table
from palate.evaluation.run import Evaluation, evaluate
from palate.evaluation.splits import EvalSettings
from palate.evaluation.tasks.week import ColdNext, Next

from ..worlds import history_of, inputs_of
from .fabricated import full
from .reader import Page

METHODS = [PopularAll(), PopularRecent(), OwnHistory()]


def measured(task: Next) -> Evaluation:
    """Thirty listeners of old, and ten who come in the last week and play the same five items again and again."""
    old = [(user, (user + day) % 20, day + user / 50.0) for user in range(30) for day in range(90)]
    new = [(30 + user, 15 + place % 5, 84.0 + (user + place) / 20.0) for user in range(10) for place in range(20)]
    history = history_of([*old, *new], n_users=40, n_items=20)
    return evaluate(inputs_of(history), METHODS, EvalSettings(windows=1, k=(5, 10), bootstrap=200), [Next(), task])


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    return to_json(measured(ColdNext()))


def test_the_curves_stand_beside_the_floor(data: dict[str, Any]) -> None:
    found = data["cold_start"]
    assert found["listens"] == [0, 1, 3, 10]
    assert found["floor"] == "popular-7d"
    part = found["targets"]["next"]
    assert (part["rows"], part["picked"]) == (10, 0)
    assert list(part["methods"]) == ["listens"]
    curve, ahead = part["methods"]["listens"], part["minus_floor"]["listens"]
    assert set(curve) == {method.name for method in METHODS}
    assert curve["own-history"][3]["value"] == 1.0
    for name, values in curve.items():
        for value, difference, floor in zip(values, ahead[name], curve["popular-7d"], strict=True):
            assert difference["value"] == pytest.approx(value["value"] - floor["value"], abs=1e-12)
    assert all(one["value"] == one["low"] == one["high"] == 0.0 for one in ahead["popular-7d"])


def test_a_target_without_questions_has_no_curves(data: dict[str, Any]) -> None:
    part = data["cold_start"]["targets"]["discover"]  # they hear nothing but what was among their first ten
    assert part["rows"] == 0
    assert all(not any(curves.values()) for curves in part["methods"].values())


def test_the_table_and_the_page_show_them(data: dict[str, Any]) -> None:
    text = table(data)
    assert "ndcg@10 of 10 newcomers by how many listens are known, next" in text
    shown = Page(page(data)).by_id("coldstart").text
    assert "10 newcomers, 0 of whom picked something" in shown
    assert "1.00" in shown
    assert "popular-7d" in shown


def test_without_the_task_nobody_is_asked() -> None:
    evaluation = measured(Next(name="again"))
    assert evaluation.cold is None
    found = to_json(evaluation)
    assert found["cold_start"] is None
    assert "no newcomer had enough listens" in Page(page(found)).by_id("coldstart").text
    assert "newcomers" not in table(found)


def test_every_condition_has_its_rows_and_the_richest_is_drawn() -> None:
    shown = Page(page(full())).by_id("coldstart").text
    for words in (
        "for_you, listens and picks",
        "taste",
        "512 newcomers",
        "80 of whom",
        "0 listens",
        "1 listen",
        "10 listens",
    ):
        assert words in shown


def test_newcomers_are_the_rows() -> None:
    cold = measured(ColdNext()).cold
    assert cold is not None
    assert cold.rows["next"].tolist() == list(range(30, 40))
    assert cold.windows["next"].tolist() == [0] * 10
