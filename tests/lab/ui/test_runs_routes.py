"""The runs over HTTP: a page of rows, groups, names, one run, its curves and tables."""

import csv
import io

import pytest

from palate.core.recording import Table


def names(told):
    return [row["name"] for row in told["rows"]]


def test_an_empty_home_lists_nothing(get):
    told = get("/api/runs")
    assert (told["total"], told["matched"], told["running"], told["rows"]) == (0, 0, 0, [])
    assert get("/api/names")["columns"] == []


def test_runs_come_newest_first_and_in_pages(four, get):
    assert names(get("/api/runs")) == ["t", "e2", "e1", "e0"]
    assert names(get("/api/runs", limit=2, offset=1)) == ["e2", "e1"]


def test_a_condition_and_an_order_choose(four, get):
    told = get(
        "/api/runs", where="job == 'eval' and ndcg_at_10 > .1", sort="-ndcg_at_10", columns="ndcg_at_10,users.dim"
    )
    assert [(row["name"], row["values"]) for row in told["rows"]] == [("e2", [0.4, 4]), ("e0", [0.2, 1])]
    assert (told["total"], told["matched"], told["of"]) == (4, 2, 2)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"where": "ndcg_at_10 >"}, "cannot be read"),
        ({"where": "ndcg_at_1 > 0"}, "no run has 'ndcg_at_1'; near it: ndcg_at_10"),
        ({"where": "__import__('os')"}, "not a comparison"),
        ({"sort": "nothing"}, "no run has 'nothing'"),
        ({"limit": 0}, "the parameter limit"),
        ({"group": "job", "within": "train"}, "must be a value in JSON"),
    ],
)
def test_what_cannot_be_asked_is_told(four, client, query, says):
    answer = client.get("/api/runs", params=query)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_simulated_may_be_asked_before_any_run_says_so(book, get):
    book.record("eval", summary={})
    assert get("/api/runs", where="not simulated")["matched"] == 1


def test_groups_have_their_best_and_mean(four, get):
    told = get("/api/runs", group="job", columns="ndcg_at_10,loss,task,users.dim")
    train, judged = told["groups"]
    assert (train["value"], train["count"], train["simulated"]) == ("train", 1, 1)
    assert (judged["value"], judged["count"], judged["states"], judged["simulated"]) == ("eval", 3, {"finished": 3}, 0)
    ndcg, loss, task, dim = judged["columns"]
    assert ndcg == {"low": 0.2, "high": 0.4, "best": 0.4, "mean": pytest.approx((0.2 + 0.4) / 2), "count": 2}
    assert loss is None
    assert task == {"same": "discover"}
    assert (dim["low"], dim["high"], dim["best"]) == (1, 4, None)  # nobody knows which way a setting is better
    assert train["columns"][1]["best"] == 1.5


def test_the_rows_of_one_group(four, get):
    assert names(get("/api/runs", group="job", within='"eval"', sort="name")) == ["e0", "e1", "e2"]
    assert names(get("/api/runs", group="users.dim", within="null")) == ["t"]
    assert names(get("/api/runs", group="group", within='""')) == ["t"]


def test_without_columns_the_numbers_that_most_runs_have_are_shown(four, get):
    told = get("/api/runs")
    assert told["columns"] == ["ndcg_at_10", "loss"]
    assert told["rows"][0]["values"] == [0.1, 1.5]
    assert get("/api/runs", columns=",")["columns"] == []


def test_a_shadowed_name_is_asked_for_by_its_place(book, get):
    book.record("train", config={"loss": "mse", "job": 7}, summary={"loss": 0.5})
    found = {one["ask"]: one for one in get("/api/names")["names"]}
    assert (found["loss"]["place"], found["loss"]["number"]) == ("summary", True)
    assert (found["config.loss"]["place"], found["config.loss"]["number"]) == ("config", False)
    told = get("/api/runs", columns="loss,config.loss,config.job")
    assert told["rows"][0]["values"] == [0.5, "mse", 7]


def test_a_file_for_a_spreadsheet_computes_nothing(book, client):
    book.record("eval", name="=1+1", summary={"gain": -0.5, "note": "a, b"})
    answer = client.get("/api/runs.csv", params={"columns": "gain,note"})
    head, row = csv.reader(io.StringIO(answer.text))
    told = dict(zip(head, row, strict=True))
    assert (told["name"], told["gain"], told["note"]) == ("'=1+1", "-0.5", "a, b")
    assert told["created"].endswith("+00:00")
    assert answer.headers["content-disposition"] == 'attachment; filename="runs.csv"'


def test_one_run_knows_those_beside_it_and_below_it(four, get):
    e0, *_ = get("/api/runs", sort="created")["rows"]
    four.record("part", name="p", group=e0["id"], summary={})
    told = get(f"/api/runs/{e0['id']}")
    assert (told["config"], told["summary"], told["simulated"]) == (
        {"users.dim": 1},
        {"task": "discover", "ndcg_at_10": 0.2},
        False,
    )
    assert names(told["beside"]) == ["e1", "e2"]
    assert names(told["below"]) == ["p"]


def test_a_run_that_is_not_there(four, client):
    answer = client.get("/api/runs/nothing")
    assert answer.status_code == 422
    assert answer.json()["detail"] == "no run 'nothing'; `palate lab runs` lists what there is"


def test_curves_and_tables(start, get):
    with start(name="a") as run:
        for step in range(3):
            run.log({"loss": 3 - step, "word": "x"}, step=step * 10)
        run.log({"cohorts": Table(["cohort", "n"], [["new", 1], ["old", 2], ["all", 3]])})
    told = get("/api/runs/a/history")["series"]
    assert told.keys() == {"loss"}
    assert (told["loss"]["steps"], told["loss"]["values"], told["loss"]["count"]) == ([0, 10, 20], [3, 2, 1], 3)
    assert told["loss"]["seconds"][0] == 0
    assert get("/api/runs/a/history", kind="system")["series"] == {}
    assert get("/api/runs/a/table", name="cohorts", offset=1) == {
        "columns": ["cohort", "n"],
        "rows": [["old", 2], ["all", 3]],
        "of": 3,
    }


def test_points_are_of_runs_that_have_both(four, get):
    told = get("/api/points", x="users.dim", y="ndcg_at_10")
    assert [(one["label"], one["x"], one["y"], one["group"]) for one in told["points"]] == [
        ("e2", 4, 0.4, "eval"),
        ("e0", 1, 0.2, "eval"),
    ]
    assert (told["of"], told["runs"]) == (2, 4)
    assert get("/api/points", x="users.dim", y="ndcg_at_10", ids="e0")["runs"] == 1
