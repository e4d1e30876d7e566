"""What exists in a home and who owns it: the entries of the catalogue page, gathered by jobs/inventory.py."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "data", "job", "model", "space", "surface", "endpoint", "experiment", "sweep", "report", "listening test"
]
Health = Literal["good", "stale", "bad", "unknown"]


@dataclass(frozen=True)
class Entry:
    """One thing that somebody relies on.

    name     unique within its kind
    owner    from palate.toml's [owners], else empty
    version  as it calls itself: `taste@7`, an offset, a hash; empty where it has none
    updated  unix seconds of its last change; None where unknown
    health   good, stale (older than what it is made of), bad (damaged, failed), unknown
    reads    `kind:name` of what it is made of
    """

    kind: Kind
    name: str
    note: str = ""
    owner: str = ""
    version: str = ""
    updated: float | None = None
    health: Health = "unknown"
    why: str = ""
    reads: tuple[str, ...] = ()
