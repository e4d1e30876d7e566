"""A script that speaks to a tracker speaks to the lab by changing its import."""

import subprocess
import sys

import pytest

from palate.core.errors import MissingHome
from palate.core.home import Home
from palate.lab import dialect as wandb
from palate.lab.book import Book


@pytest.fixture
def home(tmp_path):
    (tmp_path / "palate.toml").write_text("[lab]\nsystem_seconds = 0\n")
    yield Home(tmp_path)
    wandb.finish()


def test_a_script_is_a_run(home):
    wandb.init(project="script", name="first", config={"lr": 0.1}, group="g", home=home.root)
    wandb.log({"loss": 0.5, "rows": wandb.Table(["a"], [[1]])}, step=2)
    wandb.finish()
    wandb.log({"loss": 9.0})
    (info,) = Book(home.lab).runs()
    assert (info.job, info.name, info.group, info.state) == ("script", "first", "g", "finished")
    assert (info.config, info.summary, [file.name for file in info.files]) == ({"lr": 0.1}, {"loss": 0.5}, ["rows"])


def test_the_next_init_ends_the_run_before(home, monkeypatch):
    monkeypatch.setenv("PALATE_HOME", str(home.root))
    first = wandb.init()
    second = wandb.init(name="second")
    second.log({"a": 1})
    assert [info.state for info in Book(home.lab).runs()] == ["finished", "running"]
    assert first.id != second.id


def test_finish_without_a_run_is_nothing():
    wandb.finish()


def test_without_a_home_it_says_how_to_make_one(tmp_path):
    with pytest.raises(MissingHome, match="init"):
        wandb.init(home=tmp_path / "none")


@pytest.mark.parametrize(("last", "state", "error"), [("", "finished", ""), ("1 / 0", "failed", "ZeroDivisionError")])
def test_a_script_that_ends_without_finish_is_over_all_the_same(home, last, state, error):
    script = f"from palate.lab import dialect as w\nw.init(home={str(home.root)!r})\nw.log({{'a': 1}})\n{last}\n"
    subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    (info,) = Book(home.lab).runs()
    assert (info.state, info.summary) == (state, {"a": 1})
    assert info.error.startswith(error)
