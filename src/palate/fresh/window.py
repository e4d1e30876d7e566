"""[fresh] in palate.toml: how new listens are gathered into batches."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class FreshSettings:
    """How new listens are folded into tastes while they arrive."""

    SECTION: ClassVar[str] = "fresh"

    # how long the first new listen waits for others, so that they share a batch; what it costs: docs/rooms/fresh.md
    window_ms: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.window_ms <= 60_000:
            raise ValueError(f"window_ms = {self.window_ms} must be from 0 to 60,000")
