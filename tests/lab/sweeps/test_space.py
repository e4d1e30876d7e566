"""What is searched follows from the settings' types alone."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.errors import BadInput
from palate.core.settings import Range
from palate.lab.sweeps.space import Dimension, by_section, narrowed, space_of


@dataclass(frozen=True)
class Oven:
    """A setting of each type; only some are searched."""

    SECTION: ClassVar[str] = "oven"
    heat: Annotated[float, Range(100.0, 250.0)] = 180.0
    shelves: Annotated[int, Range(1, 9, step=2)] = 3
    fan: bool = True
    mode: Literal["grill", "bake"] = "bake"
    seed: int = 0
    name: str = "old"


@dataclass(frozen=True)
class Kettle:
    SECTION: ClassVar[str] = "kettle"
    heat: Annotated[float, Range(60.0, 100.0)] = 100.0
    litres: Annotated[float, Range(0.1, 10.0, log=True)] = 1.0


SPACE = space_of([Oven])


def test_numbers_with_a_range_bools_and_literals_are_searched_and_nothing_else():
    expected = {
        "oven.heat": Dimension("oven.heat", float, Range(100.0, 250.0)),
        "oven.shelves": Dimension("oven.shelves", int, Range(1, 9, step=2)),
        "oven.fan": Dimension("oven.fan", bool, choices=(False, True)),
        "oven.mode": Dimension("oven.mode", str, choices=("grill", "bake")),
    }
    assert expected == SPACE


def test_some_of_several_sections_can_be_chosen():
    assert list(space_of([Oven, Kettle], ["oven.fan", "kettle.litres"])) == ["oven.fan", "kettle.litres"]
    with pytest.raises(BadInput, match=r"oven\.seed has no range to search; choose from oven\.heat"):
        space_of([Oven], ["oven.seed"])


@pytest.mark.parametrize(
    ("name", "value", "nearest"),
    [
        ("oven.heat", 180.0, 180.0),
        ("oven.heat", 300.0, 250.0),
        ("oven.heat", 50, 100.0),
        ("oven.shelves", 3, 3),
        ("oven.shelves", 6, 5),  # steps of two from 1; 6 is as near to 7, and half rounds to even steps
        ("oven.shelves", 40, 9),
        ("oven.fan", True, True),
        ("oven.mode", "steam", "grill"),
    ],
)
def test_the_nearest_value_in_the_space(name, value, nearest):
    found = SPACE[name].nearest(value)
    assert found == nearest
    assert type(found) is type(nearest)


@given(st.integers(-50, 50), st.integers(1, 60), st.integers(1, 9), st.floats(-200, 200), st.sampled_from([int, float]))
def test_the_nearest_value_is_always_one_that_the_search_may_take(low, width, step, value, kind):
    dimension = Dimension("a.b", kind, Range(low, low + width, step=step))
    found = dimension.nearest(value)
    assert low <= found <= low + width
    assert (found - low) % step == pytest.approx(0.0, abs=1e-9)
    assert dimension.nearest(found) == found


@pytest.mark.parametrize("dimension", SPACE.values(), ids=lambda one: one.name)
def test_a_dimension_survives_json(dimension):
    assert Dimension.of_json(dimension.name, dimension.to_json()) == dimension


def test_distributions_have_the_ends_and_steps_of_the_range():
    space = space_of([Oven, Kettle])
    heat, shelves, litres = (space[name].distribution for name in ("oven.heat", "oven.shelves", "kettle.litres"))
    assert (heat.low, heat.high, heat.log) == (100.0, 250.0, False)
    assert (shelves.low, shelves.high, shelves.step) == (1, 9, 2)
    assert (litres.low, litres.high, litres.log) == (0.1, 10.0, True)
    assert space["oven.mode"].distribution.choices == ("grill", "bake")


def test_where_narrows_fixes_and_chooses():
    left, fixed = narrowed(SPACE, ["heat=150:200", "oven.shelves=5", "mode=bake,grill"])
    assert left["oven.heat"].range == Range(150.0, 200.0)
    assert left["oven.mode"].choices == ("bake", "grill")
    assert fixed == {"oven.shelves": 5}
    assert list(left) == ["oven.heat", "oven.fan", "oven.mode"]


def test_numbers_may_be_listed():
    left, _ = narrowed(SPACE, ["shelves=3,9"])
    assert left["oven.shelves"] == Dimension("oven.shelves", int, choices=(3, 9))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("heat", "write for example"),
        ("heat=", "write for example"),
        ("seed=3", r"'seed' is not searched once; choose from oven\.heat, oven\.shelves"),
        ("heat=200:100", r"is no range of floats \(a range from 200 to 100 is empty"),
        ("heat=a:b", "is no range of floats"),
        ("shelves=2.5", "'2.5' is no int"),
        ("fan=maybe", r"oven\.fan must be one of False, True"),
        ("mode=1:2", r"oven\.mode is one of grill, bake, not a range"),
    ],
)
def test_what_cannot_be_read_says_what_could(text, told):
    with pytest.raises(BadInput, match=told):
        narrowed(SPACE, [text])


def test_a_key_of_two_tables_needs_its_table():
    space = space_of([Oven, Kettle])
    with pytest.raises(BadInput, match="'heat' is not searched once"):
        narrowed(space, ["heat=90:95"])
    assert narrowed(space, ["kettle.heat=90:95"])[0]["kettle.heat"].range == Range(90.0, 95.0)


def test_something_has_to_be_left_to_search():
    with pytest.raises(BadInput, match="leaves nothing to search"):
        narrowed(space_of([Kettle]), ["heat=90", "litres=1"])


def test_names_become_tables():
    assert by_section({"a.b": 1, "a.c": True, "d.e": "f"}) == {"a": {"b": 1, "c": True}, "d": {"e": "f"}}
