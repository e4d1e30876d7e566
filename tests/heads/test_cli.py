"""palate heads: what it lists, shows and moves, and its errors."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from palate.cli import main
from palate.core.home import Home

from .asked import taught
from .conftest import Trained


def palate(home: Home | Path, *words: str) -> Result:
    root = home.root if isinstance(home, Home) else home
    return CliRunner().invoke(main, ["--home", str(root), *words], prog_name="palate")


@pytest.fixture
def two(own: Trained) -> Home:
    """likes@1, live, and likes@2, next."""
    taught(own)[0].register(own.home, "the first", live=True, metrics={"auc": 0.8125})
    taught(own, model="trees")[0].register(own.home, "the second")
    return own.home


def test_heads_are_listed_shown_and_moved(two: Home) -> None:
    listed = palate(two, "heads", "list").stdout.splitlines()
    assert [(line.split()[0], line.split()[1]) for line in listed] == [("likes@1", "live"), ("likes@2", "next")]
    assert "on taste@2" in listed[0]
    assert "auc 0.812" in listed[0]
    assert json.loads(palate(two, "heads", "promote", "likes@2", "--why", "better", "--json").stdout) == {
        "live": "likes@2"
    }
    assert palate(two, "heads", "rollback", "likes").stdout == "likes@1 is live again\n"
    rows = json.loads(palate(two, "heads", "list", "--json").stdout)["heads"]
    assert [(row["head"], row["live"], row["serves"], row["serves_from"]) for row in rows] == [
        ("likes@1", True, "live", "taste@2"), ("likes@2", False, "live", "taste@2"),
    ]  # fmt: skip
    shown = json.loads(palate(two, "heads", "show", "likes", "--json").stdout)
    assert (shown["head"], shown["why"]) == ("likes@1", "the first")
    assert '"head": "likes@2"' in palate(two, "heads", "show", "likes@2").stdout
    assert palate(two, "heads", "retire", "likes@2", "--force", "--why", "worse").exit_code == 0
    assert [row["head"] for row in json.loads(palate(two, "heads", "list", "--json").stdout)["heads"]] == ["likes@1"]
    assert "head.likes" in palate(two, "space", "list").stdout


def test_a_damaged_head_is_listed_as_such(two: Home) -> None:
    (two.heads / "likes@1" / "manifest.json").write_text("{", encoding="utf-8")
    found = palate(two, "heads", "list")
    assert found.exit_code == 0
    assert "likes@1                  live  damaged: " in found.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["show", "likes@9"], "no head 'likes@9'; there are: likes@1, likes@2"),
        (["show", "nobody"], "no version of the head 'nobody' is live"),
        (["promote", "nobody"], "no head 'nobody'"), (["rollback", "likes"], "no earlier live version"),
        (["rollback", "Bad Name"], "cannot name a head"), (["retire", "likes@1"], "likes@1 is live; retire it"),
        (["retire", "likes@1", "--force"], "needs a reason"),
    ],
)  # fmt: skip
def test_an_error_is_one_sentence(two: Home, words: list[str], sentence: str) -> None:
    found = palate(two, "heads", *words)
    assert (found.exit_code, found.stdout) == (1, "")
    assert sentence in found.stderr
    assert found.stderr.count("\n") == 1


def test_a_home_without_heads_says_so(trained: Trained, tmp_path: Path) -> None:
    assert palate(trained.home, "heads", "list").stdout.startswith("no heads yet")
    assert "is not a Palate home" in palate(tmp_path, "heads", "list").stderr
