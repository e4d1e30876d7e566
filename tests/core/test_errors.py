import pytest

from palate.core import errors
from palate.core.errors import BadInput, MissingExtra, PalateError, UnknownItem


def drawn_tree():
    """The tree in the module's docstring as (name, parent), in reading order."""
    path, pairs = [], []
    for line in errors.__doc__.splitlines():
        before, found, rest = line.partition("── ")
        if line.strip().startswith("PalateError "):
            path = ["PalateError"]
        elif found:
            depth = (len(before) - len("    ")) // 4 + 1
            name = rest.split()[0]
            path = [*path[:depth], name]
            pairs.append((name, path[depth - 1]))
    return pairs


def defined():
    return {
        name: one
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, PalateError) and one is not PalateError
    }


def test_the_drawing_is_the_tree():
    assert dict(drawn_tree()) == {name: one.__mro__[1].__name__ for name, one in defined().items()}


@pytest.mark.parametrize("name", sorted(defined()))
def test_every_error_is_caught_as_ours(name):
    assert issubclass(defined()[name], PalateError)
    assert defined()[name].__doc__.endswith(".")


def test_bad_input_is_a_value_error_and_a_missing_extra_an_import_error():
    assert issubclass(BadInput, ValueError)
    assert issubclass(MissingExtra, ImportError)


def test_an_unknown_item_says_what_to_do_and_keeps_the_id():
    error = UnknownItem("t9")
    assert str(error) == "no item 't9' in the catalogue; import it with `palate import items`"
    assert error.item_id == "t9"


def test_an_endless_id_does_not_make_an_endless_message():
    error = UnknownItem("x" * 10_000)
    assert len(str(error)) < 200
    assert len(error.item_id) == 10_000


def test_a_missing_extra_has_the_pip_command():
    assert str(MissingExtra("polars", "train")) == (
        "this needs polars, which is not installed; run: pip install 'palate[train]'"
    )
