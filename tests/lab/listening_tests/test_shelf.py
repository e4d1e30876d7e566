"""Tests on disk: made once, read as made, joined with the link's token."""

import json

import pytest

from lab.listening_tests.made import JOIN, a_home, a_test, given, on_shelf
from palate.core.errors import BadInput, Corrupt, MissingHome
from palate.core.home import Home
from palate.lab.listening_tests.shelf import WAITS_SECONDS, make, names, open_test


def test_a_test_is_read_as_it_was_made(tmp_path):
    test = a_test(checks=2)
    shelved = on_shelf(tmp_path, test)
    home = Home(tmp_path)
    assert open_test(home, "made").test == shelved.test == test
    assert names(home) == ["made"]


def test_a_name_is_given_once_and_cannot_leave_the_folder(tmp_path):
    on_shelf(tmp_path, a_test())
    with pytest.raises(BadInput, match="already"):
        on_shelf(tmp_path, a_test())
    for name in ("../up", "", "A", "a/b", ".", "x" * 65):
        with pytest.raises(BadInput, match="cannot be called"):
            open_test(Home(tmp_path), name)
    with pytest.raises(BadInput, match="there are: made"):
        open_test(Home(tmp_path), "other")


def test_no_home_and_a_newer_format_say_so(tmp_path):
    with pytest.raises(MissingHome):
        make(Home(tmp_path), a_test(), {})
    shelved = on_shelf(tmp_path, a_test())
    path = shelved.folder / "test.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))
    with pytest.raises(Corrupt, match="format 1"):
        open_test(Home(tmp_path), "made")


def test_raters_queue_and_a_wrong_token_is_refused(tmp_path):
    shelved = on_shelf(tmp_path, a_test())
    raters = [shelved.join(JOIN, nickname) for nickname in ("", "  Ann   of Nowhere " + "x" * 60, "")]
    assert [shelved.slot(rater) for rater in raters] == [0, 1, 2]
    assert len(set(raters)) == 3
    told = shelved.raters()
    assert "nickname" not in told[raters[0]]
    assert told[raters[1]]["nickname"].startswith("Ann of Nowhere xxx")
    assert len(told[raters[1]]["nickname"]) == 40
    for token in ("", "wrong", "é"):
        with pytest.raises(BadInput, match="does not open"):
            shelved.join(token)
    with pytest.raises(BadInput, match="not known"):
        shelved.slot("nobody")


def test_the_place_of_who_never_answered_is_filled_after_an_hour(tmp_path):
    shelved = on_shelf(tmp_path, a_test())
    shelved.wall = lambda: 1_000.0
    stays, leaves = shelved.join(JOIN), shelved.join(JOIN)
    shelved.book.append(given(stays, 0, "case-0", ("ours", "intro"), ("left",)))
    shelved.wall = lambda: 1_000.0 + WAITS_SECONDS
    assert shelved.slot(leaves) == 1
    assert [shelved.slot(shelved.join(JOIN)) for _ in range(2)] == [1, 2]


def test_a_home_without_tests_has_none(tmp_path):
    assert names(a_home(tmp_path)) == []
