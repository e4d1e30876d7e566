"""Numbers, dates and names as a reader wants them: few digits, true minus signs, no leading zero below one."""

import datetime
import math
from collections.abc import Sequence
from typing import Any

NOTHING = "\N{EN DASH}"  # in a cell, where no number is known
MINUS = "\N{MINUS SIGN}"
NARROW = "\N{NARROW NO-BREAK SPACE}"  # keeps a sign and its number on one line
STEPS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))
METRICS = {"ndcg": "NDCG", "mrr": "MRR", "map": "MAP", "auc": "AUC", "hit_rate": "hit rate"}


def number(value: float | None, decimals: int = 4, signed: bool = False) -> str:
    """A number with a fixed count of decimals, and a dash for none.

    >>> number(0.12094), number(-0.0012, signed=True), number(3.14159, 2), number(-0.00001), number(None)
    ('.1209', '−.0012', '3.14', '.0000', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    digits = f"{abs(value):,.{decimals}f}"
    is_zero = not digits.strip("0.,")
    sign = "" if is_zero else MINUS if value < 0 else "+" if signed else ""
    return sign + (digits.removeprefix("0") if decimals else digits)


def digits(*values: float | None) -> int:
    """How many decimals numbers of this size deserve: four below one, fewer above, none from a thousand on.

    >>> digits(0.12), digits(0.9, 1.1), digits(42.66), digits(123456.7)
    (4, 2, 1, 0)
    """
    size = max((abs(one) for one in values if one is not None), default=0.0)
    return 4 if size < 1 else 2 if size < 10 else 1 if size < 1000 else 0


def sensible(value: float | None, signed: bool = False) -> str:
    """A number with the decimals that it deserves.

    >>> sensible(0.12094), sensible(3.14159), sensible(42.66), sensible(123456.7)
    ('.1209', '3.14', '42.7', '123,457')
    """
    return number(value, digits(value), signed)


def bounds(low: float | None, high: float | None, signed: bool = False, decimals: int | None = None) -> str:
    """An interval in brackets, "" when it is not known.

    >>> bounds(0.11, 0.132), bounds(-0.0012, 0.003), bounds(0.775, 1.25)
    ('[.1100, .1320]', '[−.0012, .0030]', '[.78, 1.25]')
    """
    if low is None or high is None:
        return ""
    places = digits(low, high) if decimals is None else decimals
    return f"[{number(low, places, signed)}, {number(high, places, signed)}]"


def probability(p: float | None) -> str:
    """A p-value with its sign of equality, which a line cannot break apart.

    >>> [probability(p).replace(NARROW, " ") for p in (0.0012, 0.0004, 0.41, 1.0)]
    ['= .001', '< .001', '= .41', '= 1']
    """
    if p is None:
        return NOTHING
    if p < 0.001:
        return f"<{NARROW}.001"
    decimals = 3 if p < 0.1 else 2
    text = number(p, decimals)
    return f"={NARROW}" + (text.rstrip("0").rstrip(".") if p >= 0.995 else text)


def share(part: float | None, decimals: int = 0) -> str:
    """A part of one as a percentage.

    >>> share(0.574), share(-0.031, 1)
    ('57%', '−3.1%')
    """
    if part is None or not math.isfinite(part):
        return NOTHING
    return f"{number(100 * part, decimals)}%"


def count(value: float | None) -> str:
    """A whole number with commas.

    >>> count(265252)
    '265,252'
    """
    return NOTHING if value is None else f"{value:,.0f}"


def of_them(value: float | None, noun: str) -> str:
    """A count with its noun, which is regular.

    >>> of_them(1, "listener"), of_them(1404, "listener")
    ('1 listener', '1,404 listeners')
    """
    return f"{count(value)} {noun}{'' if value == 1 else 's'}"


def duration(seconds: float | None) -> str:
    """A length of time in its largest unit.

    >>> duration(0), duration(5.31), duration(64), duration(14400), duration(7 * 86400), duration(0.25)
    ('0 s', '5.3 s', '1.1 min', '4 h', '7 d', '0.25 s')
    """
    if seconds is None:
        return NOTHING
    for size, unit in STEPS:
        if seconds >= size:
            return f"{round(seconds / size, 1):g} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


def age(seconds: float) -> str:
    """How old a taste is: "now" for nothing.

    >>> age(0), age(3600), age(86400 * 28)
    ('now', '1 h', '28 d')
    """
    return "now" if seconds <= 0 else duration(seconds)


def date(seconds: float | None) -> str:
    """The day of a moment in unix seconds.

    >>> date(1390208400.0)
    '2014-01-20'
    """
    if seconds is None:
        return NOTHING
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date().isoformat()


def metric(key: str) -> str:
    """A metric's key as it is written in papers.

    >>> metric("ndcg@100"), metric("hit_rate@10"), metric("recall@100"), metric("spearman")
    ('NDCG@100', 'hit rate@10', 'recall@100', 'spearman')
    """
    name, at, length = key.partition("@")
    return METRICS.get(name, name.replace("_", " ")) + at + length


def listed(words: Sequence[Any]) -> str:
    """Words as a list in a sentence.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    names = [str(one) for one in words]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def sentence(words: str) -> str:
    """Words as a sentence: a capital first, a full stop last.

    >>> sentence("items heard in the week"), sentence("Is it?")
    ('Items heard in the week.', 'Is it?')
    """
    return capital(words) + ("" if words[-1:] in ".!?" else ".")


def short(name: str, letters: int) -> str:
    """A name that fits a drawing; its whole stands in the tooltip and in the table.

    >>> short("item-knn", 8), short("a very long name", 8)
    ('item-knn', 'a very …')
    """
    return name if len(name) <= letters else name[: letters - 1] + "\N{HORIZONTAL ELLIPSIS}"


def capital(text: str) -> str:
    """The text with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]
