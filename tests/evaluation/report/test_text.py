import json
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from palate.core.errors import BadInput
from palate.evaluation.baselines import ItemKnn, OwnHistory, PopularAll, PopularRecent
from palate.evaluation.cohorts import Cohorts, CohortSettings
from palate.evaluation.report.data import to_json
from palate.evaluation.report.text import table
from palate.evaluation.run import Evaluation, evaluate
from palate.evaluation.splits import EvalSettings

from ..worlds import inputs_of, random_history

METHODS = [PopularAll(), PopularRecent(), OwnHistory(), ItemKnn()]
TASKS = {"next", "discover", "next-4-hours", "similar"}


@dataclass(frozen=True)
class Ceiling(OwnHistory):
    """Stands in for a planted answer."""

    name: str = "planted"
    kind: str = "ceiling"


@cache
def outcome() -> Evaluation:
    inputs = inputs_of(random_history(21))
    cohorts = Cohorts.planned(inputs, CohortSettings({"busy": "plays >= 50"}))
    return evaluate(inputs, METHODS, EvalSettings(windows=3, k=(5, 20), bootstrap=200, seed=4), cohorts=cohorts)


def asked(data: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in data["tasks"].items() if not part["reason"]}


def test_the_header_says_where_the_numbers_come_from() -> None:
    head = table(to_json(outcome())).splitlines()[:4]
    assert head[0] == "data: 1,500 listens, 30 listeners, 40 items, 1970-01-01 .. 1970-04-10"
    assert head[1].startswith("windows: 2 of 7 days from 1970-03-06, 1970-04-03")
    assert head[2].startswith("dropped: 1 with too little log before them, from 1970-02-06")
    assert "before 0.5 h before a window" in head[3]
    assert "200 draws, seed 4" in head[3]


def test_simulated_data_is_marked() -> None:
    assert table(to_json(outcome(), simulated=True)).startswith("SIMULATED")
    assert "SIMULATED" not in table(to_json(outcome()))
    assert to_json(outcome(), simulated=True)["simulated"] is True


def test_methods_stand_by_ndcg_and_the_first_is_compared_with_each() -> None:
    data = to_json(outcome())
    assert set(asked(data)) == TASKS
    for part in asked(data).values():
        found = [row["ndcg@20"]["value"] for row in part["methods"]]
        assert found == sorted(found, reverse=True)
        assert part["first"] == part["methods"][0]["method"]
        assert part["methods"][0]["first_minus_this"] is None
        for row, value in zip(part["methods"][1:], found[1:], strict=True):
            difference = row["first_minus_this"]
            assert difference["value"] == pytest.approx(found[0] - value)
            assert difference["low"] <= difference["value"] <= difference["high"]
            assert difference["p"] <= difference["p_holm"] <= 1.0


def test_a_method_named_beforehand_is_compared_instead_of_the_best() -> None:
    data = to_json(outcome(), first="popular-7d")
    part = data["tasks"]["next"]
    assert part["first"] == "popular-7d"
    assert [row["method"] for row in part["methods"] if row["first_minus_this"] is None] == ["popular-7d"]
    assert "popular-7d minus this" in table(data)
    with pytest.raises(BadInput, match="choose from popular-all"):
        to_json(outcome(), first="mine")


def test_the_ceiling_is_a_measure_and_no_competitor() -> None:
    methods = [*METHODS[:2], Ceiling()]
    data = to_json(evaluate(inputs_of(random_history(21)), methods, replace(outcome().settings, windows=1)))
    part = data["tasks"]["next"]
    rows = {row["method"]: row for row in part["methods"]}
    assert data["methods"]["planted"]["kind"] == "ceiling"
    assert part["first"] != "planted"
    assert rows["planted"]["first_minus_this"] is None
    assert rows["planted"]["of_ceiling"] == 1.0
    share = rows["popular-7d"]["ndcg@20"]["value"] / rows["planted"]["ndcg@20"]["value"]
    assert rows["popular-7d"]["of_ceiling"] == pytest.approx(share)
    assert "planted (ceiling)" in table(data)


def test_the_table_holds_one_line_per_method_and_task() -> None:
    text = table(to_json(outcome()))
    for name, tables in {"popular-all": 3, "item-knn": 4}.items():  # popularity knows nothing of what is similar
        assert sum(line.startswith(f"{name} ") for line in text.splitlines()) == tables + 1  # and the curve by age
    columns = next(line for line in text.splitlines() if line.startswith("method")).split()
    assert columns[:7] == ["method", "ndcg@20", "ndcg@5", "recall@20", "mrr@20", "hit_rate@5", "coverage@20"]
    assert "playlists: none; no playlist" in text


def test_cohorts_have_intervals_and_the_worst_is_named() -> None:
    part = to_json(outcome())["tasks"]["next"]
    busy = next(one for one in part["cohorts"] if one["cohort"] == "busy")
    assert busy["rule"] == "plays >= 50"
    assert 0 < busy["rows"] < part["rows"]
    assert set(busy["methods"]) == {method.name for method in METHODS}
    for value in busy["methods"].values():
        assert value["low"] <= value["value"] <= value["high"]


def test_every_metric_has_its_curve_by_age() -> None:
    found = to_json(outcome())["staleness"]
    assert set(found["metrics"]) >= {"ndcg@20", "ndcg@5", "recall@20", "mrr@5", "hit_rate@5"}
    assert found["metrics"]["ndcg@20"] == found["methods"]
    marks = to_json(outcome())["tasks"]["next-4-hours"]["methods"]
    for row in marks:
        assert found["metrics"]["recall@5"][row["method"]][0]["value"] == pytest.approx(row["recall@5"]["value"])


def test_json_is_plain_and_the_same_every_time() -> None:
    def timeless(data: dict[str, Any]) -> str:
        for method in data["methods"].values():
            del method["fit_seconds"], method["ms_per_listener"]
        return json.dumps(data, allow_nan=False, sort_keys=True)

    assert timeless(to_json(outcome())) == timeless(to_json(outcome()))
