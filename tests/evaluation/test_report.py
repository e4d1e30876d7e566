import json
from functools import cache

import pytest

from palate.core.errors import BadInput
from palate.evaluation.baselines import standard
from palate.evaluation.report import table, to_json
from palate.evaluation.run import Evaluation, evaluate
from palate.evaluation.splits import EvalSettings

from .worlds import random_history


@cache
def outcome() -> Evaluation:
    return evaluate(random_history(21), standard(), EvalSettings(windows=3, k=(5, 20), bootstrap=200, seed=4))


def test_the_header_says_where_the_numbers_come_from() -> None:
    head = table(outcome()).splitlines()[:4]
    assert head[0] == "data: 1,500 listens, 30 listeners, 40 items, 1970-01-01 .. 1970-04-10"
    assert head[1].startswith("windows: 2 of 7 days from 1970-03-06, 1970-04-03")
    assert head[2].startswith("dropped: 1 with too little log before them, from 1970-02-06")
    assert head[3].endswith("200 draws, seed 4")


def test_simulated_data_is_marked() -> None:
    assert table(outcome(), simulated=True).startswith("SIMULATED")
    assert "SIMULATED" not in table(outcome())
    assert to_json(outcome(), simulated=True)["simulated"] is True


def test_methods_stand_by_ndcg_and_the_first_is_compared_with_each() -> None:
    for part in to_json(outcome())["tasks"].values():
        found = [row["ndcg@20"]["value"] for row in part["methods"]]
        assert found == sorted(found, reverse=True)
        assert part["first"] == part["methods"][0]["method"]
        assert part["methods"][0]["first_minus_this"] is None
        for row, value in zip(part["methods"][1:], found[1:], strict=True):
            difference = row["first_minus_this"]
            assert difference["value"] == pytest.approx(found[0] - value)
            assert difference["low"] <= difference["value"] <= difference["high"]


def test_a_method_named_beforehand_is_compared_instead_of_the_best() -> None:
    part = to_json(outcome(), first="popular-7d")["tasks"]["next"]
    assert part["first"] == "popular-7d"
    assert [row["method"] for row in part["methods"] if row["first_minus_this"] is None] == ["popular-7d"]
    assert "popular-7d minus this" in table(outcome(), first="popular-7d")
    with pytest.raises(BadInput, match="choose from popular-all"):
        to_json(outcome(), first="mine")


def test_the_table_holds_one_line_per_method_and_task() -> None:
    text = table(outcome())
    for name in outcome().methods:
        assert sum(line.startswith(f"{name} ") for line in text.splitlines()) == 2
    columns = next(line for line in text.splitlines() if line.startswith("method")).split()
    assert columns[:7] == ["method", "ndcg@20", "ndcg@5", "recall@20", "mrr@20", "hit_rate@5", "coverage@20"]


def test_json_is_plain_and_the_same_every_time() -> None:
    once = json.dumps(to_json(outcome()), allow_nan=False, sort_keys=True)
    assert once == json.dumps(to_json(outcome()), allow_nan=False, sort_keys=True)
    assert set(json.loads(once)["tasks"]) == {"next", "discover"}
