"""The app: which routes the lab's page has, and who may call them."""

from collections.abc import Callable, Collection, Sequence

from fastapi import FastAPI

import palate
from palate.core.home import Home
from palate.lab.inventory import Entry
from palate.lab.listening_tests import routes as listening_tests
from palate.lab.reports import routes as reports
from palate.lab.sweeps import routes as sweeps
from palate.lab.ui.answers import ERROR_HANDLERS
from palate.lab.ui.gate import LOCAL, Gate
from palate.lab.ui.routes import catalogue, pages, runs


def lab_app(home: Home, inventory: Callable[[], Sequence[Entry]], hosts: Collection[str] | None = LOCAL) -> FastAPI:
    """An ASGI app over one home's lab. Making it touches nothing; each request reads what is there then.

    inventory: what exists in the home (jobs/inventory.py). hosts: the names it answers to, None for any (gate.py); a
    test's client says `base_url="http://127.0.0.1"`.
    """
    app = FastAPI(
        title="Palate's lab", version=palate.__version__, docs_url=None, redoc_url=None,
        redirect_slashes=False, exception_handlers=ERROR_HANDLERS,
    )  # fmt: skip
    own = (runs.router(home), catalogue.router(inventory), pages.router)
    for router in (*own, *(of.router(home) for of in (sweeps, reports, listening_tests))):
        app.include_router(router)
    app.add_middleware(Gate, hosts=hosts)
    return app
