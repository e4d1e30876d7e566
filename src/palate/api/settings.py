"""[server] in palate.toml: where to listen, and how much one request may hold."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class ServerSettings:
    """Where `palate serve` listens and what it accepts."""

    SECTION: ClassVar[str] = "server"

    host: str = "127.0.0.1"  # this machine only: nothing here asks who is asking
    port: int = 8420
    workers: int = 1  # processes; each holds its own copy of the index, and they share the folding
    max_body_bytes: int = 1_048_576  # a longer body is refused with 413
    max_events: int = 1_000  # in one POST /v1/events
    page: bool = True  # serve the page at /
    log_requests: bool = False  # one JSON line on stderr for each request: method, route, status, ms

    def __post_init__(self) -> None:
        for name, least, most in (
            ("port", 1, 65_535), ("workers", 1, 256), ("max_body_bytes", 1, 1 << 30), ("max_events", 1, 100_000),
        ):  # fmt: skip
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} = {getattr(self, name)} must be from {least} to {most:,}")
