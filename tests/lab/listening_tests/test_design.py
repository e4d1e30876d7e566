"""Which rater gets what: balanced over raters, the same each time."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.listening_tests.made import a_test
from palate.core.errors import BadInput
from palate.lab.listening_tests.design import circle, opaque, tasks_of


def test_a_circle_has_each_two_conditions_of_each_case_once():
    tasks = circle(a_test(cases=4))
    asked = Counter((task.case, frozenset(task.shown)) for task in tasks)
    assert len(tasks) == 4 * 3
    assert set(asked.values()) == {1}


def test_six_raters_answer_every_pair_twice_from_both_sides():
    """6 cases x 3 pairs are 18 tasks, 3 raters of 6 go round once, and 6 raters twice."""
    test = a_test(cases=6, per_rater=6)
    shown = Counter((task.case, task.shown) for slot in range(6) for task in tasks_of(test, slot, f"r{slot}"))
    assert set(shown.values()) == {1}
    assert len(shown) == 36


@given(conditions=st.integers(2, 5), cases=st.integers(1, 12), per_rater=st.integers(1, 40), raters=st.integers(1, 9))
def test_tasks_and_sides_are_balanced_over_raters(conditions, cases, per_rater, raters):
    test = a_test(conditions=[f"c{k}" for k in range(conditions)], cases=cases, per_rater=per_rater)
    tasks = [task for slot in range(raters) for task in tasks_of(test, slot, f"r{slot}")]
    asked = Counter((task.case, frozenset(task.shown)) for task in tasks)
    everything = [(case.id, frozenset(pair)) for case in test.cases for pair in combinations(test.conditions, 2)]
    counts = [asked[one] for one in everything]
    assert max(counts) - min(counts) <= 1
    sides = Counter(task.shown for task in tasks)
    for one, two in combinations(test.conditions, 2):
        assert abs(sides[one, two] - sides[two, one]) <= 3  # one open end at each edge of the stretch, one at the lap


def test_one_rater_meets_many_cases_before_any_twice():
    test = a_test(cases=6, per_rater=6)
    assert len({task.case for task in tasks_of(test, 2, "r")}) == 6


def test_the_same_rater_gets_the_same_order_and_another_a_different_one():
    test = a_test(cases=12, per_rater=30)
    assert tasks_of(test, 0, "anna") == tasks_of(test, 0, "anna")
    assert tasks_of(test, 0, "anna") != tasks_of(test, 0, "bela")
    assert sorted(map(str, tasks_of(test, 0, "anna"))) == sorted(map(str, tasks_of(test, 0, "bela")))


def test_in_ratings_every_condition_gets_every_place():
    test = a_test("rating", cases=1, per_rater=1)
    places = Counter(
        (place, name) for slot in range(3) for place, name in enumerate(tasks_of(test, slot, "r")[0].shown)
    )
    assert set(places.values()) == {1}
    assert len(places) == 9


def test_checks_of_a_comparison_show_one_thing_twice():
    tasks = tasks_of(a_test(checks=3), 0, "r")
    checks = [task for task in tasks if task.check]
    assert len(tasks) == 6 + 3
    assert len(checks) == 3
    assert all(task.shown[0] == task.shown[1] for task in checks)


def test_checks_of_questions_come_after_what_they_repeat():
    tasks = tasks_of(a_test("questions", checks=4, per_rater=12), 3, "r")
    for place, task in enumerate(tasks):
        if task.check:
            assert (task.case, task.shown) in [(one.case, one.shown) for one in tasks[:place] if not one.check]


def test_more_tasks_than_there_are_is_all_of_them():
    assert a_test(cases=2, per_rater=100).per_rater == 2 * 3


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"conditions": ("ours",)}, "2 or more different conditions"),
        ({"conditions": ("ours", "ours")}, "2 or more different conditions"),
        ({"kind": "rating", "conditions": [f"c{k}" for k in range(9)]}, "at most 8"),
        ({"kind": "rating", "checks": 1}, "'reference'"),
        ({"per_rater": 0}, "--pairs"),
        ({"cases": 0}, "no cases"),
    ],
)
def test_what_cannot_be_answered_is_refused(wrong, sentence):
    with pytest.raises(BadInput, match=sentence):
        a_test(**wrong)


def test_opaque_names_differ_by_every_word_and_by_key():
    test = a_test()
    assert opaque(test, "a", "b") == opaque(test, "a", "b") != opaque(test, "ab", "")
