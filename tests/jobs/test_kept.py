"""Work of a home is kept as runs without being asked; an interrupted one goes on; the lab is never in the way."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from palate.core.home import Home
from palate.core.recording import current, log
from palate.embeddings.space import Spaces
from palate.jobs import chain
from palate.jobs.chain import train
from palate.jobs.judge.judging import Asked, judge
from palate.jobs.kept import kept, record
from palate.lab.book import Book

from .small_homes import TOML, copied, empty_home


def test_a_training_is_a_run_with_its_settings_data_curves_and_model(trained: Home) -> None:
    (run,) = Book(trained.lab).runs("job == 'train'")
    space = Spaces(trained.spaces).get("taste@1")
    assert (run.state, run.key) == ("finished", space.manifest["fingerprint"])
    assert run.config["items.dim"] == 16
    assert run.config["ranker.rounds"] == 20
    assert run.about["simulated"] is True
    assert len(run.about["data"]) == 16
    assert {run.summary[name] for name in ("space", "listens")} == {"taste@1", space.manifest["listens"]}
    assert [file.label for file in run.files if file.type == "model"] == ["taste@1"]
    curves = Book(trained.lab).history(run)
    assert curves["items.factor_change"].steps == [1, 2]  # of 3 iterations; the ranker's own item vectors are not told
    change = curves["items.factor_change"].values
    assert change[0] > change[1] > 0
    losses = curves["users.held_out_loss"].values
    assert 0 < losses[-1] < losses[0]
    assert run.summary["users.held_out_loss"] == losses[-1]
    steps = {"snapshot", "factors", "companytable", "teacherlists", "spacevectors", "rankertrees", "published"}
    assert {name for name in run.summary if name.startswith("seconds.")} == {f"seconds.{one}" for one in steps}
    assert "rss_mb" in Book(trained.lab).history(run, "system")


def test_a_training_that_has_nothing_to_do_is_no_run(own: Home) -> None:
    before = len(Book(own.lab).runs())
    train(own)
    assert len(Book(own.lab).runs()) == before


def test_the_same_data_have_the_same_hash_whatever_the_settings(own: Home) -> None:
    own.settings.write_text(TOML.replace("dim = 16", "dim = 8"), encoding="utf-8")
    train(own)
    first, second = Book(own.lab).runs("job == 'train'")
    assert first.about["data"] == second.about["data"]
    assert first.key != second.key


def test_a_failed_training_says_why(own: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    own.settings.write_text(TOML.replace("dim = 16", "dim = 8"), encoding="utf-8")

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(chain, "fit_factors", broken)
    with pytest.raises(Exception, match="No space left"):
        train(own)
    run = Book(own.lab).runs("job == 'train'")[-1]
    assert run.state == "failed"
    assert "No space left" in run.error


KILLED = """
import os, signal, sys
from pathlib import Path
from palate.core.home import Home
from palate.jobs import chain
chain.fit_company = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # after the ranker, before the items
chain.train(Home(Path(sys.argv[1])))
"""


def test_a_killed_training_shows_as_interrupted_and_goes_on_as_the_same_run(own: Home) -> None:
    own.settings.write_text(TOML.replace("dim = 16", "dim = 8"), encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", KILLED, str(own.root)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    killed = Book(own.lab).runs("job == 'train'")[-1]
    assert killed.state == "interrupted"
    told = set(killed.summary)
    assert "seconds.snapshot" in told
    train(own)
    run = Book(own.lab).runs("job == 'train'")[-1]
    assert (run.id, run.state, run.resumed) == (killed.id, "finished", 1)
    assert told < set(run.summary)


def test_a_judging_is_a_run_and_each_mark_in_it_one_more(own: Home) -> None:
    _, data = judge(own, Asked(windows=2, tasks=("next", "discover"), brief=True))
    (whole,) = Book(own.lab).runs("job == 'judge'")
    marks = Book(own.lab).runs("job == 'eval'")
    assert {mark.group for mark in marks} == {whole.id}
    asked = [(task, row["method"]) for task, told in data["tasks"].items() for row in told["methods"]]
    assert sorted((mark.config["task"], mark.config["method"]) for mark in marks) == sorted(asked)
    best = data["tasks"]["discover"]["methods"][0]
    (found,) = Book(own.lab).runs(f"task == 'discover' and method == {best['method']!r} and ndcg_at_100 > 0")
    assert found.summary["ndcg_at_100"] == best["ndcg@100"]["value"]
    assert found.summary["ndcg_at_100.low"] == best["ndcg@100"]["low"]
    assert whole.summary[f"discover.{best['method']}.ndcg_at_100"] == best["ndcg@100"]["value"]
    columns, rows = Book(own.lab).table(whole, "marks.next")
    assert columns[0] == "method"
    assert [row[0] for row in rows] == [row["method"] for row in data["tasks"]["next"]["methods"]]
    by_window = Book(own.lab).history(whole)["next.for_you.ndcg_at_100"]
    assert by_window.steps == [0, 1]
    assert "items.factor_change" not in Book(own.lab).history(whole)


def test_without_a_run_nothing_is_told() -> None:
    assert current() is None
    log({"lost": 1.0})


def test_a_lab_that_cannot_be_written_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = empty_home(tmp_path / "home")
    home.lab.write_text("in the way", encoding="utf-8")
    with kept(home, "train", config={}, about={}) as run:
        assert run is None
        assert current() is None
        log({"x": 1.0})
    record(home, "eval", config={}, about={}, summary={"x": 1.0})
    assert capsys.readouterr().err.count("cannot be written") == 2


def test_two_homes_keep_their_own_runs(trained: Home, tmp_path: Path) -> None:
    other = copied(trained, tmp_path / "other")
    with kept(other, "script", config={"a": 1}, about={"simulated": False}):
        log({"x": 1.0})
    assert [run.job for run in Book(other.lab).runs("job == 'script'")] == ["script"]
    assert Book(trained.lab).runs("job == 'script'") == []
