"""Conditions choose what a hand would choose; what is no condition is refused with an example, and nothing runs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.errors import BadInput
from palate.lab.query import check_names, condition, flat, names_in, names_of_sort, ordered

RUN = {"task": "discover", "ndcg_at_10": 0.06, "items.dim": 64, "state": "failed", "summary.val/loss": 0.5, "ok": True}


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("task=='discover' and ndcg_at_10>.05", True),
        ("task == 'next' or ndcg_at_10 > .05", True),
        ("task == 'next'", False),
        ("not task == 'next'", True),
        (".05 < ndcg_at_10 <= .06", True),
        (".05 < ndcg_at_10 < .06", False),
        ("state in ('failed', 'interrupted')", True),
        ("state not in ['failed']", False),
        ("'disc' in task", True),
        ("items.dim >= 64 and items.dim != 65", True),
        ("summary['val/loss'] < 1", True),
        ("ok", True),
        ("missing", False),
        ("missing > 1", False),
        ("missing != 1", False),
        ("not missing > 1", True),
        ("missing == None", False),
        ("task > 5", False),
        ("5 in items.dim", False),
        ("ndcg_at_10 > -1", True),
        ("  ok ", True),
        ("task == '\\d'", False),
    ],
)
def test_a_condition_is_met_as_python_would_have_it(text, met):
    assert condition(text)(RUN.get) is met


@pytest.mark.parametrize(
    "text",
    [
        "", "task=", "task = 'x'", "f(x)", "__import__('os').system('x')", "a + 1 > 2", "x[0]", "other['x'] > 1",
        "[a for a in b]", "lambda: 1", "a if b else c", "a is None", "{1: 2}", "'x'.upper() == 'X'", "a.b[0]", "*a",
        "a := 1", "x" * 3_000, "(" * 500, "\x00", "a; b", "-task", "f'{a}' == 'x'",
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused_with_an_example(text):
    with pytest.raises(BadInput, match="write for example \"task == 'discover'"):
        condition(text)


@given(st.text(max_size=60) | st.text("abx.()[]'\"<>=!,-+* \n1andornotin", max_size=40))
def test_any_text_is_a_condition_or_bad_input(text):
    try:
        found = condition(text)
    except BadInput:
        return
    assert found({}.get) in (True, False)


def test_the_names_that_are_read():
    assert names_in("b > 1 and (a.c == 2 or not summary['x y']) and b < 3 and 'text' in a") == [
        "b", "a.c", "summary.x y", "a",
    ]  # fmt: skip
    assert names_of_sort("-a, b ,,items.dim") == ["a", "b", "items.dim"]


def test_an_unknown_name_is_told_with_those_near_it():
    check_names(["ndcg_at_10", "config.task"], ["ndcg_at_10", "task"])
    with pytest.raises(BadInput, match="no run has 'ndcg_10'; near it: ndcg_at_10;"):
        check_names(["ndcg_10"], ["ndcg_at_10", "task"])
    with pytest.raises(BadInput, match="no run has 'zzz'; there are ndcg_at_10, task;"):
        check_names(["zzz"], ["ndcg_at_10", "task"])


def order(values, sort):
    return [thing["id"] for thing in ordered(values, sort, lambda thing: thing.get)]


def test_things_are_ordered_and_those_without_a_value_come_last():
    things = [{"id": 1, "a": 2.0}, {"id": 2}, {"id": 3, "a": math.nan}, {"id": 4, "a": 1}, {"id": 5, "a": 3}]
    assert order(things, "a") == [4, 1, 5, 2, 3]
    assert order(things, "-a") == [5, 1, 4, 2, 3]


def test_the_first_name_counts_most_and_ties_keep_their_order():
    things = [{"id": 1, "a": "x", "b": 1}, {"id": 2, "a": "y", "b": 1}, {"id": 3, "a": "x", "b": 2}]
    assert order(things, "a,-b") == [3, 1, 2]
    assert order(things, "b") == [1, 2, 3]
    assert order(things, "") == [1, 2, 3]


def test_numbers_and_texts_under_one_name_are_ordered_as_texts():
    assert order([{"id": 1, "a": "b"}, {"id": 2, "a": 3}, {"id": 3, "a": "a"}], "a") == [2, 3, 1]


@given(st.lists(st.fixed_dictionaries({"id": st.integers(), "a": st.floats() | st.integers() | st.none()})))
def test_ordering_keeps_everything(things):
    assert sorted(order(things, "-a")) == sorted(thing["id"] for thing in things)


def test_nested_tables_become_dotted_names():
    assert flat({"items": {"dim": 64, "deep": {"x": 1}}, "list": [1, "a"], "t": (1,), 3: 4}) == {
        "items.dim": 64, "items.deep.x": 1, "list": "1, a", "t": "1", "3": 4,
    }  # fmt: skip
    assert flat({}) == {}
