"""The sweeps of a home over HTTP, for the lab's page."""

from typing import Any

from fastapi import APIRouter

from palate.core.home import Home
from palate.lab.sweeps.reading import listed, read_sweep


def router(home: Home) -> APIRouter:
    """GET /api/sweeps: every sweep in brief. GET /api/sweeps/{name}: one whole; a sentence where there is none."""
    routes = APIRouter(prefix="/api", tags=["sweeps"])

    @routes.get("/sweeps")
    def sweeps() -> dict[str, Any]:
        return {"sweeps": listed(home.lab)}

    @routes.get("/sweeps/{name}")
    def sweep(name: str) -> dict[str, Any]:
        return read_sweep(home.lab, name)

    return routes
