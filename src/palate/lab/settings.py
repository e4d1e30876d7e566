"""Settings of the lab ([lab] in palate.toml)."""

import os
from dataclasses import dataclass
from typing import ClassVar, Literal, cast, get_args

from palate.core.errors import BadSettings
from palate.core.settings import Settings

Tracker = Literal["trackio", "wandb", "none"]


@dataclass(frozen=True)
class LabSettings:
    """How runs are kept ([lab] in palate.toml). The environment's PALATE_TRACKER wins over `tracker`."""

    SECTION: ClassVar[str] = "lab"

    tracker: Tracker = "trackio"  # who gets a copy of each run; the home keeps its own in any case
    project: str = "palate"  # the project's name at the tracker
    wandb_mode: Literal["offline", "online"] = "offline"  # online wants an account: `wandb login`
    system_seconds: float = 2.0  # between two readings of CPU, memory, disk and GPU; 0 for none

    @classmethod
    def read(cls, settings: Settings) -> "LabSettings":
        """From palate.toml and the environment."""
        told, wanted = settings.section(cls), os.environ.get("PALATE_TRACKER")
        if wanted is None:
            return told
        if wanted not in get_args(Tracker):
            raise BadSettings(f"PALATE_TRACKER={wanted!r} must be one of {', '.join(get_args(Tracker))}")
        return cls(cast(Tracker, wanted), told.project, told.wandb_mode, told.system_seconds)


DEFAULT = LabSettings()
