"""Every surface by its name: what is in `screens/`, and the one call that answers a request."""

import pkgutil
from dataclasses import replace
from functools import cache
from importlib import import_module

from palate.core.errors import BadInput
from palate.core.slate import Slate
from palate.surfaces import screens
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.surface import Surface


@cache
def surfaces() -> dict[str, Surface]:
    """By name, in the order of the names."""
    modules = [import_module(f"{screens.__name__}.{one.name}") for one in pkgutil.iter_modules(screens.__path__)]
    found: list[Surface] = [module.SURFACE for module in modules]
    return {surface.name: surface for surface in sorted(found, key=lambda one: one.name)}


def surface(name: str) -> Surface:
    """The surface of that name; BadInput lists the names."""
    if name not in surfaces():
        raise BadInput(f"no surface {name[:40]!r}; choose from {', '.join(surfaces())}")
    return surfaces()[name]


def answer(live: LiveHome, name: str, ask: Ask) -> Slate:
    """What the surface answers. BadInput for an unknown name or a request it cannot answer, UnknownItem for a seed.

    Where the space has lost a file that can be done without, the note says so.
    """
    slate = surface(name).answer(ask, live)
    if live.lacking is None:
        return slate
    return replace(slate, note=f"{slate.note} {live.lacking}" if slate.note else live.lacking)
