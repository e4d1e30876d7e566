from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import pytest

from palate.core.errors import BadSettings
from palate.core.settings import Range, Settings, read_settings


@dataclass(frozen=True)
class Oven:
    """Settings of every type that palate.toml can spell."""

    SECTION: ClassVar[str] = "oven"
    heat_celsius: float = 180.0
    shelves: int = 3
    fan: bool = True
    name: str = "old"
    racks: tuple[str, ...] = ("top", "bottom")
    minutes: dict[str, float] = field(default_factory=lambda: {"bread": 40.0})

    def __post_init__(self):
        if self.shelves < 1:
            raise ValueError(f"shelves = {self.shelves} must be at least 1")


def oven(text, tmp_path):
    path = tmp_path / "palate.toml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path).section(Oven)


def refusal(text, tmp_path):
    with pytest.raises(BadSettings) as caught:
        oven(text, tmp_path)
    return str(caught.value)


def test_a_missing_file_means_all_defaults(tmp_path):
    assert read_settings(tmp_path / "palate.toml").section(Oven) == Oven()


def test_a_missing_table_means_all_defaults(tmp_path):
    assert oven("[kettle]\nlitres = 2\n", tmp_path) == Oven()


def test_every_type_is_read(tmp_path):
    text = """
    [oven]
    heat_celsius = 200
    shelves = 2
    fan = false
    name = "new"
    racks = ["middle"]
    minutes = {cake = 50, bread = 35.5}
    """
    read = oven(text, tmp_path)
    assert read == Oven(200.0, 2, False, "new", ("middle",), {"cake": 50.0, "bread": 35.5})
    assert isinstance(read.heat_celsius, float)


def test_keys_left_out_keep_their_default(tmp_path):
    assert oven("[oven]\nshelves = 5\n", tmp_path) == Oven(shelves=5)


def test_an_unknown_key_is_named_with_the_file_and_the_choices(tmp_path):
    message = refusal("[oven]\nheat = 200\n", tmp_path)
    assert message == (
        f"{tmp_path / 'palate.toml'}: [oven] heat is not a setting; "
        "choose from heat_celsius, shelves, fan, name, racks, minutes"
    )


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("shelves = 2.5", "of type int"),
        ("shelves = true", "of type int"),
        ("heat_celsius = true", "of type float"),
        ('heat_celsius = "hot"', "of type float"),
        ("fan = 1", "of type bool"),
        ("name = 7", "of type str"),
        ('racks = "top"', "a list"),
        ("racks = [1]", "of type str"),
        ("minutes = 40", "a table"),
        ('minutes = {bread = "long"}', "of type float"),
    ],
)
def test_a_value_of_the_wrong_type_says_which_was_wanted(tmp_path, line, wanted):
    message = refusal(f"[oven]\n{line}\n", tmp_path)
    assert f"[oven] {line.partition(' ')[0]} = " in message
    assert message.endswith(f"must be {wanted}")


def test_an_impossible_value_is_refused_with_the_reason_of_the_component(tmp_path):
    message = refusal("[oven]\nshelves = 0\n", tmp_path)
    assert message.endswith("[oven] shelves = 0 must be at least 1")


def test_a_key_outside_any_table_is_refused(tmp_path):
    assert "'shelves' stands outside any [table]" in refusal("shelves = 2\n", tmp_path)


@pytest.mark.parametrize("content", [b"[oven\n", b"[oven]\nname = 'caf\xe9'\n"])
def test_what_is_not_toml_is_refused_with_its_cause(tmp_path, content):
    path = tmp_path / "palate.toml"
    path.write_bytes(content)
    with pytest.raises(BadSettings, match="is not valid TOML") as caught:
        read_settings(path)
    assert caught.value.__cause__ is not None


def test_settings_made_in_code_need_no_file():
    assert Settings({"oven": {"shelves": 1}}).section(Oven) == Oven(shelves=1)


@dataclass(frozen=True)
class Kettle:
    """A setting that sweeps search."""

    SECTION: ClassVar[str] = "kettle"
    litres: Annotated[float, Range(0.5, 2.0, log=True)] = 1.0
    cups: Annotated[int, Range(1, 8)] = 4


def test_a_range_is_for_the_search_and_forbids_nothing():
    assert Settings({"kettle": {"litres": 50, "cups": 100}}).section(Kettle) == Kettle(50.0, 100)
    with pytest.raises(BadSettings, match=r"\[kettle\] cups = 2.5 must be of type int"):
        Settings({"kettle": {"cups": 2.5}}).section(Kettle)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ((2.0, 2.0), "is empty; low must be below high"),
        ((3.0, 2.0), "is empty; low must be below high"),
        ((0.0, 2.0, True), "begins above 0 and has no step"),
        ((1.0, 2.0, True, 0.5), "begins above 0 and has no step"),
    ],
)
def test_a_range_that_cannot_be_searched_is_refused(told, reason):
    with pytest.raises(ValueError, match=reason):
        Range(*told)
