"""What became of one fault: a line of the table."""

from dataclasses import dataclass

import numpy as np

from hurting.counting import Ledger, check
from hurting.stage import Stage


@dataclass(frozen=True)
class Outcome:
    """One line of the table.

    seconds  from the end of each injury (killed processes are started again, there is room, it is mended) until every
             listen is in the records
    """

    fault: str
    engine: str
    times: int
    accepted: int = 0
    lost: int = 0
    twice: int = 0
    unlike: int = 0
    seconds: tuple[float, ...] = ()
    note: str = ""

    def line(self) -> str:
        """As a row of Markdown."""
        if not self.times:
            return f"| {self.fault} | - | | | | | {self.note} |"
        level = f"{np.median(self.seconds):.1f}, {max(self.seconds):.1f}"
        counts = f"{self.times} | {self.accepted:,} | {self.lost} | {self.twice} | {level}"
        return f"| {self.fault} | {counts} | {self.note} |"


def outcome(stage: Stage, fault: str, kept: Ledger, seconds: list[float], note: str) -> Outcome:
    """What the check at the end says."""
    found = check(stage.home, kept.accepted)
    note += f"; {found.unlike} records differ" if found.unlike else ""
    counts = (found.accepted, found.lost, found.twice, found.unlike)
    return Outcome(fault, stage.engine.name, len(seconds), *counts, tuple(seconds), note)


def refused(kept: Ledger) -> int:
    """How many posts were answered with a fault of the server."""
    return sum(count for status, count in kept.answers.items() if status >= 500)
