"""An experiment: which variant each listener gets, decided by a hash of their id and by nothing else.

Every server gives the same answer without asking anybody. A listener has one random-looking number for each variant,
and the variant whose number is best in proportion to its weight wins (rendezvous hashing: Thaler and Ravishankar,
"Using name-based mappings to increase hit rates", 1998; here with weights). So a changed weight moves listeners only
to a variant that grew or from one that shrank, and a new variant takes its share evenly from the others.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise
from typing import ClassVar

from palate.core.errors import BadInput, BadSettings
from palate.core.ids import UserId
from palate.core.settings import Settings

CONTROL = "control"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # no "|", which parts the words of a hash


@dataclass(frozen=True)
class ExperimentSettings:
    """One experiment; `[experiments.NAME]` in palate.toml.

    variants: weight of each variant; only their ratios matter, and one of them is called control.
    surface: where it runs.
    salt: another one deals everybody anew, as a second run of the same experiment needs.
    layer: experiments of one layer share its listeners out; empty for a layer of its own.
    within: the part of the layer's listeners that this experiment may take, from 0 to 1.
    holdback: share of them that is in no variant all the same.
    success: the metric that has to rise.
    guardrails: metrics that must not get worse by more than this share of the control's mean.
    window_days: how long after the first exposure a listener is counted; afterwards they are complete.
    before_days: how long before it their listening is read, to take out what was different already.
    listeners: how many complete listeners it is planned for; intervals are tightest there.
    """

    SECTION: ClassVar[str] = "experiments"
    variants: dict[str, float] = field(default_factory=lambda: {CONTROL: 0.5, "treatment": 0.5})
    surface: str = "for_you"
    salt: str = ""
    layer: str = ""
    within: tuple[float, ...] = (0.0, 1.0)
    holdback: float = 0.0
    success: str = "plays"
    guardrails: dict[str, float] = field(default_factory=lambda: {"skip_share": 0.02})
    window_days: float = 7.0
    before_days: float = 28.0
    listeners: int = 10_000

    def __post_init__(self) -> None:
        for name in (*self.variants, *(one for one in (self.salt, self.layer) if one)):
            _check_name(name)
        if CONTROL not in self.variants or len(self.variants) < 2:
            raise BadSettings(f"variants = {list(self.variants)} need one called {CONTROL} and at least one other")
        odd = [name for name, weight in self.variants.items() if not 0.0 < weight < math.inf]
        if odd:
            raise BadSettings(f"variant {odd[0]} has the weight {self.variants[odd[0]]}; a weight is above 0")
        if len(self.within) != 2 or not 0.0 <= self.within[0] < self.within[1] <= 1.0:
            raise BadSettings(f"within = {list(self.within)} must be two ascending numbers from 0 to 1")
        if not 0.0 <= self.holdback < 1.0:
            raise BadSettings(f"holdback = {self.holdback} must be a share from 0 to below 1")
        if not (self.window_days > 0.0 and self.before_days >= 0.0 and self.listeners >= 1):
            raise BadSettings("window_days and listeners must be above 0, and before_days not below 0")
        loose = [name for name, margin in self.guardrails.items() if not 0.0 <= margin < 1.0]
        if loose:
            raise BadSettings(f"guardrail {loose[0]} has the margin {self.guardrails[loose[0]]}; use 0 to below 1")


@dataclass(frozen=True)
class Experiment:
    """A named experiment. Two experiments divide listeners independently, unless they share a layer."""

    name: str
    settings: ExperimentSettings = field(default_factory=ExperimentSettings)

    def __post_init__(self) -> None:
        _check_name(self.name)

    @property
    def shares(self) -> dict[str, float]:
        """The weights as shares of the listeners in the experiment; they sum to one."""
        total = math.fsum(self.settings.variants.values())
        return {name: weight / total for name, weight in self.settings.variants.items()}

    @property
    def part(self) -> tuple[float, float]:
        """The stretch of its layer that this experiment takes, without the holdback."""
        low, high = self.settings.within
        return low, low + (high - low) * (1.0 - self.settings.holdback)

    def assign(self, user_id: UserId) -> str | None:
        """The listener's variant; None for who is not in the experiment (holdback, or another part of the layer).

        The same on every machine and Python: BLAKE2b of "salt|experiment|variant|user" in 53 bits. (The logarithm may
        differ in its last bit between C libraries, which matters to one listener in about 10^15.) Takes some
        microseconds. The order of the variants does not matter; their names, the salt and the name do.
        """
        low, high = self.part
        if (low, high) != (0.0, 1.0) and not low <= _point(self._layer, user_id) < high:
            return None
        stem = f"{self.settings.salt}|{self.name}"
        # -log of a uniform number is exponential; divided by its weight, it is the smallest with a chance in
        # proportion to the weight.
        waits = {
            name: -math.log(_point(f"{stem}|{name}", user_id)) / weight
            for name, weight in self.settings.variants.items()
        }
        return min(waits, key=lambda name: (waits[name], name))

    @property
    def _layer(self) -> str:
        # ":" is in no name, so neither can be mistaken for a variant. A shared layer ignores the salts of its
        # experiments: with one each they would deal the layer differently and overlap.
        shared = self.settings.layer
        return f"layer:{shared}" if shared else f"{self.settings.salt}|alone:{self.name}"


def experiments(settings: Settings) -> dict[str, Experiment]:
    """The experiments that palate.toml declares, by name; {} for none.

    BadSettings for a value that cannot be, and when two experiments of a layer could take the same listener.
    """
    section = ExperimentSettings.SECTION
    found: dict[str, Experiment] = {}
    for name, table in settings.tables.get(section, {}).items():
        if not isinstance(table, dict):
            raise BadSettings(f"{settings.source}: [{section}] {name} is no table; write [{section}.NAME] above it")
        one = Settings({section: table}, f"{settings.source}, experiment {name}").section(ExperimentSettings)
        found[name] = Experiment(name, one)
    _check_layers(found, settings.source)
    return found


def experiment(settings: Settings, name: str) -> Experiment:
    """The experiment of that name; BadInput with the choices when there is none."""
    declared = experiments(settings)
    if name not in declared:
        choices = f"choose from {', '.join(declared)}" if declared else f"declare it in {settings.source}"
        raise BadInput(f"there is no experiment {name[:80]!r}; {choices}, as [{ExperimentSettings.SECTION}.NAME]")
    return declared[name]


def _check_layers(declared: Mapping[str, Experiment], source: str) -> None:
    by_layer: dict[str, list[tuple[float, float, str]]] = {}
    for name, one in declared.items():
        low, high = one.settings.within
        by_layer.setdefault(one._layer, []).append((low, high, name))
    for stretches in by_layer.values():
        for (_, end, first), (start, _, second) in pairwise(sorted(stretches)):
            if start < end:
                raise BadSettings(f"{source}: experiments {first} and {second} overlap in their layer; change within")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise BadSettings(f"{name[:80]!r} is no name here; use 1 to 64 of the characters A-Z a-z 0-9 _ . -")


def _point(stem: str, user_id: UserId) -> float:
    """A number strictly between 0 and 1 for each (stem, listener), evenly spread."""
    digest = blake2b(f"{stem}|{user_id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return ((int.from_bytes(digest, "big") >> 11) + 0.5) * 2.0**-53
