"""The settings page says of each field what its class says of it."""

import runpy
from dataclasses import dataclass, field
from typing import ClassVar

import pytest


@dataclass(frozen=True)
class Oven:
    """What an oven does.

    It is hot; door and fan are not settings.

    name, brand what is written on it
    shelves     how many, counted
                from below

    It is old.
    """

    SECTION: ClassVar[str] = "oven"
    name: str = "old"
    brand: str = ""
    shelves: int = 3
    heat_celsius: float = 180.0  # enough for bread
    # what burns;
    # a cake burns sooner
    minutes: dict[str, float] = field(default_factory=lambda: {"bread": 40.0})
    racks: tuple[str, ...] = ("top",)


@pytest.fixture(scope="module")
def script(root):
    return runpy.run_path(str(root / "scripts" / "settings_reference.py"))


def test_a_list_of_fields_in_the_docstring_is_taken_out_of_it(script):
    summary, found = script["split_docstring"](Oven)
    assert summary.splitlines() == [
        "What an oven does.",
        "",
        "It is hot; door and fan are not settings.",
        "",
        "",
        "It is old.",
    ]
    assert found == {
        "name": "what is written on it",
        "brand": "what is written on it",
        "shelves": "how many, counted from below",
    }


def test_comments_beside_and_above_a_field_are_its_meaning(script):
    found = script["meanings"](Oven)
    assert found["heat_celsius"] == "enough for bread"
    assert found["minutes"] == "what burns; a cake burns sooner"
    assert found["racks"] == ""


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (0.5, "0.5"),
        (3, "3"),
        (True, "true"),
        ("café", '"café"'),
        (("top", "low"), '["top", "low"]'),
        ({"bread": 40.0}, "{bread = 40.0}"),
        (None, "unset"),
    ],
)
def test_defaults_are_spelled_as_in_toml(script, value, spelled):
    assert script["toml"](value) == spelled
