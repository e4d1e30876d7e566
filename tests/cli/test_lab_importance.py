import json

from palate.core.recording import Table
from palate.lab.book import Book
from palate.lab.settings import LabSettings


def keep(home, name, rows):
    with Book(home.lab).start("train", name=name, settings=LabSettings(tracker="none", system_seconds=0)) as run:
        run.log({"importance": Table(["feature", "gain", "permutation", "shap"], rows)})
    return run.id


def test_the_latest_run_as_bars(palate, own):
    keep(own, "first", [["taste", 0.75, 0.3, 0.1], ["trend", 0.25, 0.0, 0.0]])
    found = palate(own, "lab", "importance")
    assert found.exit_code == 0
    assert found.stdout.splitlines()[2].startswith("taste")
    assert "█" in found.stdout.splitlines()[2]
    assert "█" not in found.stdout.splitlines()[3]


def test_runs_by_name_side_by_side_as_json(palate, own):
    keep(own, "first", [["taste", 0.75, 0.3, 0.1], ["trend", 0.25, 0.0, 0.0]])
    keep(own, "second", [["taste", 0.25, 0.3, 0.1], ["trend", 0.75, 0.0, 0.0]])
    found = palate(own, "lab", "importance", "first", "second", "--by", "gain", "--json")
    told = json.loads(found.stdout)
    assert [run["name"] for run in told["runs"]] == ["first", "second"]
    assert told["features"][0] == {
        "feature": "trend", "values": [0.25, 0.75], "shares": [0.25, 0.75], "ranks": [2, 1], "rose": 1,
    }  # fmt: skip
    assert "up 1" in palate(own, "lab", "importance", "first", "second", "--by", "gain").stdout


def test_a_run_that_is_not_there_is_one_sentence(palate, own):
    found = palate(own, "lab", "importance", "nothing")
    assert found.exit_code == 1
    assert found.stderr == "error: no run 'nothing'; `palate lab runs` lists what there is\n"
