"""`palate serve`: granian around the app, until Ctrl-C or SIGTERM."""

import errno
import logging
import multiprocessing
import os
import socket
import sys
from functools import partial
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from palate.api.settings import ServerSettings
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.settings import read_settings
from palate.embeddings.space import Spaces
from palate.fresh.window import FreshSettings
from palate.listening.slates import SlateSettings
from palate.store.items import ItemStore
from palate.surfaces.freshness import FreshnessSettings
from palate.surfaces.head_settings import HeadSettings
from palate.surfaces.rephrase import RephraseSettings

STOP_SECONDS = 20  # for requests and commits under way when the server is stopped
THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run(
    home: Home, host: str = "127.0.0.1", port: int = 8420, workers: int = 1, settings: ServerSettings | None = None
) -> None:
    """Serves `home` and returns when it was stopped.

    Prints one line on stderr that says where to look. Raises PalateError before anything is started: NotTrained,
    MissingHome, BadSettings, or BadInput when the address cannot be had. `settings` gives what the other arguments do
    not.
    """
    live = Spaces(home.require().spaces).live
    ItemStore.live_version(home.online / "items")
    _check_settings(home)
    check_address(host, port)
    # A request is one small piece of work on one core; threads inside it would only wait for each other.
    for name in THREAD_LIMITS:
        os.environ.setdefault(name, "1")
    multiprocessing.set_start_method("spawn", force=True)  # libraries with threads of their own do not survive a fork
    shown = f"[{host}]" if ":" in host else host
    print(f"Palate serves {live.label} at http://{shown}:{port}/ (stop it with Ctrl-C)", file=sys.stderr, flush=True)
    server = Server(
        "palate", address=host, port=port, interface=Interfaces.ASGI, workers=workers, websockets=False,
        log_level=LogLevels.error, respawn_failed_workers=True, workers_kill_timeout=STOP_SECONDS,
    )  # fmt: skip
    server.serve(target_loader=partial(_load, home, settings or ServerSettings()), wrap_loader=False)


def _check_settings(home: Home) -> None:
    """BadSettings for what a worker would stumble over."""
    told = read_settings(home.settings)
    sections = (FreshnessSettings, FreshSettings, HeadSettings, RephraseSettings, SlateSettings)
    for section in sections:
        told.section(section)


def check_address(host: str, port: int) -> None:
    """BadInput when nobody can listen there, or somebody does already."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)  # without SO_REUSEPORT, which granian sets and which would share the port silently
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BadInput(
                f"port {port} of {host} is in use; stop what listens there or give another --port"
            ) from error
        raise BadInput(f"cannot listen at {host}:{port} ({error.strerror or error}); give another address") from error


def _load(home: Home, settings: ServerSettings) -> Any:
    """The app of one worker process."""
    from palate.api.app import create_app
    from palate.api.collector import settle

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    return create_app(home, settings=settings, opened=settle)
