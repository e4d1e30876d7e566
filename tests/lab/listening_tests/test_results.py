"""Results of answers that are known: wins, ratings, questions, and raters who fail their checks."""

import json
from dataclasses import replace

import pytest

from lab.listening_tests.made import a_test, given, on_shelf, planted
from palate.lab.listening_tests.results import results, summary, to_json
from palate.lab.listening_tests.screening import screened
from palate.lab.listening_tests.words import text

PAIR = ("ours", "random")


def test_wins_are_counted_for_the_condition_wherever_it_stood():
    test = a_test(conditions=PAIR, cases=2)
    answers = [
        given("anna", 0, "case-0", ("ours", "random"), ("left",)),
        given("anna", 1, "case-1", ("random", "ours"), ("right",)),
        given("bela", 0, "case-0", ("random", "ours"), ("left",)),
        given("bela", 1, "case-1", ("ours", "random"), ("same",)),
    ]
    found = summary(test, answers)
    pair = found.pairs[0]
    assert (pair.first, pair.second, pair.wins, pair.losses, pair.ties) == ("ours", "random", 2, 1, 1)
    assert pair.share.value == pytest.approx(2 / 3)
    assert found.first_place.value == pytest.approx(2 / 3)
    assert found.agreement.units == 2
    assert found.agreement.alpha < 0  # they agreed on nothing


def test_agreement_does_not_depend_on_which_condition_is_named_first():
    test = a_test(conditions=PAIR, cases=10, per_rater=10)
    turned = replace(test, conditions=PAIR[::-1])
    answers = planted(test, (1.5, -1.5), raters=5, seed=2)
    assert summary(test, answers).agreement.alpha == pytest.approx(summary(turned, answers).agreement.alpha)
    every = [given(who, place, f"case-{place}", PAIR, ("left",)) for who in ("anna", "bela") for place in range(5)]
    assert summary(test, every).agreement.alpha == 1.0


def test_strengths_wait_until_answers_connect_all_conditions():
    test = a_test(cases=2)
    found = summary(test, [given("anna", 0, "case-0", ("ours", "intro"), ("left",))])
    assert found.preference is None
    assert found.pairs[2].wins + found.pairs[2].losses + found.pairs[2].ties == 0


def test_ratings_by_hand():
    """ours 80 and 60, random 20 and 40: means 70 and 30, mean difference 40."""
    test = a_test("rating", conditions=PAIR, cases=2)
    answers = [
        given("anna", 0, "case-0", ("random", "ours"), (20.0, 80.0)),
        given("anna", 1, "case-1", PAIR, (60.0, 40.0)),
    ]
    found = summary(test, answers)
    assert {score.condition: score.mean.value for score in found.scores} == {"ours": 70.0, "random": 30.0}
    assert found.differences[0].mean.value == 40.0
    assert found.differences[0].p == pytest.approx(2 * 1 / 4)


def test_questions_by_hand():
    """Of three answers for ours one is yes, one no, one unsure: half of the known ones."""
    test = a_test("questions", conditions=PAIR, cases=3, questions=("Good?", "Long?"))
    words = [("yes", "no"), ("no", "no"), ("unsure", "no")]
    answers = [given("anna", place, f"case-{place}", ("ours",), word) for place, word in enumerate(words)]
    scores = {(one.condition, one.question): one for one in summary(test, answers).scores}
    assert scores["ours", "Good?"].mean.value == 0.5
    assert scores["ours", "Good?"].answers == 2
    assert scores["ours", "Long?"].mean.value == 0.0
    assert scores["random", "Good?"].answers == 0


def test_a_rater_who_hears_differences_where_none_are_is_screened():
    test = a_test(checks=2)
    honest = [given("anna", place, "case-0", ("ours", "ours"), ("same",), check=True, sure=3) for place in range(2)]
    guess = [given("bela", place, "case-0", ("ours", "ours"), ("left",), check=True, sure=1) for place in range(2)]
    wrong = [given("carl", place, "case-0", ("ours", "ours"), ("left",), check=True, sure=3) for place in range(2)]
    assert screened(test, honest + guess + wrong) == {"carl": "failed 2 of 2 checks"}


def test_a_rater_who_changes_their_answers_is_screened():
    test = a_test("questions", checks=1, questions=("Good?",))
    first = given("anna", 0, "case-0", ("ours",), ("yes",))
    again = given("anna", 1, "case-0", ("ours",), ("no",), check=True)
    assert screened(test, [first, again]) == {"anna": "failed 1 of 1 checks"}
    assert screened(test, [first, replace(again, value=("unsure",))]) == {}


def test_raters_are_screened_by_the_hidden_reference_and_the_anchor():
    test = a_test("rating", conditions=("reference", "anchor", "ours"), cases=4)
    fine = [given("anna", place, f"case-{place}", test.conditions, (100.0, 10.0, 60.0)) for place in range(4)]
    deaf = [given("bela", place, f"case-{place}", test.conditions, (50.0, 10.0, 60.0)) for place in range(4)]
    kind = [given("carl", place, f"case-{place}", test.conditions, (95.0, 95.0, 60.0)) for place in range(4)]
    assert screened(test, fine + deaf + kind) == {
        "bela": "rated the hidden reference below 90 in 4 of 4 cases",
        "carl": "rated an anchor at 90 or more in 4 of 4 cases",
    }


def test_results_stand_with_and_without_the_screened(tmp_path):
    test = a_test(conditions=PAIR, cases=8, per_rater=8, checks=2)
    shelved = on_shelf(tmp_path, test)
    for answer in planted(test, (2.0, -2.0), raters=3):
        shelved.book.append(replace(answer, value=("same",)) if answer.check else answer)
    for answer in planted(test, (-2.0, 2.0), raters=1, seed=5):
        liar = replace(answer, id="liar" + answer.id, rater="liar", task="liar" + answer.task)
        shelved.book.append(replace(liar, value=("left",), sure=3) if liar.check else liar)
    found = results(shelved)
    assert found.everyone.answers == 4 * 8
    assert found.kept.answers == 3 * 8
    assert [row.screened for row in found.raters] == ["", "", "", "failed 2 of 2 checks"]
    assert found.kept.pairs[0].share.value > found.everyone.pairs[0].share.value
    told = text(found)
    assert "liar: failed 2 of 2 checks" in told
    assert "Without them:" in told
    assert json.loads(json.dumps(to_json(found), allow_nan=False))["kept"]["raters"] == 3


def test_before_the_first_answer_there_are_no_numbers(tmp_path):
    found = results(on_shelf(tmp_path, replace(a_test(), simulated=True)))
    assert (found.everyone, found.kept, found.raters) == (None, None, ())
    assert "No answers yet" in text(found)
    assert "SIMULATED" in text(found)
    assert to_json(found)["everyone"] is None


def test_results_hold_no_secret(tmp_path):
    shelved = on_shelf(tmp_path, a_test())
    told = json.dumps(to_json(results(shelved)))
    assert shelved.test.key not in told
    assert shelved.test.join not in told
