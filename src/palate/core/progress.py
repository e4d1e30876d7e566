"""A progress bar on a terminal, nothing in a pipe."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(things: Iterable[T], what: str, total: int | None = None, unit: str = "") -> Iterator[T]:
    """Iterates over `things`, showing how far it has come on stderr if that is a terminal."""
    return iter(tqdm(things, desc=what, total=total, unit=unit, disable=None, leave=False, dynamic_ncols=True))


@contextmanager
def step(what: str) -> Iterator[None]:
    """Says on stderr what is being done and, when it is done, how long it took."""
    start = time.monotonic()
    print(f"{what} ...", file=sys.stderr, flush=True)
    yield
    print(f"{what}: {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)
