"""Other windows than the record's own, for a while, in this process: its format and its constants stay as they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from palate.core.clock import DAY_SECONDS
from palate.embeddings import encoder, folding, foundation, records, situations

DEFAULT: tuple[float, ...] = tuple(records.HALF_LIVES_DAYS)
_TOTAL = float(sum(foundation.FIRST_SHARES))


@contextmanager
def halving(half_lives_days: tuple[float, ...]) -> Iterator[None]:
    """Records, situations and encoders have these windows while the context lasts; the default ones change nothing.

    Before anything is learnt the windows share a taste alike, unless they are the default ones. An item's own weight,
    which no taste reads, fades with the middle one. Not for several threads.
    """
    if half_lives_days == DEFAULT:
        yield
        return
    seconds, count = np.array(half_lives_days) * DAY_SECONDS, len(half_lives_days)
    changes: list[tuple[ModuleType, dict[str, Any]]] = [
        (
            records,
            {"HALF_LIVES_DAYS": half_lives_days, "HALF_LIVES_SECONDS": seconds, "AFFINITY_HALF_LIFE": count // 2},
        ),
        (folding, {"HALF_LIVES_SECONDS": seconds, "AFFINITY_HALF_LIFE": count // 2, "WINDOWS": count}),
        (situations, {"HALF_LIVES_SECONDS": seconds}),
        (encoder, {"WINDOWS": count}),
        (foundation, {"FIRST_SHARES": (_TOTAL / count,) * count}),
    ]
    before = [(module, {name: getattr(module, name) for name in names}) for module, names in changes]
    try:
        _set(changes)
        yield
    finally:
        _set(before)


def _set(changes: list[tuple[ModuleType, dict[str, Any]]]) -> None:
    for module, names in changes:
        for name, value in names.items():
            setattr(module, name, value)
