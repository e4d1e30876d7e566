"""palate serve, fresh and what belongs to it."""

from dataclasses import asdict

import click

from palate.cli.output import json_option, note, show
from palate.core.errors import BadInput, PalateError
from palate.core.home import Home
from palate.core.settings import read_settings

DEAD_LINES = 50  # letters that are listed for people; --json lists all


@click.command()
@click.option("--host", help="The address to listen on; default from palate.toml, else 127.0.0.1.")
@click.option("--port", type=int, help="The port; default from palate.toml, else 8420.")
@click.option("--workers", type=int, help="Processes that answer; default from palate.toml, else 1.")
@json_option
@click.pass_obj
def serve(home: Home, host: str | None, port: int | None, workers: int | None, as_json: bool) -> None:
    """Serve the HTTP API and the page, and keep tastes fresh, until stopped."""
    start(home, host, port, workers)


def start(home: Home, host: str | None, port: int | None, workers: int | None) -> None:
    """Runs the server with palate.toml's settings, changed by what was given."""
    from palate.api.serve import run
    from palate.api.settings import ServerSettings

    settings = read_settings(home.require().settings).section(ServerSettings)
    run(home, host or settings.host, port or settings.port, workers or settings.workers, settings)


@click.group(invoke_without_command=True)
@click.option("--follow", is_flag=True, help="Go on until Ctrl-C or SIGTERM, folding what is logged meanwhile.")
@click.option("--workers", type=int, help="With --follow: processes that share the listeners; default 1, at most 16.")
@json_option
@click.pass_context
def fresh(context: click.Context, follow: bool, workers: int | None, as_json: bool) -> None:
    """Fold every logged listen that the tastes do not contain yet. `palate serve` does this by itself.

    Into the live version and into every other one in use: next, the one that a rollback goes to, and what is pinned.
    With --follow it goes on doing so, beside a server or without one, and they share the listeners.
    """
    if context.invoked_subcommand is not None:
        return
    if workers is not None and not follow:
        raise BadInput("--workers is how many go on folding; give --follow too")
    if follow:
        _follow(context.obj, 1 if workers is None else workers, as_json)
    else:
        _catch_up(context.obj, as_json)


def _follow(home: Home, workers: int, as_json: bool) -> None:
    from palate.jobs.following import follow_with, lacking

    note(f"folding what is logged in {home.root} with {workers} {_s(workers, 'worker')} (stop with Ctrl-C)")
    follow_with(home, workers)
    left = lacking(home)
    waiting = ", ".join(f"{label} lacks {listens:,} listens" for label, listens in left.items() if listens)
    level = "every taste is level with the log" if left else "there is no version yet; run `palate train`"
    show({"workers": workers, "lacking": left}, f"stopped; {waiting or level}", as_json)


def _catch_up(home: Home, as_json: bool) -> None:
    from palate.jobs.online import catch_up

    done = catch_up(home)
    spaces = {done.space: done} | done.beside
    told = {
        label: {"listens": one.listens, "listeners": one.listeners, "offset": one.offset}
        for label, one in spaces.items()
    }
    lines = [
        f"{one.listens:,} listens of {one.listeners:,} listeners folded; level with offset {one.offset:,} ({label})"
        for label, one in spaces.items()
    ]
    show(told[done.space] | {"space": done.space, "spaces": told}, "\n".join(lines), as_json)
    if done.failed:
        raise PalateError("; ".join(f"{label} was left as it is: {why}" for label, why in done.failed.items()))


@fresh.command()
@click.option("--host", help="Where the server listens; default from palate.toml, else 127.0.0.1.")
@click.option("--port", type=int, help="Its port; default from palate.toml, else 8420.")
@json_option
@click.pass_obj
def status(home: Home, host: str | None, port: int | None, as_json: bool) -> None:
    """How fresh tastes are: lag, throughput, batches, and the age of what was served, surface by surface.

    Asks the running server; when none of this home answers, only the lag is known, from the home's files.
    """
    from palate.api.settings import ServerSettings
    from palate.api.status import address_of, in_words
    from palate.api.status import status as asked

    settings = read_settings(home.require().settings).section(ServerSettings)
    told = asked(home, address_of(host or settings.host, port or settings.port))
    show(told, in_words(told), as_json)


@fresh.command()
@json_option
@click.pass_obj
def dead(home: Home, as_json: bool) -> None:
    """List the listens that could not be folded into a record, and why. All others were."""
    from datetime import UTC, datetime

    from palate.fresh.dead import FILE, DeadLetters

    with DeadLetters(home.require().online / FILE) as letters:
        found = letters.all()
    lines = [
        f"{datetime.fromtimestamp(one.at, UTC):%Y-%m-%d %H:%M:%S}Z  {one.space}  offset {one.offset}  {one.reason}"
        for one in found[:DEAD_LINES]
    ]
    if len(found) > DEAD_LINES:
        lines.append(f"and {len(found) - DEAD_LINES:,} more; --json lists all")
    remedy = f"{len(found):,} {_s(len(found), 'listen')} in no record; mend the cause, then run `palate fresh retry`"
    text = "\n".join([*lines, remedy]) if found else "no dead letters: every listen could be folded"
    show({"letters": [asdict(one) for one in found]}, text, as_json)


@fresh.command()
@json_option
@click.pass_obj
def retry(home: Home, as_json: bool) -> None:
    """Make the record of every listener with dead letters anew, from the whole log. Beside a running server too."""
    from palate.jobs.retrying import retry as run

    done = run(home)
    lines = [
        f"{label}: {one.mended:,} {_s(one.mended, 'listen')} in the records now, {one.failed:,} failed again"
        + (f", {one.gone:,} of nobody any more" if one.gone else "")
        for label, one in done.items()
    ]
    text = "\n".join(lines) or "no dead letters: nothing to do"
    show({"spaces": {label: asdict(one) for label, one in done.items()}}, text, as_json)
    if any(one.failed for one in done.values()):
        raise PalateError("some listens failed again; `palate fresh dead` says why: mend the cause, then retry")


def _s(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"


COMMANDS = (serve, fresh)
