"""palate train."""

import math
import time
from datetime import UTC, datetime

import click

from palate.cli.output import json_option, note, show
from palate.core.errors import BadInput
from palate.core.home import Home


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
    from palate.embeddings.space import Spaces
    from palate.jobs.chain import train as run

    start = time.monotonic()
    space, worked = run(home.require(), moment(until), only)
    seconds, facts = time.monotonic() - start, space.manifest
    size = f"{facts['listens']:,} listens, {facts['items']:,} items, {facts['dim']} dimensions"
    state = "live" if Spaces(home.spaces).aliases.standing().live == space.label else "published, not live"
    text = f"{space.label} is {state}" + (f": {size} ({seconds:.0f} s)" if worked else " and up to date")
    if not facts["listens"]:
        note("note: learnt from playlists alone; similar answers, recommendations come with the first listens")
    answer = {"space": space.label, "trained": worked, "seconds": seconds}
    show(answer | {name: facts[name] for name in ("listens", "items", "dim", "moment")}, text, as_json)


COMMANDS = (train,)
