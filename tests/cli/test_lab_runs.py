"""`palate lab runs` and `palate lab copy`, as a person types them."""

import json

import pytest

from palate.core.home import Home
from palate.lab.book import Book
from palate.lab.mirror import Copied


@pytest.fixture
def home(tmp_path):
    (tmp_path / "palate.toml").touch()
    return Home(tmp_path)


@pytest.fixture
def judged(home):
    book = Book(home.lab)
    for task in ("discover", "next"):
        for method, mark in (("als", 0.04), ("taste", 0.08), ("popular", 0.06)):
            book.record("eval", name=f"{method} {task}", config={"task": task, "method": method},
                        summary={"ndcg_at_10": mark, "ndcg_at_100": 2 * mark})  # fmt: skip
    return home


def test_the_example_of_the_manual_works_as_it_stands(palate, judged):
    found = palate(
        judged, "lab", "runs", "--where", "task=='discover' and ndcg_at_10>.05", "--sort", "-ndcg_at_10", "--json"
    )
    assert found.exit_code == 0
    answer = json.loads(found.stdout)
    assert [(run["config"]["method"], run["summary"]["ndcg_at_10"]) for run in answer["runs"]] == [
        ("taste", 0.08), ("popular", 0.06),
    ]  # fmt: skip
    assert answer["total"] == 2
    assert (answer["runs"][0]["state"], answer["runs"][0]["job"]) == ("finished", "eval")


def test_a_table_for_people(palate, judged):
    found = palate(judged, "lab", "runs", "--where", "ndcg_at_10 > .05", "--sort", "ndcg_at_10", "--limit", "3")
    lines = found.stdout.splitlines()
    assert lines[0].split()[-1] == "ndcg_at_10"
    assert [line.split()[-1] for line in lines[1:]] == ["0.06", "0.06", "0.08"]
    assert "3 of 4 runs; --limit 4 shows all" in found.stderr


def test_grouped_and_with_columns(palate, judged):
    found = palate(judged, "lab", "runs", "--group-by", "task", "--columns", "method", "--sort", "method")
    assert [line for line in found.stdout.splitlines() if "runs:" in line] == [
        "task = discover, runs: 3", "task = next, runs: 3",
    ]  # fmt: skip
    rows = json.loads(palate(judged, "lab", "runs", "--columns", "method", "--limit", "1", "--json").stdout)["runs"]
    assert [set(row) for row in rows] == [{"id", "method"}]


def test_one_run_and_several(palate, judged):
    assert "ndcg_at_100  0.16" in palate(judged, "lab", "runs", "taste discover").stdout
    both = palate(judged, "lab", "runs", "als discover", "taste discover").stdout
    assert "0.08 (+0.04, +100.0%)" in both
    told = json.loads(palate(judged, "lab", "runs", "als discover", "taste next", "--json").stdout)
    assert [run["name"] for run in told["runs"]] == ["als discover", "taste next"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--where", "task="), "cannot be read"),
        (("--where", "nddcg_at_10 > 1"), "no run has 'nddcg_at_10'; near it: ndcg_at_10"),
        (("--sort", "-ndgc_at_10"), "near it: ndcg_at_10"),
        (("--columns", "metod"), "near it: method"),
        (("--group-by", "tsk"), "near it: task"),
        (("--job", "evals"), "there are eval"),
        (("nobody",), "no run 'nobody'"),
        (("als next", "--job", "eval"), "not both"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_remedy(palate, judged, words, sentence):
    found = palate(judged, "lab", "runs", *words)
    assert found.exit_code == 1
    assert sentence in found.stderr
    assert found.stderr.startswith("error: ")
    assert found.stderr.count("\n") == 1


def test_without_runs_and_without_a_home(palate, home, tmp_path):
    assert palate(home, "lab", "runs").stdout == "no runs\n"
    assert json.loads(palate(home, "lab", "runs", "--where", "a > 1", "--json").stdout) == {"runs": [], "total": 0}
    assert "is not a Palate home" in palate(tmp_path / "none", "lab", "runs").stderr


def test_copies_are_told(palate, judged, monkeypatch):
    asked = []

    def copy_runs(book, infos, tracker, settings):
        asked.append(([info.name for info in infos], tracker))
        return [Copied(info.id, tracker, "there", 1, whole=True, left_out=["plot: no"]) for info in infos]

    monkeypatch.setattr("palate.lab.mirror.copy_runs", copy_runs)
    found = palate(judged, "lab", "copy", "als next", "--to", "wandb", "--json")
    (copy,) = json.loads(found.stdout)["copies"]
    assert (copy["whole"], copy["left_out"]) == (True, ["plot: no"])
    assert "whole  there" in palate(judged, "lab", "copy", "--where", "method=='als'", "--to", "trackio").stdout
    assert asked == [(["als next"], "wandb"), (["als discover", "als next"], "trackio")]
    assert "no run to copy" in palate(judged, "lab", "copy", "--to", "wandb").stderr
