"""palate onboard: what is offered, kept and refused."""

import json

from palate.core.home import Home

from .conftest import Palate


def told(palate: Palate, home: Home, *words: str) -> dict:
    found = palate(home, *words, "--json")
    assert found.exit_code == 0, found.stderr
    return json.loads(found.stdout)


def test_what_is_offered_can_be_kept_and_is_in_the_next_answer(palate: Palate, own: Home) -> None:
    offered = told(palate, own, "onboard", "newcomer", "--offer", "5")["choices"]
    assert len(offered) == 5
    name, kind = offered[0]["name"], offered[0]["kind"]
    again = told(palate, own, "onboard", "newcomer", "--offer", "5", f"--{kind}", name)["choices"]
    assert name not in [one["name"] for one in again]
    words = ("onboard", "newcomer", f"--{kind}", name, "--language", "en", "--id", "1")
    first = told(palate, own, *words)
    assert first["accepted"] == len(offered[0]["item_ids"])
    assert first["folded"]
    assert told(palate, own, *words)["duplicates"] == first["accepted"]
    why = told(palate, own, "explain", "newcomer", offered[0]["item_ids"][0])
    assert why["stranger"] is False


def test_it_says_what_it_kept(palate: Palate, own: Home) -> None:
    found = palate(own, "onboard", "newcomer", "--language", "sv")
    assert found.exit_code == 0
    assert found.stdout.startswith("0 picks of newcomer kept as 0 events")


def test_what_is_unknown_or_nothing_is_one_sentence(palate: Palate, own: Home) -> None:
    for words, sentence in (
        (("--artist", "Nobody At All"), "not in the catalogue: artist 'Nobody At All'"),
        ((), "nothing was picked"),
        (("--offer", "0"), "n = 0 must be at least 1"),
    ):
        found = palate(own, "onboard", "newcomer", *words)
        assert found.exit_code == 1
        assert sentence in found.stderr
        assert found.stdout == ""
