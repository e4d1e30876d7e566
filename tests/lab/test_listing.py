"""Tables of runs say what was asked for, and name what does not exist."""

import json
import math

import pytest

from palate.core.errors import BadInput
from palate.core.recording import Image, Table
from palate.lab.info import RunInfo
from palate.lab.listing import (
    aligned,
    as_json,
    comparison,
    differences,
    groups,
    in_words,
    informative,
    listed,
    since,
    whole,
)
from palate.lab.listing import table as as_table


def made(number, job="eval", **told):
    config = {"task": "discover", "method": f"m{number}"} | told.pop("config", {})
    summary = {"ndcg_at_10": number / 10, "same": 1} | told.pop("summary", {})
    return RunInfo(f"2026010{number}-030405-678-abcd-eval", job, f"n{number}", "finished", 1000.0 * number,
                   config=config, summary=summary, **told)  # fmt: skip


RUNS = [made(1), made(2), made(3, summary={"rare": 1.0})]


@pytest.fixture
def filled(book):
    for number in (1, 2, 3):
        book.record("eval" if number < 3 else "train", name=f"n{number}", config={"task": "discover", "dim": number},
                    summary={"ndcg_at_10": number / 10, "odd": math.nan})  # fmt: skip
    return book


def test_the_newest_come_first_and_the_columns_are_those_that_were_named(filled):
    found, columns = listed(filled, None, None, None, [])
    assert [info.name for info in found] == ["n3", "n2", "n1"]
    assert columns == ["dim", "ndcg_at_10"]
    found, columns = listed(filled, "task=='discover' and ndcg_at_10>.1", "dim", "eval", ["state", "job"])
    assert [info.name for info in found] == ["n2"]
    assert columns == ["task", "ndcg_at_10", "dim"]


def test_what_no_run_has_is_told(filled):
    with pytest.raises(BadInput, match="no run has 'ndcg_10'; near it: ndcg_at_10;"):
        listed(filled, "ndcg_10 > 1", None, None, [])
    with pytest.raises(BadInput, match=r"no run has 'discover'; .* a text wants quotes"):
        listed(filled, "task == discover", None, None, [])
    with pytest.raises(BadInput, match="no run is of the job 'evil'; there are eval, train"):
        listed(filled, None, None, "evil", [])
    assert [info.name for info in listed(filled, "summary.odd != 1 or error == ''", "ended", None, [])[0]][:1] == ["n1"]


def test_where_there_are_no_runs_any_name_may_be_asked_for(book):
    assert listed(book, "x > 1", "-y", "train", ["z"]) == ([], ["z", "x", "y"])


def test_informative_is_what_differs_and_most_runs_have():
    assert informative(RUNS) == ["method", "ndcg_at_10"]
    assert informative([]) == []
    assert informative(RUNS[:1]) == ["task", "method", "ndcg_at_10", "same"]


def test_a_table_has_a_line_for_each_run():
    lines = as_table(RUNS[:2], ["ndcg_at_10", "missing"], now=4600.0).splitlines()
    assert lines[0].split() == ["id", "job", "name", "state", "age", "seconds", "ndcg_at_10", "missing"]
    assert lines[1].split() == ["20260101-030405-678-abcd", "eval", "n1", "finished", "1", "h", "0.0", "0.1", "-"]
    assert len(lines) == 3


def test_runs_are_grouped_in_the_order_in_which_their_values_come():
    found = groups([*RUNS, made(4, config={"task": None})], "task")
    assert [(value, len(some)) for value, some in found] == [("discover", 3), (None, 1)]


def test_runs_side_by_side_show_what_differs_and_by_how_much():
    assert differences(RUNS[:2], "config") == {"method": ["m1", "m2"]}
    assert differences(RUNS[1:], "summary") == {"ndcg_at_10": [0.2, 0.3], "same": [1, 1], "rare": [None, 1.0]}
    text = comparison(RUNS[:2])
    assert "task" not in text
    assert "0.2 (+0.1, +100.0%)" in text
    assert "settings that differ: none" in comparison([RUNS[0], RUNS[0]])


def test_a_run_is_shown_wholly(book, start):
    with start(name="n", config={"lr": 0.1}, about={"commit": None}) as run:
        run.log({"loss": 0.5, "only_nan": math.nan})
        run.log({"loss": 0.25, "rows": Table(["a"], [[1]]), "plot": Image("<svg/>")})
    (run.folder / "mirror-trackio.json").write_text(
        json.dumps({"run": run.id, "tracker": "trackio", "called": "there", "left_out": ["plot: no"], "error": "full"})
    )
    text = whole(book, book.get("n"))
    for part in ("lr  0.1", "commit  -", "loss      2       0.5    0.25  0.25  0.5",
                 "only_nan  1       nan    nan   nan   nan", "plot  image", "trackio: there (full)",
                 "left out: plot: no", str(run.folder)):  # fmt: skip
        assert part in text


def test_json_has_everything_and_no_nan(filled):
    info = filled.get("n2")
    told = as_json(filled, info)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert (told["summary"]["odd"], told["summary"]["ndcg_at_10"], told["folder"]) == (
        None,
        0.2,
        str(filled.path(info)),
    )
    assert as_json(filled, info, ["dim", "odd"]) == {"id": info.id, "dim": 2, "odd": None}
    assert math.isnan(info.summary["odd"])


@pytest.mark.parametrize(
    ("seconds", "words"), [(-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (7200, "2 h"), (2e5, "2 d")]
)
def test_ages_in_their_greatest_unit(seconds, words):
    assert since(seconds) == words


def test_cells():
    assert [in_words(value) for value in (None, "", True, 3, 0.123456789, "x")] == [
        "-",
        "-",
        "yes",
        "3",
        "0.12346",
        "x",
    ]
    assert aligned([["a", "long"], ["b\nc", "x"]]) == "a    long\nb c  x"
