"""palate lab listen, as a person types it."""

import csv
import json

import pytest

from lab.listening_tests.made import a_home
from lab.listening_tests.sounds import write_folder
from palate.lab.listening_tests.exchange import outside_tasks
from palate.lab.listening_tests.shelf import open_test


@pytest.fixture
def home(tmp_path):
    return a_home(tmp_path / "home")


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "in")


def test_from_a_folder_to_results(home, folder, palate, tmp_path):
    made = palate(
        home, "lab", "listen", "new", "sounds", "--from", folder, "--conditions", "reference,clicks", "--json"
    )
    assert made.exit_code == 0, made.stderr
    assert json.loads(made.stdout)["conditions"] == ["reference", "clicks"]
    assert "peak levels differ" in made.stderr
    out = tmp_path / "tasks.csv"
    assert "upload" in palate(home, "lab", "listen", "export", "sounds", "--out", out).stdout
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    tasks = outside_tasks(open_test(home, "sounds").test)
    answers = tmp_path / "answers.csv"
    lines = [
        f"{row['task_id']},w{n},{'a' if tasks[row['task_id']].shown[0] == 'reference' else 'b'},3"
        for n in range(4)
        for row in rows
    ]
    answers.write_text("\n".join(["task_id,rater_id,answer,sure", *lines, "nonsense,w1,a,3"]) + "\n", encoding="utf-8")
    taken = palate(home, "lab", "listen", "import", "sounds", answers)
    assert "8 answers taken, 0 were there already, 1 rows left out" in taken.stdout
    assert "answers.csv:10: task 'nonsense'" in taken.stderr
    found = json.loads(palate(home, "lab", "listen", "results", "sounds", "--json").stdout)
    pair = found["everyone"]["pairs"][0]
    assert (pair["first"], pair["wins"], pair["losses"]) == ("reference", 8, 0)
    told = palate(home, "lab", "listen", "results", "sounds").stdout
    assert "reference : clicks" in told
    labels = tmp_path / "labels.csv"
    assert "16 labels" in palate(home, "lab", "listen", "export", "sounds", "--out", labels, "--labels").stdout
    assert "8 answers of 4 raters" in palate(home, "lab", "listen", "list").stdout


def test_clips_without_a_folder_say_what_to_give(home, palate):
    told = palate(home, "lab", "listen", "new", "clips", "--pairs", "30", "--conditions", "ours,intro,random")
    assert told.exit_code == 1
    assert (
        "this home has no clips yet; give --from FOLDER with a sub-folder for each of ours, intro, random"
        in told.stderr
    )


def test_slates_of_a_trained_home(own, palate):
    words = ("--pairs", "4", "--conditions", "for_you,taste,random", "--checks", "1", "--json")
    made = json.loads(palate(own, "lab", "listen", "new", "slates", *words).stdout)
    assert (made["cases"], made["per_rater"], made["kind"]) == (4, 4, "ab")
    test = open_test(own, "slates").test
    assert test.simulated
    assert test.checks == 1


def test_what_is_not_there_is_said(home, palate):
    assert "No listening tests yet" in palate(home, "lab", "listen", "list").stdout
    for command in ("results", "serve"):
        told = palate(home, "lab", "listen", command, "none")
        assert (told.exit_code, "no listening test 'none' here" in told.stderr) == (1, True)
    told = palate(home.root / "nowhere", "lab", "listen", "list")
    assert "palate --home" in told.stderr
