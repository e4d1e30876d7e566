"""From values to positions: a share of the width in percent, and the ticks that a reader would have chosen."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Label = Callable[[float], str]
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
INSET = 2.0  # percent that stay free on either side, so that a mark at an end is whole


@dataclass(frozen=True)
class Scale:
    """Maps `low` .. `high` to INSET .. 100 - INSET, evenly or by logarithm; `ticks` are values inside."""

    low: float
    high: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def position(self, value: float) -> float:
        """Percent of the width; a value outside lands on the edge."""
        low, high, place = (
            math.log(one) if self.is_log else one for one in (self.low, self.high, max(value, self._least))
        )
        part = (place - low) / (high - low)
        return INSET + (100.0 - 2.0 * INSET) * min(max(part, 0.0), 1.0)

    @property
    def _least(self) -> float:
        return self.low if self.is_log else -math.inf

    @property
    def label(self) -> Label:
        """How ticks are written: with just the decimals that their distance needs, without a leading zero."""
        gap = min((b - a for a, b in zip(self.ticks, self.ticks[1:], strict=False)), default=1.0)
        decimals = 0
        while decimals < 6 and abs(round(gap, decimals) - gap) > gap * 1e-6:
            decimals += 1

        def write(value: float) -> str:
            if self.is_log:
                return f"{value:g}".removeprefix("0")
            digits = f"{abs(value):,.{decimals}f}"
            short = digits.removeprefix("0") if decimals and abs(value) < 1 and value else digits
            return f"\N{MINUS SIGN}{short}" if value < 0 else short if value else "0"

        return write


def linear(values: Iterable[float], include: Sequence[float] = (0.0,), ticks: int = 5) -> Scale:
    """An even scale around `values` and `include`, with about `ticks` ticks at round numbers.

    >>> linear([0.031, 0.121]).ticks
    (0.0, 0.025, 0.05, 0.075, 0.1, 0.125)
    """
    held = [*values, *include] or [0.0]
    low, high = min(held), max(held)
    if high - low < 1e-12:
        low, high = low - 0.5, high + 0.5
    size = (high - low) / ticks
    power = 10.0 ** math.floor(math.log10(size))
    step = next(power * one for one in STEPS if power * one >= size * (1.0 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    # A round number just beyond the values is worth its space; one far beyond is not.
    start = first * step if low - first * step < 0.5 * step else low
    stop = last * step if last * step - high < 0.5 * step else high
    inside = [one * step for one in range(first, last + 1) if start - 1e-9 * step <= one * step <= stop + 1e-9 * step]
    return Scale(start, stop, tuple(float(f"{one:.12g}") for one in inside))


def ratio(values: Iterable[float], include: Sequence[float] = (1.0,)) -> Scale:
    """A logarithmic scale for positive values, with ticks at 1, 2, 5 and their tenfolds.

    >>> ratio([0.8, 7.0]).ticks
    (1.0, 2.0, 5.0)
    """
    held = [one for one in [*values, *include] if one > 0.0]
    low, high = min(held, default=1.0) / 1.1, max(held, default=1.0) * 1.1
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    inside = [one * 10.0**power for power in powers for one in (1, 2, 5) if low <= one * 10.0**power <= high]
    return Scale(low, high, tuple(inside), is_log=True)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels near `wanted`, at least `gap` apart, in the same order; within `low` .. `high` if they fit.

    >>> spread([10.0, 12.0, 50.0], gap=16.0, low=0.0, high=100.0)
    [10.0, 26.0, 50.0]
    """
    order = sorted(range(len(wanted)), key=lambda one: wanted[one])
    places = list(wanted)
    least = low
    for one in order:
        places[one] = least = max(places[one], least)
        least += gap
    most = high
    for one in reversed(order):
        if places[one] <= most:
            break
        places[one] = most
        most -= gap
    return places
