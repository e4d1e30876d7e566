"""palate eval claims, and what explain says to people."""

import json

import pytest

from palate.core.home import Home
from palate.jobs import claims as module

from .conftest import Palate


def test_the_claims_of_a_small_home_are_counted_and_true(palate: Palate, trained: Home) -> None:
    found = palate(trained, "eval", "claims", "--listeners", "12", "--json")
    assert (found.exit_code, found.stderr) == (0, "")
    told = json.loads(found.stdout)
    assert (told["false"], told["unchecked"], told["unasked"]) == ([], {}, [])
    assert told["answers"]["for_you"] >= 13
    assert told["checked"]["sentence"] >= sum(told["items"].values()) > 300  # shelves say why as well
    only = palate(trained, "eval", "claims", "--listeners", "2", "--surface", "similar")
    assert only.stdout.startswith("answers: similar ")
    assert "false: 0" in only.stdout


def test_a_false_claim_is_told_and_is_an_error(palate: Palate, trained: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palate.surfaces.explain._times", lambda n: f"{n + 1} times")
    found = palate(trained, "eval", "claims", "--listeners", "3", "--surface", "for_you")
    assert found.exit_code == 1
    assert "claims are false; the first: sentence on for_you for " in found.stderr
    unknown = palate(trained, "eval", "claims", "--surface", "nowhere")
    assert (unknown.exit_code, "no surface 'nowhere'" in unknown.stderr) == (1, True)


def test_a_type_that_nobody_checks_is_an_error(palate: Palate, trained: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    checkers = {k: v for k, v in module.check.__globals__["CHECKERS"].items() if k != "listen"}
    monkeypatch.setitem(module.check.__globals__, "CHECKERS", checkers)
    found = palate(trained, "eval", "claims", "--listeners", "3", "--surface", "for_you")
    assert (found.exit_code, "listen" in found.stderr) == (1, True)


def test_explain_in_words_goes_stage_by_stage(palate: Palate, trained: Home) -> None:
    slate = json.loads(palate(trained, "surface", "for_you", "--user", "sim-user-0001", "--json").stdout)
    words = palate(trained, "explain", "sim-user-0001", slate["items"][0]["item_id"]).stdout
    for part in ("It stands at 1 of for_you", "offered by ", "filter available: passed", "score ", "all begin with "):
        assert part in words
    fell = palate(trained, "why-not", "sim-user-0001", slate["items"][0]["item_id"], "--surface", "similar",
                  "--seed", slate["items"][0]["item_id"]).stdout  # fmt: skip
    assert fell.startswith("A filter removed it: excluded by the request")
