"""palate lab ui."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache, partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import click

from palate.cli.output import json_option, note, show
from palate.core.home import Home

if TYPE_CHECKING:
    from palate.lab.inventory import Entry

LOCAL_HOST, PORT = "127.0.0.1", 8421


@click.command()
@click.option("--host", help=f"The address to listen on, for other machines 0.0.0.0; default {LOCAL_HOST}.")
@click.option("--port", type=int, default=PORT, show_default=True, help="The port.")
@click.option("--no-open", is_flag=True, help="Do not open a browser. In a pipe none is opened anyway.")
@json_option
@click.pass_obj
def ui(home: Home, host: str | None, port: int, no_open: bool, as_json: bool) -> None:
    """Serve the lab's page until stopped: runs, comparisons, sweeps, reports, listening tests, the catalogue."""
    from palate.api.serve import check_address
    from palate.lab.ui.serve import address, serve

    home.require()
    reached = host or LOCAL_HOST
    check_address(reached, port)
    if not is_local(reached):
        note("whoever reaches this machine can read the lab and answer its listening tests")
    at = address(reached, port)
    show({"address": at}, f"The lab of {home.root} is at {at} (stop it with Ctrl-C)", as_json)
    sys.stdout.flush()
    serve(partial(load, home, reached), reached, port, sys.stdout.isatty() and not no_open)


def is_local(host: str) -> bool:
    """Whether only this machine can come in there."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name of this machine in its network
        return False


def load(home: Home, host: str) -> Any:
    """The app of the serving process."""
    from palate.lab.ui.app import lab_app
    from palate.lab.ui.gate import LOCAL
    from palate.lab.ui.serve import log_to_stderr

    log_to_stderr()
    return lab_app(home, partial(entries, home), {*LOCAL, host} if is_local(host) else None)


def entries(home: Home) -> list[Entry]:
    """What the catalogue shows."""
    from palate.jobs.inventory import inventory

    return inventory(home, endpoints(home))


@cache
def endpoints(home: Home) -> Sequence[tuple[str, str]]:
    """The routes of `palate serve`, read when the catalogue is first looked at: they load all of its libraries."""
    from palate.api.app import create_app

    return endpoints_of(create_app(home).openapi())


def endpoints_of(openapi: dict[str, Any]) -> Sequence[tuple[str, str]]:
    """("GET /v1/items/{item_id}", the first line of what it does) of every route."""
    return [
        (f"{verb.upper()} {path}", str(told.get("description", "")).partition("\n")[0])
        for path, verbs in openapi["paths"].items()
        for verb, told in verbs.items()
    ]


COMMANDS = (ui,)
