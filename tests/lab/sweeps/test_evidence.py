"""What counts as a win, and how it gets into palate.toml without touching anything else."""

import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.errors import PalateError
from palate.lab.sweeps.evidence import TOGETHER, Evidence, Line, adopt, alike, proposal, rounded, spelled

NEXT = Line("next", 200, 100, 0.10, 0.11, 0.01, -0.001, 0.02, 0.06)
DISCOVER = Line("discover", 200, 100, 0.05, 0.06, 0.01, 0.001, 0.02, 0.01)
ALL = Line(TOGETHER, 400, 100, 0.075, 0.085, 0.01, 0.002, 0.02, 0.004)
WON = Evidence("taste of the cake", 7, (NEXT, DISCOVER, ALL))
VALUES = {"items.dim": 64, "users.ridge": 1e-05, "users.fan": True}


def test_better_together_and_worse_nowhere_wins():
    assert WON.won
    assert WON.verdict == "better by +13.3% where the search never looked (p = 0.0040)"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            (NEXT, DISCOVER, replace(ALL, p=0.2)),
            "not proposed: +13.3% on the held-out windows cannot be told from chance",
        ),
        ((NEXT, DISCOVER, replace(ALL, difference=-0.01)), "not proposed: worse in together"),
        ((replace(NEXT, difference=-0.01, p=0.01), DISCOVER, ALL), "not proposed: worse in next on the held-out"),
    ],
)
def test_anything_else_does_not(lines, told):
    evidence = Evidence("taste", 7, lines)
    assert not evidence.won
    assert evidence.verdict.startswith(told)


def test_a_task_that_got_worse_by_chance_does_not_stand_in_the_way():
    assert Evidence("taste", 7, (replace(NEXT, difference=-0.01, p=0.4), DISCOVER, ALL)).won


def test_the_proposal_is_toml_with_the_table_as_comments():
    text = proposal("cake", VALUES, WON, "Of 30 trials.")
    assert tomllib.loads(text) == {"items": {"dim": 64}, "users": {"ridge": 1e-05, "fan": True}}
    assert all(f"# {line}" in text for line in WON.table().splitlines())
    assert "palate lab sweep --adopt cake" in text


def test_values_are_rounded_to_three_digits_and_spelled_as_toml():
    assert [rounded(one) for one in (0.123456, 1234.5, 7, "a", True)] == [0.123, 1230.0, 7, "a", True]
    assert [spelled(one) for one in (0.5, 1e-05, 7, "a", True)] == ["0.5", "1e-05", "7", '"a"', "true"]


@pytest.mark.parametrize(
    ("value", "today", "same"),
    [
        (0.104, 0.1, True),
        (0.106, 0.1, False),
        (0.0, 0.0, True),
        (0.001, 0.0, False),
        (127, 128, False),
        ("a", "a", True),
    ],
)
def test_what_hardly_differs_from_today_is_not_proposed(value, today, same):
    assert alike(value, today) is same


@pytest.fixture
def adopted(tmp_path):
    def write(text, values=VALUES):
        path = tmp_path / "palate.toml"
        path.write_text(text, encoding="utf-8")
        adopt(path, values, "by the sweep cake")
        return path.read_text(encoding="utf-8")

    return write


BEFORE = """\
# My home.
[server]
port = 9000  # mine

[items]   # vectors
half_life_days = 30
dim = 128
# the end of items

[eval]
windows = 4
"""
AFTER = """\
# My home.
[server]
port = 9000  # mine

[items]   # vectors
half_life_days = 30
dim = 64  # by the sweep cake
# the end of items

[eval]
windows = 4

[users]
ridge = 1e-05  # by the sweep cake
fan = true  # by the sweep cake
"""


def test_lines_are_replaced_added_and_everything_else_stays_to_the_letter(adopted):
    assert adopted(BEFORE) == AFTER


def test_adopting_again_changes_nothing(adopted):
    assert adopted(AFTER) == AFTER


def test_a_new_key_goes_to_the_end_of_its_table(adopted):
    text = adopted("[items]\niterations = 5\n\n[eval]\nwindows = 4\n", {"items.dim": 64})
    assert text == "[items]\niterations = 5\ndim = 64  # by the sweep cake\n\n[eval]\nwindows = 4\n"


def test_an_empty_file_gets_the_tables(adopted):
    assert adopted("", {"items.dim": 64}) == "[items]\ndim = 64  # by the sweep cake\n"


@pytest.mark.parametrize(
    "text",
    [
        'items = {dim = 128}\n',
        '[cohorts]\nnight = """\n[items]\ndim = 3\n"""\n[items]\nhalf_life_days = 3\n',
        "[items]\ndim = [\n  1,\n]\n",
    ],
    ids=["inline", "table in a text", "value over several lines"],
)  # fmt: skip
def test_a_file_that_cannot_be_edited_safely_is_left_alone(adopted, tmp_path, text):
    with pytest.raises(PalateError, match="cannot be edited safely; copy the proposal's lines by hand"):
        adopted(text, {"items.dim": 64})
    assert (tmp_path / "palate.toml").read_text(encoding="utf-8") == text


KEYS = st.text("abc", min_size=1, max_size=2)
TABLES = st.dictionaries(KEYS, st.dictionaries(KEYS, st.integers(0, 99), max_size=3), max_size=3)


@given(TABLES, st.dictionaries(st.tuples(KEYS, KEYS), st.integers(100, 199), min_size=1, max_size=4))
def test_the_file_then_says_what_it_said_and_the_values(tmp_path_factory, tables, chosen):
    path = tmp_path_factory.mktemp("home") / "palate.toml"
    lines = [
        line for table, keys in tables.items() for line in (f"[{table}]", *(f"{k} = {v}" for k, v in keys.items()))
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    adopt(path, {f"{table}.{key}": value for (table, key), value in chosen.items()}, "why")
    expected = {table: dict(keys) for table, keys in tables.items()}
    for (table, key), value in chosen.items():
        expected.setdefault(table, {})[key] = value
    assert tomllib.loads(path.read_text(encoding="utf-8")) == expected
