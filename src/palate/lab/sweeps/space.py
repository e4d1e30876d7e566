"""What a sweep searches: read from the settings themselves, so that a setting and its range stand on one line.

A number with a `Range` (core/settings.py), a bool and a Literal are searched; everything else keeps its value.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin, get_type_hints

from palate.core.errors import BadInput
from palate.core.settings import Range

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Value = bool | int | float | str


@dataclass(frozen=True)
class Dimension:
    """One setting that is searched.

    name    its table and key in palate.toml: `items.dim`
    kind    int or float for a number within `range`; bool or str for one of `choices`
    """

    name: str
    kind: type
    range: Range | None = None
    choices: tuple[Value, ...] = ()

    def nearest(self, value: Value) -> Value:
        """The value itself, or the nearest one that the search may take; the first choice for one that there is not."""
        if self.range is None:
            return value if value in self.choices else self.choices[0]
        low, high, step = self.range.low, self.range.high, self.range.step
        inside = min(max(float(value), low), high)
        if step is not None:
            inside = low + min(round((inside - low) / step), math.floor((high - low) / step + 1e-9)) * step
        return round(inside) if self.kind is int else inside

    def to_json(self) -> dict[str, Any]:
        """The kind by its name, the range's ends and the choices."""
        return {
            "kind": self.kind.__name__, "range": None if self.range is None else asdict(self.range),
            "choices": list(self.choices),
        }  # fmt: skip

    @classmethod
    def of_json(cls, name: str, told: Mapping[str, Any]) -> "Dimension":
        """What `to_json` gave."""
        kind = {one.__name__: one for one in (bool, int, float, str)}[told["kind"]]
        return cls(name, kind, Range(**told["range"]) if told["range"] else None, tuple(told["choices"]))

    @property
    def distribution(self) -> "BaseDistribution":
        """The same for Optuna."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.range is None:
            return CategoricalDistribution(self.choices)
        low, high, log = self.range.low, self.range.high, self.range.log
        if self.kind is int:
            return IntDistribution(int(low), int(high), log, int(self.range.step or 1))
        return FloatDistribution(low, high, log, self.range.step)


def space_of(sections: Iterable[type], only: Sequence[str] = ()) -> dict[str, Dimension]:
    """By name, every setting of these dataclasses that is searched; with `only`, those of these names.

    BadInput for a name in `only` that is not searched: it has no range.
    """
    found = {dimension.name: dimension for section in sections for dimension in _dimensions(section)}
    unknown = [name for name in only if name not in found]
    if unknown:
        raise BadInput(f"{', '.join(unknown)} has no range to search; choose from {', '.join(found)}")
    return {name: dimension for name, dimension in found.items() if not only or name in only}


def _dimensions(section: Any) -> Iterable[Dimension]:
    hints = get_type_hints(section, include_extras=True)
    for field in fields(section):
        hint, name = hints[field.name], f"{section.SECTION}.{field.name}"
        if get_origin(hint) is Annotated:
            kind, *notes = get_args(hint)
            ranges = [note for note in notes if isinstance(note, Range)]
            if ranges and kind in (int, float):
                yield Dimension(name, kind, ranges[0])
        elif hint is bool:
            yield Dimension(name, bool, choices=(False, True))
        elif get_origin(hint) is Literal:
            yield Dimension(name, str, choices=get_args(hint))


def narrowed(space: Mapping[str, Dimension], where: Iterable[str]) -> tuple[dict[str, Dimension], dict[str, Value]]:
    """The space after `--where`, and what is fixed: `items.dim=32:64` a range, `dim=64` one value, `kind=a,b` choices.

    A key may go without its table where only one table has it. BadInput says what cannot be read, or what there is.
    """
    left, fixed = dict(space), dict[str, Value]()
    for text in where:
        key, equals, told = (part.strip() for part in text.partition("="))
        if not (key and equals and told):
            raise BadInput(f"--where {text!r} is no narrowing; write for example items.dim=32:64")
        dimension = _named(left, key, text)
        low, colon, high = told.partition(":")
        if colon:
            if dimension.range is None:
                raise BadInput(f"--where {text!r}: {dimension.name} is one of {_choices(dimension)}, not a range")
            left[dimension.name] = _between(dimension, low, high, text)
        elif "," in told:
            choices = tuple(_read(dimension, one, text) for one in told.split(","))
            left[dimension.name] = replace(dimension, range=None, choices=choices)
        else:
            fixed[dimension.name] = _read(dimension, told, text)
            del left[dimension.name]
    if not left:
        raise BadInput("--where leaves nothing to search; leave a range open")
    return left, fixed


def _named(space: Mapping[str, Dimension], key: str, text: str) -> Dimension:
    found = [dimension for name, dimension in space.items() if key in (name, name.partition(".")[2])]
    if len(found) != 1:
        raise BadInput(f"--where {text!r}: {key!r} is not searched once; choose from {', '.join(space)}")
    return found[0]


def _between(dimension: Dimension, low: str, high: str, text: str) -> Dimension:
    try:
        ends = [dimension.kind(end) for end in (low, high)]
        return replace(dimension, range=replace(dimension.range, low=ends[0], high=ends[1]))  # type: ignore[type-var]
    except ValueError as error:
        raise BadInput(f"--where {text!r} is no range of {dimension.kind.__name__}s ({error})") from error


def _read(dimension: Dimension, text: str, where: str) -> Value:
    if dimension.choices:
        found = [choice for choice in dimension.choices if str(choice).lower() == text.strip().lower()]
        if not found:
            raise BadInput(f"--where {where!r}: {dimension.name} must be one of {_choices(dimension)}")
        return found[0]
    try:
        value: Value = dimension.kind(text)
    except ValueError as error:
        raise BadInput(f"--where {where!r}: {text!r} is no {dimension.kind.__name__}") from error
    return value


def _choices(dimension: Dimension) -> str:
    return ", ".join(map(str, dimension.choices))


def by_section(values: Mapping[str, Value]) -> dict[str, dict[str, Value]]:
    """{"items.dim": 64} -> {"items": {"dim": 64}}, as palate.toml has it."""
    tables: dict[str, dict[str, Value]] = {}
    for name, value in values.items():
        table, _, key = name.partition(".")
        tables.setdefault(table, {})[key] = value
    return tables
