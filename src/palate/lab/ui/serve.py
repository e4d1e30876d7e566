"""Granian around the lab's page, until Ctrl-C or SIGTERM."""

import logging
import multiprocessing
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

STOP_SECONDS = 10
START_SECONDS = 30.0


def serve(load: Callable[[], Any], host: str, port: int, open_browser: bool) -> None:
    """Serves the app that `load` makes, in one process, and returns when it was stopped.

    load is pickled for that process. The address must be free (api/serve.py `check_address`). open_browser: shows the
    page as soon as it answers.
    """
    multiprocessing.set_start_method("spawn", force=True)  # libraries with threads of their own do not survive a fork
    if open_browser:
        threading.Thread(target=_show, args=(host, port), name="open the browser", daemon=True).start()
    server = Server(
        "palate-lab", address=host, port=port, interface=Interfaces.ASGI, workers=1, websockets=False,
        log_level=LogLevels.error, respawn_failed_workers=True, workers_kill_timeout=STOP_SECONDS,
    )  # fmt: skip
    server.serve(target_loader=load, wrap_loader=False)


def address(host: str, port: int) -> str:
    """Where a browser on this machine finds it.

    >>> address("127.0.0.1", 8421), address("0.0.0.0", 80), address("::1", 80)
    ('http://127.0.0.1:8421/', 'http://127.0.0.1:80/', 'http://[::1]:80/')
    """
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{reached}]:{port}/" if ":" in reached else f"http://{reached}:{port}/"


def log_to_stderr() -> None:
    """Faults of the page go to the terminal that runs it."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)


def _show(host: str, port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            with socket.create_connection((host, port), timeout=1):
                webbrowser.open(address(host, port))
                return
        except OSError:
            time.sleep(0.1)
