"""A sentence says only what its evidence says: every number in the unit in which it stands, and every name.

Names that the evidence gives are taken out first, then every number that the evidence explains. What is left may hold
no digit, no capital but at the beginning, and no quotation. A name in small letters that is a common word is not found.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from palate.evaluation.claims.registry import Evidence

DAYS_A_MONTH = 30.4
PERIODS = {"a day": 1, "a week": 7, "two weeks": 14, "four weeks": 28, "a month": 30, "half a year": 182}
COUNTED = r"(?:times|days?|months?|sittings?|playlists?|listeners?|%|bpm)"
_PERIOD = rf"({'|'.join(PERIODS)}|[\d,]+ days?)"
_TIMES = r"\b(once|twice|[\d,]+ times)\b"
_WORD = re.compile(r"[^\W\d_][\w'’-]*")

# Words that may begin a sentence or what follows a colon without being anybody's name.
_OPENERS = """
    a about after again album albums all also an and another artists as at audiobooks back based because before
    best between both by calm calmer chosen close count daily discover each easy enough episodes even ever
    familiar faster first for found fresh from going good half hardly have heard here how if in it jump just keep last
    lately let like liked listeners livelier lively louder made many mix more most mostly much music near never
    new next no nobody none not now of often on once one only or other others over part people pick picked
    played playlists podcasts popular put quiet rarely rediscover remember rising said saved shows similar since
    sit slow slower so softer some something songs start starts still taste tell that the then there these they
    this time titles to today together tracks try twice two up we welcome what when where which while who why with
    without yesterday you your yours
"""
OPENERS = frozenset(_OPENERS.split())


def wrong_in(sentence: str, evidence: list[Evidence], names: Iterable[str], to_somebody: bool) -> str | None:
    """What a sentence says that its evidence does not, in words; None when there is nothing.

    names: what the evidence and the item itself may be called. to_somebody: whether there is a "you".
    """
    if not to_somebody and re.search(r"\byou", _without(sentence, names), re.IGNORECASE):
        return "it speaks to somebody, and nobody asked"
    try:
        left = _explained(_without(sentence, names), evidence)
    except ValueError as error:
        return str(error)
    quoted = re.search(r"[“\"]([^”\"\0]+)[”\"]", left)
    if quoted:
        return f"it quotes {quoted[1]!r}"
    digits = re.search(r"[\d][\d.,]*", left)
    if digits:
        return f"it says {digits[0]}"
    return _named(left)


def _without(sentence: str, names: Iterable[str]) -> str:
    """The sentence with a \\0 in the place of each name, the longest first; a number that is counted is no name."""
    for name in sorted({name for name in names if name}, key=len, reverse=True):
        sentence = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)(?!,?\d*\s*{COUNTED})", "\0", sentence)
    return sentence


def _explained(rest: str, evidence: list[Evidence]) -> str:
    """The sentence without the numbers that the evidence explains; ValueError for one that it does not."""
    plays = set(_values(evidence, "plays", "week", "month"))
    spans = {(one["plays"], one["days"]) for one in evidence if one.get("days") and _is_number(one.get("plays"))}
    spans |= {pair for one in evidence if "week" in one for pair in ((one["week"], 7), (one["month"], 28))}
    days, heard = _values(evidence, "days"), _values(evidence, "plays")
    measured = _values(evidence, "energy", "tempo_bpm", "from_bpm", "cosine")
    ages = [*_values(evidence, "days_ago"), *(one["days"] for one in evidence if one["type"] == "new" and one["days"])]
    shares = [round(100 * value) for value in _values(evidence, "share")] + _values(evidence, "percent")

    def within(text: str) -> bool:
        unheard = any(one["type"] == "new" and one.get("days") is None for one in evidence)  # "..., or by nobody yet"
        return _period(text) in days or ((bool(ages) or unheard) and max(ages, default=0.0) <= _period(text))

    def beyond(text: str) -> bool:
        return bool(ages) and min(ages) >= _period(text)

    simple: tuple[tuple[str, Callable[[re.Match[str]], bool]], ...] = (
        (rf"\bat least {_TIMES[2:]}", lambda m: bool(heard) and min(heard) >= _count(m[1])),
        (rf"\b(?:none|not) in the last {_PERIOD}", lambda m: beyond(m[1])),
        (rf"{_TIMES}(?: here)? in (?:the last )?{_PERIOD}", lambda m: (_count(m[1]), _period(m[2])) in spans),
        (_TIMES + r"(?= here in| in [^.,]*? in (?:a week|four weeks))", lambda m: _count(m[1]) in plays),
        (_TIMES, lambda m: _count(m[1]) in plays),
        (r"\b(today|yesterday|[\d,]+ (?:days?|months?) ago)\b", lambda m: _aged(m[1].removesuffix(" ago"), ages)),
        (r"\bnot for ([\d,]+ (?:days?|months?))\b", lambda m: _aged(m[1], ages)),
        (rf"\bin (?:the last )?{_PERIOD}\b", lambda m: within(m[1])),
        (r"\b([\d,]+) plays?\b", lambda m: _int(m[1]) in plays),
        (r"\b([\d,]+) (?:sittings?|playlists?)", lambda m: _int(m[1]) in _values(evidence, "groups")),
        (r"\b([\d,]+) (?:found|artists?|shows?)\b", lambda m: _int(m[1]) in _values(evidence, "found")),
        (r"\b([\d,]+) listeners?\b", lambda m: _int(m[1]) in _values(evidence, "listeners")),
        (r"\b([\d,]+) ?%", lambda m: _int(m[1]) in shares),
        (r"\b\d+(?:\.\d+)?\b(?: ?bpm\b)?", lambda m: _rounded(m[0].removesuffix("bpm").strip(), measured)),
    )  # fmt: skip
    for pattern, holds in simple:
        rest = re.sub(pattern, _checked(holds), rest, flags=re.IGNORECASE)
    return rest


def _checked(holds: Callable[[re.Match[str]], bool]) -> Callable[[re.Match[str]], str]:
    def check(found: re.Match[str]) -> str:
        if not holds(found):
            raise ValueError(f"it says {found[0]!r}, and the evidence does not")
        return " "

    return check


def _named(rest: str) -> str | None:
    """A capital that begins nothing, or a beginning that is no common word."""
    begin = True
    for part in re.finditer(r"[^\W\d_][\w'’-]*|[.!?:…]|\0", rest):
        if part[0] in ".!?:…":
            begin = True
            continue
        known = part[0] == "\0" or not part[0][0].isupper() or (begin and part[0].lower() in OPENERS)
        if not known and part[0] not in ("I", "DJ"):
            return f"it names {part[0]!r}"
        begin = False
    return None


def _values(evidence: list[Evidence], *names: str) -> list[Any]:
    """All numbers under these names; of `plays` by listener each."""
    found = [one[name] for one in evidence for name in names if name in one]
    return [n for value in found for n in (value.values() if isinstance(value, dict) else [value]) if _is_number(n)]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _int(text: str) -> int:
    return int(text.replace(",", ""))


def _count(text: str) -> int:
    return {"once": 1, "twice": 2}.get(text.lower()) or _int(text.split()[0])


def _rounded(text: str, values: list[float]) -> bool:
    """Whether one of the values is this number to the places that it has."""
    places = len(text.partition(".")[2])
    return any(abs(value - float(text)) <= 0.5001 * 10.0**-places for value in values)


def _period(text: str) -> int:
    return PERIODS[text.lower()] if text.lower() in PERIODS else _int(text.split()[0])


def _aged(text: str, ages: list[float]) -> bool:
    """Whether one of these ages in days is called so."""
    low, high = {"today": (0.0, 1.0), "yesterday": (1.0, 2.0)}.get(text.lower(), (0.0, 0.0))
    if not high:
        number, unit = text.split()
        length = DAYS_A_MONTH if unit.lower().startswith("month") else 1.0
        low, high = _int(number) * length, (_int(number) + 1) * length
    return any(low <= age < high for age in ages)
