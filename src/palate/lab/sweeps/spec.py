"""One sweep's folder, home/lab/sweeps/<name>: what was asked, and where everything of it lies."""

import fcntl
import os
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from palate.core.artefacts import read_json, write_json
from palate.core.errors import BadInput, Corrupt, PalateError
from palate.core.locks import alone
from palate.lab.sweeps.space import Dimension, Value

FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True)
class Spec:
    """What a sweep searches, and on what; it stays the same however often the sweep goes on.

    target   what is fitted and judged (jobs/sweeping/targets.py)
    metric   what the objective is, in words; more is better
    where    narrowings of the space, as they were typed
    space    what is searched, by name; `fixed` is what `where` fixed, `today` what all of these are without the sweep
    settings all settings by table, as they were when the sweep began, and those of the judge
    held_out how many windows, the latest, the search does not see
    data     hash of the inputs that lie in the folder
    created  # unix seconds
    group    id of the sweep's first run, which is the group of all its trials
    about    what else each trial's run is to tell of itself
    """

    target: str
    metric: str
    where: tuple[str, ...]
    space: dict[str, Dimension]
    fixed: dict[str, Value]
    today: dict[str, Value]
    settings: dict[str, Any]
    seed: int
    held_out: int
    data: str
    created: float
    group: str
    about: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return told | {"space": {name: one.to_json() for name, one in self.space.items()}, "where": list(self.where)}

    @classmethod
    def of_json(cls, told: dict[str, Any]) -> "Spec":
        """What `to_json` gave."""
        space = {name: Dimension.of_json(name, one) for name, one in told["space"].items()}
        return cls(**told | {"space": space, "where": tuple(told["where"])})


@dataclass(frozen=True)
class Sweep:
    """The folder of one sweep. Making it touches nothing."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def trials(self) -> Path:
        return self.folder / "study.sqlite"

    @property
    def inputs(self) -> Path:
        return self.folder / "inputs"

    @property
    def shared(self) -> Path:
        return self.folder / "shared"

    @property
    def held_out(self) -> Path:
        return self.folder / "held-out"

    @property
    def proposal(self) -> Path:
        return self.folder / "proposal.toml"

    @property
    def spec(self) -> Spec:
        """What was asked; BadInput when there is no such sweep."""
        if not (self.folder / "sweep.json").is_file():
            raise BadInput(f"there is no sweep {self.name!r}; `palate lab sweep` lists those there are")
        told = read_json(self.folder / "sweep.json")
        if told.pop("format") > FORMAT:
            raise Corrupt(f"{self.folder} was written by a newer Palate; update this one")
        return Spec.of_json(told)

    def write(self, spec: Spec) -> None:
        """Keeps what is asked: from then on the sweep exists."""
        write_json(self.folder / "sweep.json", spec.to_json() | {"format": FORMAT})

    @property
    def result(self) -> dict[str, Any] | None:
        """What it came to, as far as that is known; None before its first end."""
        path = self.folder / "result.json"
        found: dict[str, Any] | None = read_json(path) if path.is_file() else None
        return found

    def keep_result(self, result: dict[str, Any]) -> None:
        write_json(self.folder / "result.json", result)

    @property
    def at_work(self) -> bool:
        """Whether a command works on it now."""
        try:
            descriptor = os.open(self.folder / ".lock", os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def working(self) -> AbstractContextManager[None]:
        """Two commands on one sweep would fight over it; PalateError when another works on it."""
        busy = f"another command works on the sweep {self.name}; wait until it ends, then try again"
        return alone(self.folder / ".lock", PalateError(busy))


def sweep_named(lab: Path, name: str) -> Sweep:
    """The sweep of that name in a home's lab, there or not; BadInput for what can be no folder's name."""
    if not NAME.fullmatch(name):
        raise BadInput(f"--name {name!r} must be letters, digits, dots, dashes and underscores, no dot or dash first")
    return Sweep(lab / "sweeps" / name)


def sweeps(lab: Path) -> list[Sweep]:
    """Every sweep of a home's lab, by name."""
    return [Sweep(path.parent) for path in sorted((lab / "sweeps").glob("*/sweep.json"))]
