"""The README's table of rooms matches the folders, and its commands exist."""

import re
import shlex

import click
import pytest

HEADER = ["room", "takes", "gives", "start at"]


def cells(line: str) -> list[str]:
    """The cells of one row of a table, without backticks and with links reduced to their text."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line).replace("`", "")
    return [cell.strip() for cell in plain.strip().strip("|").split("|")]


def fenced(text: str) -> list[str]:
    """The lines inside code blocks, with continued lines joined."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]


@pytest.fixture(scope="module")
def readme(root) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def table(readme) -> list[list[str]]:
    """The rows of *room | takes | gives | start at*."""
    lines = readme.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("|") and cells(line) == HEADER]
    assert len(starts) == 1, "README.md needs one table with the header | room | takes | gives | start at |"
    rows = []
    for line in lines[starts[0] + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(cells(line))
    return rows


def test_the_table_names_every_room_and_no_other(table, rooms):
    assert sorted(row[0] for row in table) == sorted(rooms)


def test_each_room_starts_at_a_file_that_exists(table, root):
    for room, *_, start in table:
        assert start.startswith(f"{room}/"), f"{room} starts at {start!r}; write it as {room}/FILE.py"
        assert (root / "src" / "palate" / start).is_file(), f"README.md: {room} starts at {start}, which is not there"


def test_no_cell_is_empty(table):
    assert [row for row in table if len(row) != len(HEADER) or not all(row)] == []


def test_a_row_of_a_table_is_read_without_its_decoration():
    assert cells("| [core](src/palate/core) | - | ids, `Item` | `core/items.py` |") == [
        "core",
        "-",
        "ids, Item",
        "core/items.py",
    ]


def test_a_continued_command_is_one_line():
    assert fenced("text\n```sh\npalate a \\\n  b\nc\n```\npalate d\n") == ["palate a    b", "c"]


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that `words` (without "palate") call, and the words left for it."""
    from palate.cli import main

    command: click.Command = main
    rest = list(words)
    while isinstance(command, click.Group):
        options = {name: one for one in command.params for name in one.opts}
        while rest and rest[0].startswith("-"):
            one = options[rest.pop(0).partition("=")[0]]
            if isinstance(one, click.Option) and not one.is_flag:
                rest.pop(0)
        if not rest:
            break
        child = command.get_command(click.Context(command), rest[0])
        assert child is not None, f"README.md: `palate {shlex.join(words)}`: there is no command {rest[0]!r}"
        command, rest = child, rest[1:]
    return command, rest


def test_the_commands_of_the_readme_exist(readme):
    called = [shlex.split(line, comments=True) for line in fenced(readme) if re.match(r"(\$ )?palate ", line)]
    for words in called:
        command, rest = command_of(words[words.index("palate") + 1 :])
        known = {name for one in command.params for name in [*one.opts, *one.secondary_opts]} | {"--help"}
        given = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        assert given <= known, f"README.md: `{shlex.join(words)}` uses {given - known}"
