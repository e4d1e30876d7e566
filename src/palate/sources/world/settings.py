"""How large the simulated world is and how much of each planted thing it holds."""

from dataclasses import dataclass
from typing import ClassVar

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadSettings

MIN_ITEMS = 400  # fewer leave a genre without a podcast or an audiobook


@dataclass(frozen=True)
class WorldSettings:
    """Sizes and shares of the simulated world; `[world]` in palate.toml.

    `listens` counts plays and skips; saves and onboarding events come on top (about 4%). `end` is unix seconds.
    `unheard_share` of the items were released in the last days and nobody has played them yet.
    """

    SECTION: ClassVar[str] = "world"

    listeners: int = 2_000
    items: int = 6_000
    listens: int = 400_000
    days: int = 365
    end: float = 1_767_225_600.0  # 2026-01-01T00:00Z
    playlists: int = 1_500
    phases: int = 8  # a taste drifts in this many steps over somebody's time in the world
    episode_share: float = 0.08
    audiobook_share: float = 0.03
    unheard_share: float = 0.02
    turned_share: float = 0.05
    late_share: float = 0.25  # of the listeners opened their account within the simulated time

    def __post_init__(self) -> None:
        least = {"listeners": 1, "items": MIN_ITEMS, "listens": 0, "days": 28, "playlists": 0, "phases": 4}
        for name, floor in least.items():
            if getattr(self, name) < floor:
                raise BadSettings(f"{name} = {getattr(self, name)} is too small for a world; use {floor} or more")
        for name in ("episode_share", "audiobook_share", "unheard_share", "turned_share", "late_share"):
            if not 0.0 <= getattr(self, name) <= 0.3:
                raise BadSettings(f"{name} = {getattr(self, name)} is no share from 0 to 0.3; choose one in that range")

    @property
    def start(self) -> float:
        """When the simulated time begins, in unix seconds."""
        return self.end - self.days * DAY_SECONDS
