"""`palate lab listen serve`: the raters' page of one test and nothing else, for phones in the same network."""

import multiprocessing
import socket
from functools import partial

from fastapi import FastAPI
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

import palate
from palate.core.home import Home
from palate.lab.listening_tests.routes import raters_router
from palate.lab.listening_tests.shelf import open_test
from palate.lab.ui.answers import ERROR_HANDLERS
from palate.lab.ui.gate import Gate

STOP_SECONDS = 10
ANYWHERE = ("0.0.0.0", "::")


def raters_app(home: Home, name: str) -> FastAPI:
    """The raters' page of one test as an ASGI app; no list of tests, no results, no other page of the lab."""
    app = FastAPI(
        title="Palate: a listening test", version=palate.__version__, docs_url=None, redoc_url=None, openapi_url=None,
        redirect_slashes=False, exception_handlers=ERROR_HANDLERS,
    )  # fmt: skip
    app.include_router(raters_router(home, name))
    app.add_middleware(Gate, hosts=None)  # by any name: who may take part is decided by the link's token
    return app


def address_of(home: Home, name: str, host: str, port: int) -> str:
    """The link to give to raters; BadInput when there is no such test."""
    test = open_test(home, name).test
    named = _own_address() if host in ANYWHERE else host
    shown = f"[{named}]" if ":" in named else named
    return f"http://{shown}:{port}/listen/{test.name}?join={test.join}"


def run(home: Home, name: str, host: str, port: int) -> None:
    """Serves until it is stopped. The caller has checked that the address is free."""
    multiprocessing.set_start_method("spawn", force=True)  # libraries with threads of their own do not survive a fork
    server = Server(
        "palate", address=host, port=port, interface=Interfaces.ASGI, workers=1, websockets=False,
        log_level=LogLevels.error, respawn_failed_workers=True, workers_kill_timeout=STOP_SECONDS,
    )  # fmt: skip
    server.serve(target_loader=partial(raters_app, home, name), wrap_loader=False)


def _own_address() -> str:
    """This machine's address in its network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation: only the route to it is asked for
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
