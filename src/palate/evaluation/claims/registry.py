"""Who checks which type of evidence."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.evaluation.claims.facts import Facts

Evidence = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """Where a claim stands.

    user_id  to whom it was said; None for nobody in particular
    item_id  of which item; None where it is said of a shelf
    source   the item's source; "" for a shelf
    item_ids what the shelf, or the answer, holds
    beside   all evidence at that place
    picked   items that the request said were chosen, without keeping it
    tastes   each # (dim,) that the answer was made with; () for the listener's own
    """

    user_id: str | None
    item_id: str | None
    source: str
    item_ids: tuple[str, ...]
    beside: tuple[Evidence, ...] = ()
    picked: tuple[str, ...] = ()
    tastes: tuple[NDArray[np.float32], ...] = ()

    def about(self, one: Evidence) -> str:
        """The item that the evidence is about: the one named `of`, else this one; ValueError when it is about none."""
        item = one.get("of", self.item_id)
        if item is None:
            raise ValueError("it is about no item")
        return str(item)


Checker = Callable[[Evidence, Said, Facts], str | None]  # what is wrong with it, in words; None when it is true

CHECKERS: dict[str, Checker] = {}


def checks(kind: str) -> Callable[[Checker], Checker]:
    """Registers a checker for one type of evidence; a second one for the same type takes its place.

    What is wrong is given in words, or raised as KeyError, TypeError or ValueError: the claim is then false.
    """

    def register(checker: Checker) -> Checker:
        CHECKERS[kind] = checker
        return checker

    return register


def differs(name: str, told: Any, true: Any, within: float = 0.0) -> str | None:
    """The difference in words; None when there is none, or none beyond `within`."""
    if type(told) is bool or not isinstance(told, int | float):
        return f"{name} is {told!r}, which is no number"
    return None if abs(told - true) <= within else f"{name} is {told}, and {true} is true"
