"""palate train, space."""

import math
import time
from datetime import UTC, datetime
from typing import Any

import click

from palate.cli.output import json_option, note, show
from palate.core.errors import BadInput
from palate.core.home import Home

# The follower folds into the live space alone, so one that was not live has missed what came meanwhile.
LEVEL = "a running server brings its tastes level with the log, else run: palate fresh"


def moment(text: str | None) -> float | None:
    """Unix seconds of a --at or --until: a number, or an ISO 8601 date or time (UTC without a zone)."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = _iso_seconds(text)
    if not math.isfinite(seconds):
        raise BadInput(f"{text!r} is not a time; give unix seconds or ISO 8601, e.g. 2014-12-01")
    return seconds


def _iso_seconds(text: str) -> float:
    """NaN for what is not ISO 8601, or lies outside the years that a computer can count."""
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return math.nan


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
    if not facts["listens"]:
        note("note: learnt from playlists alone; similar answers, recommendations come with the first listens")
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
    show({"live": label}, f"{label} is live; {LEVEL}", as_json)


@space.command()
@json_option
@click.pass_obj
def rollback(home: Home, as_json: bool) -> None:
    """Make the version live that was live before."""
    from palate.embeddings.space import Spaces

    spaces = Spaces(home.require().spaces)
    label = spaces.previous
    spaces.promote(label, "rolled back by hand")
    show({"live": label}, f"{label} is live again; {LEVEL}", as_json)


COMMANDS = (train, space)
