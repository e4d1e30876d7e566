"""palate space: which version is live, who decided it and why, and the way back."""

import json
from dataclasses import fields
from typing import Any

import pytest

from palate.core.home import Home
from palate.embeddings.space import Spaces
from palate.jobs import drift
from palate.jobs.drift import Drift, Feature
from palate.jobs.profiling import Budgets
from palate.store.records import OnlineStore

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
        (("pin", "ads", "taste@9"), "no space 'taste@9'; there are: taste@1\n"),
        (("unpin", "ads"), "'ads' has pinned nothing; pinned are: none\n"),
        (("retire", "taste@9"), "no space 'taste@9'; there are: taste@1\n"),
        (("retire", "taste@1"), "taste@1 is live; promote another version or roll back first, then retire it\n"),
        (("retire", "taste@1", "--force"), "--force goes on record, so it needs a reason; add --why TEXT\n"),
        (("stability", "taste@1", "taste@9"), "no space 'taste@9'; there are: taste@1\n"),
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


def test_pinned_and_retired(palate: Palate, two: Home) -> None:
    assert told(palate, two, "pin", "churn-model", "taste@1") == {"pinned": "taste@1", "consumer": "churn-model"}
    listed = told(palate, two, "list")
    assert (listed["pins"], [row["pinned_by"] for row in listed["spaces"]]) == (
        {"churn-model": "taste@1"}, [["churn-model"], []],
    )  # fmt: skip
    lines = palate(two, "space", "list").stdout.splitlines()
    assert lines[0].endswith("; pinned by churn-model")
    assert "promoted by" in lines[0], "what was decided about it stays beside who relies on it"
    found = palate(two, "space", "retire", "taste@1")
    assert found.stderr == (
        "error: taste@1 is in use: a rollback goes to it; churn-model has pinned it; retire it all the same with "
        "--force --why TEXT\n"
    )
    assert told(palate, two, "unpin", "churn-model") == {"unpinned": "taste@1", "consumer": "churn-model"}
    with OnlineStore(two.online / "records") as store:
        held = store.count("taste@1")
    retired = told(palate, two, "retire", "taste@1", "--force", "--why", "its licence ends")
    assert retired == {"retired": "taste@1", "records": held, "forced": True}
    assert held > 0
    with OnlineStore(two.online / "records") as store:
        assert store.spaces() == ["taste@2"]
    lines = palate(two, "space", "history").stdout.splitlines()
    assert "pin   taste@1    pinned for churn-model by ana@desk: pinned by hand" in lines[-3]
    assert "pin   taste@1    unpinned for churn-model by ana@desk: unpinned by hand" in lines[-2]
    assert "gone  taste@1    retired by ana@desk: its licence ends" in lines[-1]
    assert [row["space"] for row in told(palate, two, "list")["spaces"]] == ["taste@2"]


def test_stability_of_two_versions(palate: Palate, two: Home) -> None:
    found = told(palate, two, "stability", "taste@1", "taste@2")
    assert (found["old"], found["new"]) == ("taste@1", "taste@2")
    assert found["heads"]["kept_share"]["value"] == pytest.approx(1.0, abs=1e-5)
    assert "old heads keep 1.0000" in palate(two, "space", "stability", "taste@1", "taste@2").stdout


def test_drift_without_a_day_since_says_so(palate: Palate, two: Home) -> None:
    found = told(palate, two, "drift")
    assert (found["space"], found["days"], found["alarming"]) == ("taste@2", 0, [])
    assert "no whole day was heard since its training" in palate(two, "space", "drift", "taste@1").stdout
    assert "no space 'taste@9'" in palate(two, "space", "drift", "taste@9").stderr


def test_drift_warns_and_exits_with_0(palate: Palate, two: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    skips = Feature("skips", 0.2, 0.6, 9.0, alarms=3, alarming=True)
    monkeypatch.setattr(
        drift, "drift_of", lambda *_: Drift("taste@2", 56, 5, [skips], [False, False, True, True, True])
    )
    found = palate(two, "space", "drift")
    assert found.exit_code == 0
    assert found.stderr.startswith("warning: what is heard has moved away from what taste@2 was trained on: skips;")
    assert "skips    0.2    0.6         9.0*" in found.stdout
