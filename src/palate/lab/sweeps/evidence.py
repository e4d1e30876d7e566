"""Is the best of a sweep better than today's settings, where the search never looked? And its lines for palate.toml."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from palate.core.artefacts import atomic_file
from palate.core.errors import BadInput, BadSettings, PalateError
from palate.lab.sweeps.space import Value, by_section

SURE = 0.05  # a p below this is called a difference
CLOSE = 0.05  # of today's value
TOGETHER = "together"  # the line of all tasks: the objective


@dataclass(frozen=True)
class Line:
    """One task: what today's settings and the best trial got on the held-out windows, best minus today.

    low, high # 95% interval of the difference, over listeners
    p         # two-sided, listeners' differences flipped; of single tasks corrected by Holm
    """

    task: str
    rows: int
    listeners: int
    today: float
    best: float
    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Evidence:
    """The lines of all tasks, TOGETHER last."""

    metric: str
    windows: int
    lines: tuple[Line, ...]

    @property
    def won(self) -> bool:
        """Whether the best is better together, and no task got worse, as far as the windows can tell."""
        together = self.lines[-1]
        worse = any(line.p < SURE and line.difference < 0 for line in self.lines)
        return together.p < SURE and together.difference > 0 and not worse

    @property
    def verdict(self) -> str:
        """The answer as a sentence."""
        together = self.lines[-1]
        if self.won:
            return f"better by {_share(together)} where the search never looked (p = {together.p:.4f})"
        worse = [line.task for line in self.lines if line.p < SURE and line.difference < 0]
        if worse:
            return f"not proposed: worse in {', '.join(worse)} on the held-out windows"
        return (
            f"not proposed: {_share(together)} on the held-out windows cannot be told from chance "
            f"(p = {together.p:.2f})"
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"won": self.won, "verdict": self.verdict}

    def table(self) -> str:
        """For people, in columns."""
        rows = [("task", "rows", "listeners", "today", "best", "difference", "95% interval", "p")]
        rows += [
            (
                line.task, str(line.rows), str(line.listeners), f"{line.today:.5f}", f"{line.best:.5f}",
                f"{line.difference:+.5f} ({_share(line)})", f"[{line.low:+.5f}, {line.high:+.5f}]", f"{line.p:.4f}",
            )
            for line in self.lines
        ]  # fmt: skip
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return "\n".join(
            "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in
                      enumerate(zip(row, widths, strict=True))).rstrip()
            for row in rows
        )  # fmt: skip


def _share(line: Line) -> str:
    return f"{line.difference / line.today:+.1%}" if line.today else f"{line.difference:+.4f}"


def spelled(value: Value) -> str:
    """A value as palate.toml spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def rounded(value: Value) -> Value:
    """To three significant digits: more would say that the search knows more than it does."""
    return float(f"{value:.3g}") if isinstance(value, float) else value


def alike(value: Value, today: Value) -> bool:
    """Whether the two are the same, or numbers so close that no search can tell them apart: today's then stays."""
    if isinstance(value, float) and isinstance(today, float):
        return abs(value - today) <= CLOSE * abs(today)
    return value == today


def proposal(name: str, values: Mapping[str, Value], evidence: Evidence, comment: str) -> str:
    """The lines for palate.toml, with what speaks for them as comments."""
    told = [f"Proposed by the sweep {name}; adopt with: palate lab sweep --adopt {name}", comment, ""]
    told += [f"{evidence.metric}, {evidence.windows} held-out windows:", *evidence.table().splitlines()]
    lines = [f"# {line}".rstrip() for line in told]
    for table, keys in by_section(values).items():
        lines += ["", f"[{table}]", *(f"{key} = {spelled(value)}" for key, value in keys.items())]
    return "\n".join(lines) + "\n"


def adopt(path: Path, values: Mapping[str, Value], why: str) -> None:
    """Writes the values into palate.toml; everything else in it stays as it is, to the letter.

    why: stands behind each line as a comment. PalateError, and nothing written, where the file is laid out in a way
    that lines cannot be put into safely.
    """
    text = path.read_text(encoding="utf-8")
    try:
        wanted = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{path} is not valid TOML: {error}") from error
    changed = text
    for table, keys in by_section(values).items():
        if not isinstance(wanted.setdefault(table, {}), dict):
            raise BadInput(f"{path}: {table!r} is no table; write the lines of the proposal in by hand")
        wanted[table] |= keys
        for key, value in keys.items():
            changed = _with_line(changed, table, key, f"{key} = {spelled(value)}  # {why}")
    try:
        safe = tomllib.loads(changed) == wanted
    except tomllib.TOMLDecodeError:
        safe = False
    if not safe:
        raise PalateError(
            f"{path} is laid out in a way that cannot be edited safely; copy the proposal's lines by hand"
        )
    with atomic_file(path) as temporary:
        temporary.write_text(changed, encoding="utf-8")


def _with_line(text: str, table: str, key: str, line: str) -> str:
    """The text with the line in place of the key's, else at the end of the table's lines, else with a new table."""
    lines = text.splitlines()
    heads = [number for number, one in enumerate(lines) if re.match(r"\s*\[", one)]
    own = [number for number in heads if re.match(rf"\s*\[\s*{re.escape(table)}\s*\]\s*(#.*)?$", lines[number])]
    if not own:
        return "\n".join([*lines, *([""] if lines else []), f"[{table}]", line]) + "\n"
    end = next((number for number in heads if number > own[0]), len(lines))
    for number in range(own[0] + 1, end):
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[number]):
            return "\n".join([*lines[:number], line, *lines[number + 1 :]]) + "\n"
    while end > own[0] + 1 and not lines[end - 1].strip():
        end -= 1  # the empty lines before the next table stay where they are
    return "\n".join([*lines[:end], line, *lines[end:]]) + "\n"
