"""Runs side by side: what differs, by how much, which is best, and why the numbers may not compare."""

import pytest

from palate.core.errors import BadInput
from palate.lab.book import RunInfo
from palate.lab.ui.comparing import compared


def info(name, state="finished", **told):
    return RunInfo(id=name, job="train", name=name, state=state, created=0.0, **told)


A = info(
    "a",
    config={"dim": 16, "rate": 0.1},
    summary={"ndcg_at_10": 0.2, "loss": 2.0, "rate": 0.1, "note": "x"},
    about={"data": "d", "seed": 1},
)
B = info(
    "b",
    config={"dim": 32, "rate": 0.1},
    summary={"ndcg_at_10": 0.3, "loss": 1.5, "rate": 0.2},
    about={"data": "d", "seed": 1},
)


def test_settings_that_differ_are_shown_and_the_others_counted():
    told = compared([A, B])
    assert told["config"] == [{"name": "dim", "values": [16, 32]}]
    assert told["same_settings"] == 1
    assert told["about"] == []
    assert told["cautions"] == []


def test_results_have_their_difference_to_the_first_and_the_best():
    rows = {row["name"]: row for row in compared([A, B, A])["summary"]}
    assert rows["ndcg_at_10"]["differences"] == [None, pytest.approx(0.1), 0]
    assert rows["ndcg_at_10"]["best"] == [1]
    assert rows["loss"]["best"] == [1]
    assert rows["rate"]["best"] == []  # more of it is neither better nor worse
    assert rows["note"] == {"name": "note", "values": ["x", None, "x"], "differences": [None, None, None], "best": []}


def test_equal_results_have_no_best():
    assert [row["best"] for row in compared([A, A])["summary"]] == [[], [], [], []]


def test_what_makes_numbers_incomparable_is_said():
    other = info("c", "interrupted", about={"data": "e", "seed": 2, "simulated": True})
    told = compared([A, other])["cautions"]
    assert [sentence.split(",")[0].split(";")[0] for sentence in told] == [
        "Some of them are of simulated listeners and some are not",
        "They read different data",
        "They have different seeds",
        "c is interrupted: its numbers are not final.",
    ]


@pytest.mark.parametrize("count", [0, 1, 9])
def test_two_to_eight_are_compared(count):
    with pytest.raises(BadInput, match=f"{count} runs were given"):
        compared([A] * count)


def test_over_http_each_run_counts_once(four, client, get):
    told = get("/api/compare", ids="e0,e2,e0")
    assert [run["name"] for run in told["runs"]] == ["e0", "e2"]
    assert client.get("/api/compare", params={"ids": "e0"}).status_code == 422
