"""palate space: which version is live, who decided it and why, and the way back."""

import json
from dataclasses import fields
from typing import Any

import pytest

from palate.core.home import Home
from palate.embeddings.space import Spaces
from palate.jobs.profiling import Budgets

from .conftest import Palate


def told(palate: Palate, home: Home, *words: str) -> dict[str, Any]:
    found = palate(home, "space", *words, "--json")
    assert found.exit_code == 0, found.stderr
    return json.loads(found.stdout)


@pytest.fixture(autouse=True)
def unmeasured(own: Home) -> None:
    """Without budgets the gate measures nothing, which takes ten seconds and is tested in tests/jobs."""
    none = "\n".join(f"{one.name} = 0.0" for one in fields(Budgets))
    own.settings.write_text(f"{own.settings.read_text(encoding='utf-8')}\n[budgets]\n{none}\n", encoding="utf-8")


@pytest.fixture
def two(palate: Palate, own: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with taste@1 and, live, taste@2; ana decides."""
    monkeypatch.setenv("PALATE_USER", "ana@desk")
    assert palate(own, "train", "--only", "ranker").exit_code == 0
    return own


def test_promoted_rolled_back_and_proposed(palate: Palate, two: Home) -> None:
    assert told(palate, two, "rollback", "--why", "skips rose") == {"live": "taste@1"}
    assert told(palate, two, "next", "taste@2") == {"next": "taste@2"}
    listed = told(palate, two, "list")
    assert listed["aliases"] == {"live": "taste@1", "next": "taste@2", "previous": None}
    assert [(row["live"], row["next"], row["previous"]) for row in listed["spaces"]] == [
        (True, False, False), (False, True, False),
    ]  # fmt: skip
    assert listed["spaces"][0]["why"] == "skips rose"
    promoted = told(palate, two, "promote", "taste@2", "--why", "skips fell")
    assert (promoted["live"], promoted["against"], promoted["forced"]) == ("taste@2", "taste@1", False)
    assert promoted["notes"][1].startswith("not compared with taste@1")
    assert told(palate, two, "list")["aliases"] == {"live": "taste@2", "next": None, "previous": "taste@1"}
    history = told(palate, two, "history", "--verify")
    assert [(one["space"], one["alias"], one["move"]) for one in history["history"]] == [
        ("taste@1", "live", "promote"), ("taste@2", "live", "promote"), ("taste@1", "live", "rollback"),
        ("taste@2", "next", "promote"), ("taste@2", "live", "promote"),
    ]  # fmt: skip
    assert {one["who"] for one in history["history"][1:]} == {"ana@desk"}
    assert (history["verified"], history["chain"]) == (True, history["history"][-1]["chain"])
    assert history["history"][-1]["run"] == promoted["run"] != ""


def test_in_words(palate: Palate, two: Home) -> None:
    lines = palate(two, "space", "list").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["taste@1", "previous"], ["taste@2", "live"]]
    assert "  promoted by ana@desk: trained, run " in lines[1]
    found = palate(two, "space", "rollback")
    assert found.stdout.startswith("taste@1 is live again; a running server brings its tastes level")
    found = palate(two, "space", "promote", "taste@2", "--why", "it is\nhis last word", "--force")
    assert (found.stdout[:19], found.stderr) == ("taste@2 is live; a ", "")
    assert palate(two, "space", "next", "taste@1").stdout.startswith("taste@1 is next; make it live with: palate space")
    lines = palate(two, "space", "history", "--verify").stdout.splitlines()
    assert "live  taste@1    rolled back to by ana@desk: rolled back by hand" in lines[2]
    assert "live  taste@2    forced by ana@desk: it is his last word  (run 2" in lines[3]
    assert lines[4].endswith("next  taste@1    proposed by ana@desk: proposed by hand")
    assert lines[5].startswith("every line follows from the ones before it")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("promote", "taste@9"), "no space 'taste@9'; there are: taste@1\n"),
        (("next", "taste"), "no space 'taste'; there are: taste@1\n"),
        (("promote", "taste@1", "--force"), "--force goes on record, so it needs a reason; add --why TEXT\n"),
        (("rollback",), "there is no earlier live version to roll back to; promote one by its label\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_says_what_can(palate: Palate, own: Home, words: tuple[str, ...], sentence: str) -> None:
    before = (own.spaces / "aliases.jsonl").read_bytes()
    found = palate(own, "space", *words)
    assert (found.exit_code, found.stdout, found.stderr) == (1, "", f"error: {sentence}")
    assert (own.spaces / "aliases.jsonl").read_bytes() == before


def test_a_history_that_somebody_changed_is_shown_and_not_verified(palate: Palate, two: Home) -> None:
    path = two.spaces / "aliases.jsonl"
    path.write_bytes(path.read_bytes().replace(b"trained", b"Trained", 1))
    assert "Trained, run" in palate(two, "space", "history").stdout
    for words in (("history", "--verify"), ("promote", "taste@1")):
        found = palate(two, "space", *words)
        assert found.exit_code == 1
        assert "aliases.jsonl, line 1 does not follow" in found.stderr
    assert Spaces(two.spaces).live.label == "taste@2"
    assert palate(two, "space", "rollback").exit_code == 0


def test_a_home_without_spaces(palate: Palate, own: Home) -> None:
    own.spaces.rename(own.root / "gone")
    assert palate(own, "space", "list").stdout == "no spaces yet; run: palate train\n"
    assert palate(own, "space", "history").stdout == "nothing was decided yet; run: palate train\n"
    assert palate(own, "space", "history", "--verify").exit_code == 0
    assert "none yet, run `palate train`" in palate(own, "space", "promote", "taste@1").stderr
