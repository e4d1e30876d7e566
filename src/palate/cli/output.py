"""How commands print: text for people, JSON when asked."""

import json
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """Adds --json to a command."""
    return click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")(command)


def show(answer: dict[str, Any], text: str, as_json: bool) -> None:
    """Prints the answer: as JSON on one line, or as the text."""
    click.echo(json.dumps(answer, ensure_ascii=False, default=str) if as_json else text)


def fail(sentence: str, code: int = 1) -> NoReturn:
    """One sentence on stderr, and a non-zero exit."""
    click.echo(f"error: {sentence}", err=True)
    sys.exit(code)


def note(sentence: str) -> None:
    """One sentence on stderr, for what is worth knowing but is no error."""
    click.echo(sentence, err=True)
