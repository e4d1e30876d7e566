"""What the intrinsic measures found, as data and as a table."""

from dataclasses import asdict, dataclass
from typing import Any

from palate.evaluation.intervals import Interval
from palate.evaluation.plain import aligned, by_bound


@dataclass(frozen=True)
class Lift:
    """One space by one heuristic.

    share      mean part of the nearest that is alike, over `n` sampled rows
    random     the same of neighbours drawn at random
    lift       share / random; 1 is no better than random; NaN when no two of all rows are alike
    trained_on the heuristic reads what Palate's vectors are made from, so a high lift is no surprise
    """

    space: str
    heuristic: str
    about: str
    trained_on: bool
    share: Interval
    random: float
    lift: Interval
    n: int

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values; share and lift are {"value", "low", "high"}, a NaN becomes None."""
        return asdict(self) | {"share": by_bound(self.share), "lift": by_bound(self.lift)}


@dataclass(frozen=True)
class Intrinsic:
    """All lifts, by heuristic and then by space. left_out # why a heuristic is not there, by "listeners: name"."""

    listeners: list[Lift]
    items: list[Lift]
    left_out: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """{"listeners": [as `Lift.to_json`], "items": [the same], "left_out": {"listeners: name": reason}}."""
        return {
            "listeners": [one.to_json() for one in self.listeners],
            "items": [one.to_json() for one in self.items],
            "left_out": dict(self.left_out),
        }

    def table(self) -> str:
        """The same as text. A star marks what the vectors were trained on."""
        lines: list[str] = []
        for what, lifts in (("listeners", self.listeners), ("items", self.items)):
            cells = [[what, "space", "share", "random", "lift", "", "n"], *map(_cells, lifts)]
            lines += [*aligned(cells), ""]
        lines += [f"{name}: left out, {reason}" for name, reason in self.left_out.items()]
        return "\n".join([*lines, "* read from what the vectors were trained on"]) + "\n"


def _cells(one: Lift) -> list[str]:
    name = f"{one.heuristic} *" if one.trained_on else one.heuristic
    bounds = f"[{one.lift.low:.2f}, {one.lift.high:.2f}]"
    share, lift = f"{one.share.value:.3f}", f"{one.lift.value:.2f}"
    return [name, one.space, share, f"{one.random:.4f}", lift, bounds, str(one.n)]
