"""palate.toml: each component's settings are a frozen dataclass beside the code that reads it.

A dataclass names its table with `SECTION`; a missing table or key takes the default, and an unknown key or a value of
the wrong type is an error that names the file, the key and the choices.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeVar, get_args, get_origin, get_type_hints

from palate.core.errors import BadSettings


class Section(Protocol):
    """A frozen dataclass with defaults for every field and the name of its table."""

    SECTION: ClassVar[str]


S = TypeVar("S", bound=Section)


@dataclass(frozen=True)
class Range:
    """Where a sweep looks for a better value of a number: `dim: Annotated[int, Range(32, 128, log=True)] = 128`.

    For the search only (lab/sweeps): palate.toml may name a value outside it. A number without a range is not searched;
    bool and Literal need none. With `log` a doubling is the same step everywhere; `step` leaves only every so many.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"a range from {self.low:g} to {self.high:g} is empty; low must be below high")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("a range in doublings begins above 0 and has no step")


@dataclass(frozen=True)
class Settings:
    """What palate.toml says, by table; `section(SomeSettings)` gives the typed values."""

    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    source: str = "defaults"

    def only(self, known: Iterable[str]) -> "Settings":
        """The same settings, if every table is `known`; else BadSettings names the one that is not."""
        names = sorted(known)
        for table in self.tables:
            if table not in names:
                raise BadSettings(f"{self.source}: [{table}] is not a table; choose from {', '.join(names)}")
        return self

    def texts(self, table: str) -> dict[str, str]:
        """A table whose keys its reader makes up, each with a text; BadSettings names the key that has none."""
        found = self.tables.get(table, {})
        return {key: _checked(value, str, f"{self.source}: [{table}] {key}") for key, value in found.items()}

    def section(self, cls: type[S]) -> S:
        """The settings of one component, checked; BadSettings names the key that is wrong."""
        table, hints = self.tables.get(cls.SECTION, {}), get_type_hints(cls)
        known = [name for name in hints if name != "SECTION"]
        values: dict[str, Any] = {}
        for key, value in table.items():
            where = f"{self.source}: [{cls.SECTION}] {key}"
            if key not in known:
                raise BadSettings(f"{where} is not a setting; choose from {', '.join(known)}")
            values[key] = _checked(value, hints[key], where)
        try:
            return cls(**values)
        except ValueError as error:
            raise BadSettings(f"{self.source}: [{cls.SECTION}] {error}") from error


def _checked(value: Any, hint: Any, where: str) -> Any:
    """`value` as `hint` wants it; hints are plain types, Literal, tuple[T, ...] and dict[str, T]."""
    origin = get_origin(hint)
    if origin is Literal:
        if value not in get_args(hint):
            raise BadSettings(f"{where} = {value!r} must be one of {', '.join(map(repr, get_args(hint)))}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise BadSettings(f"{where} = {value!r} must be a list")
        return tuple(_checked(v, get_args(hint)[0], where) for v in value)
    if origin is dict:
        if not isinstance(value, dict):
            raise BadSettings(f"{where} = {value!r} must be a table")
        return {k: _checked(v, get_args(hint)[1], where) for k, v in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise BadSettings(f"{where} = {value!r} must be of type {hint.__name__}")
    return value


def read_settings(path: Path) -> Settings:
    """Reads palate.toml; a missing file means all defaults."""
    if not path.is_file():
        return Settings()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is not valid TOML: {error}") from error
    loose = [key for key, value in tables.items() if not isinstance(value, dict)]
    if loose:
        raise BadSettings(f"{path}: {loose[0]!r} stands outside any [table]; move it under the table it belongs to")
    return Settings(tables, str(path))
