"""The catalogue: what exists, who owns it, how fresh and well it is, and what reads what."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter

from palate.lab.inventory import Entry
from palate.lab.ui.answers import Answer


def router(inventory: Callable[[], Sequence[Entry]]) -> APIRouter:
    """The routes of the catalogue."""
    routes = APIRouter(prefix="/api", tags=["catalogue"])

    @routes.get("/catalogue")
    def catalogue() -> Answer:
        """Every entry, as the inventory gives it."""
        return Answer({"entries": list(inventory())})

    return routes
