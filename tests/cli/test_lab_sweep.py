"""`palate lab sweep`: what it reads, what it prints, what it refuses."""

import json

import pytest
from click.testing import CliRunner

from palate.cli.lab.sweep import seconds_of, told
from palate.cli.main import main
from palate.core.errors import BadInput


@pytest.fixture
def run(tmp_path):
    (tmp_path / "palate.toml").write_text("")
    return lambda *arguments: CliRunner().invoke(main, ["--home", str(tmp_path), "lab", "sweep", *arguments])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90.0), ("20m", 1200.0), ("1.5h", 5400.0), ("2d", 172800.0), ("45", 45.0), (" 1m ", 60.0)],
)
def test_lengths_of_time(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "20 minutes", "-5m", "0s", "m", "1e3"])
def test_what_is_no_length_of_time_is_refused(text):
    with pytest.raises(BadInput, match="no length of time; write for example 20m"):
        seconds_of(text)


def test_without_a_target_the_sweeps_are_listed(run):
    assert run().output.startswith("no sweeps yet; begin one with: palate lab sweep")
    assert json.loads(run("--json").output) == {"sweeps": []}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["cakes"], "'cakes' cannot be swept; choose from embeddings.items, embeddings.users, ranking"),
        (["ranking", "--budget", "soon"], "--budget 'soon' is no length of time"),
        (["ranking", "--name", "../x"], "no dot or dash first"),
        (["ranking", "--where", "rounds"], "is no narrowing; write for example"),
        (["--adopt", "nothing"], "the sweep nothing has no result yet"),
    ],
)
def test_mistakes_are_one_sentence(run, arguments, sentence):
    done = run(*arguments)
    assert done.exit_code == 1
    assert sentence in done.output
    assert done.output.startswith("error: ")
    assert done.output.count("\n") == 1


RESULT = {
    "sweep": "mine", "metric": "taste", "trials": 30, "pruned": 18, "failed": 1, "seconds": 600.0, "proposed": True,
    "best": {"trial": 7, "objective": 0.2, "values": {"items.dim": 64}}, "folder": "lab/sweeps/mine",
    "today": {"objective": 0.1, "values": {"items.dim": 128}}, "importances": {"items.dim": 0.8, "items.x": 0.2},
    "evidence": {"won": True}, "table": "task  best", "verdict": "better by +5.0%",
}  # fmt: skip


def test_the_result_is_told_in_words():
    text = told(RESULT)
    assert "30 trials (18 pruned, 1 given up) in 10.0 min; taste" in text
    assert "best: 0.20000, trial 7; today's settings: 0.10000" in text
    assert "  items.dim = 64  (today 128)" in text
    assert "what matters: items.dim 80%, items.x 20%" in text
    assert "task  best" in text
    assert text.endswith("adopt: palate lab sweep --adopt mine   (lab/sweeps/mine/proposal.toml)")


def test_without_a_proposal_nothing_is_to_be_adopted():
    text = told(RESULT | {"proposed": False, "evidence": None, "verdict": "not proposed", "importances": {}})
    assert text.endswith("not proposed")
    assert "adopt" not in text
    assert "what matters" not in text
