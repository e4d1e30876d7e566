"""From values to places on an axis, with the ticks that a reader would have chosen; numbers as a reader wants them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
LARGEST = 1e300
MINUS = "\N{MINUS SIGN}"
LOG_FROM = 30.0  # times from the least to the most, where an even axis would press most values together


@dataclass(frozen=True)
class Axis:
    """`low` .. `high`, evenly or by logarithm; `ticks` are values inside, ascending."""

    low: float
    high: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def part(self, value: float) -> float:
        """Where a value stands: 0 at `low`, 1 at `high`; a value outside stands at the edge."""
        if self.is_log:
            low, high, value = math.log(self.low), math.log(self.high), math.log(max(value, self.low))
        else:
            low, high = self.low, self.high
        return min(max((value - low) / (high - low), 0.0), 1.0)

    def label(self, tick: float) -> str:
        """A tick with just the decimals that the distance between ticks needs: `.025`, `1,000`, `2e−05`."""
        if self.is_log or (tick and not 1e-4 <= abs(tick) < 1e6):
            return in_figures(tick)
        gap = min((b - a for a, b in zip(self.ticks, self.ticks[1:], strict=False)), default=1.0)
        decimals = next((one for one in range(6) if abs(round(gap, one) - gap) <= gap * 1e-6), 6)
        digits = f"{abs(tick):,.{decimals}f}"
        short = digits.removeprefix("0") if decimals and tick else digits
        return f"{MINUS}{short}" if tick < 0 else short if tick else "0"


def fits(value: float, is_log: bool = False) -> bool:
    """Whether a value can stand on an axis: finite and below 1e300, where differences are; positive by logarithm."""
    return abs(value) < LARGEST and (value > 1.0 / LARGEST or not is_log)


def axis(values: Iterable[float], *, include: Sequence[float] = (), is_log: bool = False, ticks: int = 5) -> Axis:
    """An axis around the `values` that fit one and `include`, with about `ticks` ticks at round numbers.

    Without any value it goes from 0 to 1.

    >>> axis([0.031, 0.121], include=[0.0]).ticks
    (0.0, 0.025, 0.05, 0.075, 0.1, 0.125)
    >>> axis([0.8, 7.0], is_log=True).ticks
    (1.0, 2.0, 5.0)
    """
    held = [float(one) for one in (*values, *include) if fits(one, is_log)]
    low, high = min(held, default=0.0), max(held, default=1.0)
    if is_log and held:
        return _ratio(low, high)
    if high - low <= max(1e-9 * max(abs(low), abs(high)), 1e-300):
        around = abs(low) / 2 or 0.5
        low, high = low - around, high + around
    size = (high - low) / ticks
    power = 10.0 ** math.floor(math.log10(size))
    step = next(power * one for one in STEPS if power * one >= size * (1.0 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    # A round number just beyond the values is worth its space; one far beyond is not.
    low = first * step if low - first * step < 0.5 * step else low
    high = last * step if last * step - high < 0.5 * step else high
    inside = [one * step for one in range(first, last + 1) if low - 1e-9 * step <= one * step <= high + 1e-9 * step]
    return Axis(low, high, tuple(float(f"{one:.12g}") for one in inside))


def _ratio(low: float, high: float) -> Axis:
    low, high = low / 1.1, high * 1.1
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if len(powers) <= 3 else (1,)
    every = max(1, len(powers) // 6)
    inside = [float(f"{one}e{power}") for power in powers[::every] for one in steps]
    return Axis(low, high, tuple(one for one in inside if low <= one <= high), is_log=True)


def spans_powers(values: Iterable[float]) -> bool:
    """Whether values ask for a logarithmic axis: all positive, the most over 30 times the least."""
    held = list(values)
    return bool(held) and min(held) > 0.0 and max(held) > LOG_FROM * min(held)


def in_figures(value: object, figures: int = 4) -> str:
    """A number with its first figures, no leading zero and a true minus; anything else as text; None as a dash.

    >>> [in_figures(one) for one in (0.120943, -3.14159, 123456.7, 12, 1e-5, True, None, "taste@7")]
    ['.1209', '−3.142', '123,457', '12', '1e−05', 'yes', '–', 'taste@7']
    """
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace("-", MINUS)
    if not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return {math.inf: "\N{INFINITY}", -math.inf: f"{MINUS}\N{INFINITY}"}.get(value, "not a number")
    size = abs(value)
    if size >= 1e9 or 0.0 < size < 1e-4:
        return _power(value, figures)
    if size >= 10 ** (figures - 1):
        return f"{value:,.0f}".replace("-", MINUS)
    digits = f"{size:.{figures}g}"
    return (MINUS if value < 0 else "") + (digits.removeprefix("0") if "." in digits else digits)


def fixed(value: float, decimals: int) -> str:
    """A number with a fixed count of decimals, written as `in_figures` does.

    >>> fixed(0.1, 3), fixed(-1234.5, 1), fixed(0.0, 2)
    ('.100', '−1,234.5', '0')
    """
    if not math.isfinite(value):
        return in_figures(value)
    digits = f"{abs(value):,.{decimals}f}"
    if not digits.strip("0.,"):
        return "0"
    return (MINUS if value < 0 else "") + (digits.removeprefix("0") if decimals else digits)


def _power(value: float, figures: int) -> str:
    mantissa, _, power = f"{value:.{figures - 1}e}".partition("e")
    short = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{short}e{power.removeprefix('+')}".replace("-", MINUS)
