"""palate train, space."""

import contextlib
import time
from datetime import UTC, datetime
from typing import Any

import click

from palate.cli.output import json_option, show
from palate.core.errors import BadInput
from palate.core.home import Home


def moment(text: str | None) -> float | None:
    """Unix seconds of a --at or --until: a number, or an ISO 8601 date or time (UTC without a zone)."""
    if text is None:
        return None
    with contextlib.suppress(ValueError):
        return float(text)
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is not a time; give unix seconds or ISO 8601, e.g. 2014-12-01") from error
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


@click.command()
@click.option("--until", metavar="TIME", help="Learn only from listens before this time (unix seconds or ISO 8601).")
@click.option(
    "--only", type=click.Choice(["items", "users", "ranker"]), help="Learn one part anew and keep the rest as it is."
)
@json_option
@click.pass_obj
def train(home: Home, until: str | None, only: str | None, as_json: bool) -> None:
    """Learn from everything imported, and publish the result. A killed run goes on where it was."""
    from palate.jobs.chain import train as run

    start = time.monotonic()
    space, worked = run(home.require(), moment(until), only)
    seconds, facts = time.monotonic() - start, space.manifest
    size = f"{facts['listens']:,} listens, {facts['items']:,} items, {facts['dim']} dimensions"
    text = f"{space.label} is live: {size} ({seconds:.0f} s)" if worked else f"{space.label} is live and up to date"
    answer = {"space": space.label, "trained": worked, "seconds": seconds}
    show(answer | {name: facts[name] for name in ("listens", "items", "dim", "moment")}, text, as_json)


@click.group()
def space() -> None:
    """The published versions of the space, and which one is live."""


@space.command(name="list")
@json_option
@click.pass_obj
def list_(home: Home, as_json: bool) -> None:
    """All versions, oldest first."""
    from palate.embeddings.space import Spaces

    spaces = Spaces(home.require().spaces)
    history = spaces.history()
    live = history[-1]["space"] if history else None
    rows: list[dict[str, Any]] = [
        {"space": one.label, "live": one.label == live}
        | {name: one.manifest[name] for name in ("created", "listens", "items", "dim", "until")}
        for one in spaces.versions()
    ]
    lines = [_line(row) for row in rows]
    show({"spaces": rows, "history": history}, "\n".join(lines) or "no spaces yet; run: palate train", as_json)


def _line(row: dict[str, Any]) -> str:
    created = datetime.fromtimestamp(row["created"], UTC)
    size = f"{row['listens']:,} listens  {row['items']:,} items"
    return f"{row['space']:<10} {'live' if row['live'] else '':<5} {created:%Y-%m-%d %H:%M}  {size}"


@space.command()
@click.argument("label")
@json_option
@click.pass_obj
def promote(home: Home, label: str, as_json: bool) -> None:
    """Make a version live."""
    from palate.embeddings.space import Spaces

    Spaces(home.require().spaces).promote(label, "promoted by hand")
    show({"live": label}, f"{label} is live", as_json)


@space.command()
@json_option
@click.pass_obj
def rollback(home: Home, as_json: bool) -> None:
    """Make the version live that was live before."""
    from palate.embeddings.space import Spaces

    spaces = Spaces(home.require().spaces)
    label = spaces.previous
    spaces.promote(label, "rolled back by hand")
    show({"live": label}, f"{label} is live again", as_json)


COMMANDS = (train, space)
