"""A surface: a name, a line that says what it is, and one function from a request to a slate."""

from collections.abc import Callable
from dataclasses import dataclass

from palate.core.slate import Slate
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Recipe


@dataclass(frozen=True)
class Surface:
    """What a file in `screens/` gives under the name SURFACE.

    name    in addresses, commands and settings
    about   what it is for, in one line
    answer  a request and the open home -> the slate
    """

    name: str
    about: str
    answer: Callable[[Ask, LiveHome], Slate]


def follows(recipe: Recipe, about: str) -> Surface:
    """The surface that takes a recipe as it is."""

    def answer(ask: Ask, live: LiveHome) -> Slate:
        return live.path.answer(recipe, live.query(ask, recipe.name), ask.n, ask.user_id)

    return Surface(recipe.name, about, answer)
