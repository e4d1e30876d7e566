"""A progress bar on a terminal, nothing in a pipe."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(things: Iterable[T], what: str, total: int | None = None, unit: str = "") -> Iterator[T]:
    """Iterates over `things`, showing how far it has come on stderr if that is a terminal."""
    return iter(tqdm(things, desc=what, total=total, unit=unit, disable=None, leave=False, dynamic_ncols=True))
