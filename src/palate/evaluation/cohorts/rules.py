"""The small language in which a cohort is defined; nothing in it is ever run as Python.

rule       = both { "or" both }
both       = part { "and" part }             "and" binds tighter than "or"
part       = "(" rule ")" | column op value
op         = == != < <= > >= has             `has` looks for one value of a list: languages has sv
value      = a word, or any text in quotes   for numbers also a date, true, false, or p90: the 90th percentile
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.evaluation.cohorts.features import Features
from palate.listening.listeners import number_of

Members = NDArray[np.bool_]

_TOKEN = re.compile(
    r"""\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<sign>[=!<>]=|[<>()])|(?P<word>[^\s"'=!<>()]+))"""
)
_PERCENTILE = re.compile(r"p([0-9]+(?:\.[0-9]+)?)")
_FLAGS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
_COMPARE: dict[str, Callable[[NDArray[np.float64], float], Members]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


class Rule(Protocol):
    """One rule, parsed."""

    def members(self, features: Features, among: Members | None = None) -> Members:
        """(users,) True where the rule holds; an unknown value never makes a member. BadInput for an unknown column.

        among # (users,) True for those whose percentiles count; None for everybody with a play
        """
        ...


@dataclass(frozen=True)
class Column:
    """A rule that is only a column: one cohort for each of its most frequent values."""

    name: str

    def members(self, features: Features, among: Members | None = None) -> Members:
        """Always BadInput: a column has no members before it is split by value."""
        raise BadInput(f"{self.name} is only a column; compare it with a value, e.g. {self.name} == ...")


@dataclass(frozen=True)
class Comparison:
    """One column against one value; `quoted` values are text as they stand."""

    column: str
    op: str
    value: str
    quoted: bool = False

    def members(self, features: Features, among: Members | None = None) -> Members:
        """(users,) True where the column is known and compares so; nobody where this home lacks the column."""
        if self.column in features.absent:
            return np.zeros(len(features), np.bool_)
        if self.column in features.numbers:
            among = features.numbers["plays"] > 0.0 if among is None else among
            return self._numbers(features.numbers[self.column], among)
        if self.column not in features.texts:
            raise BadInput(f"there is no column {self.column!r}; there are: {', '.join(features.names)}")
        return self._texts(features.texts[self.column])

    def _numbers(self, values: NDArray[np.float64], among: Members) -> Members:
        if self.op == "has":
            raise BadInput(f"{self.column} is a number; compare it with one of {' '.join(_COMPARE)}, not with has")
        return ~np.isnan(values) & _COMPARE[self.op](values, self._bound(values, among))

    def _bound(self, values: NDArray[np.float64], among: Members) -> float:
        """The number to compare with; NaN for a percentile of nobody."""
        percentile = None if self.quoted else _PERCENTILE.fullmatch(self.value)
        if percentile is None:
            number = _FLAGS.get(self.value, number_of(self.value))
            if np.isnan(number):
                raise BadInput(
                    f"{self.column} is a number and {self.value!r} is none; write 4, 2014-01-20, true or p90"
                )
            return number
        share = float(percentile[1])
        if share > 100.0:
            raise BadInput(f"{self.value} is no percentile; choose one from p0 to p100")
        counted = values[~np.isnan(values) & among]
        return float(np.percentile(counted, share)) if len(counted) else np.nan

    def _texts(self, values: NDArray[np.object_]) -> Members:
        known = np.array([text is not None for text in values], np.bool_)
        if self.op == "has":
            return np.array([text is not None and self.value in text.split("|") for text in values], np.bool_)
        if self.op not in ("==", "!="):
            raise BadInput(f"{self.column} is text; compare it with ==, != or has, not with {self.op}")
        equal = np.array([text == self.value for text in values], np.bool_)
        return known & (equal if self.op == "==" else ~equal)


@dataclass(frozen=True)
class Joined:
    """Two rules with `and` or `or` between."""

    word: str
    left: Rule
    right: Rule

    def members(self, features: Features, among: Members | None = None) -> Members:
        """(users,) True where both hold, or where one does."""
        left = self.left.members(features, among)
        if self.word == "or":
            return left | self.right.members(features, among)
        return left & self.right.members(features, left if among is None else left & among)


def parse(text: str) -> Rule:
    """Reads a rule; BadInput that says where it cannot be read.

    >>> parse("plays < 4 and country == 'SE'")
    Joined(word='and', left=Comparison(column='plays', op='<', value='4', quoted=False), \
right=Comparison(column='country', op='==', value='SE', quoted=True))
    """
    tokens = _tokens(text)
    if len(tokens) == 1 and tokens[0].kind != "sign":
        return Column(tokens[0].text)
    reader = _Reader(text, tokens)
    rule = reader.joined("or")
    if reader.next() is not None:
        raise reader.error("and, or, or the end")
    return rule


def columns_of(rule: Rule) -> list[str]:
    """The columns that a rule speaks of, each once, in its order."""
    if isinstance(rule, Joined):
        return list(dict.fromkeys(columns_of(rule.left) + columns_of(rule.right)))
    return [rule.name] if isinstance(rule, Column) else [rule.column] if isinstance(rule, Comparison) else []


def written(text: str, bare: bool = False) -> str:
    """A text as a rule may name it: in quotes, or with `bare` as it is where that is possible."""
    if bare and text.isidentifier() and text not in ("and", "or", "has"):
        return text
    return f"'{text}'" if '"' in text else f'"{text}"'


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def _tokens(text: str) -> list[_Token]:
    tokens, place = [], 0
    while text[place:].strip():
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise BadInput(
                f"the rule {text!r} cannot be read at {text[place:].strip()[:20]!r}; write for example: "
                'plays < 4 and country == "SE"'
            )
        kind = "quoted" if found.lastgroup in ("double", "single") else found.lastgroup
        tokens.append(_Token(kind, found[found.lastgroup]))
        place = found.end()
    return tokens


class _Reader:
    """Walks over the tokens of one rule."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self._text, self._tokens, self._place = text, tokens, 0

    def next(self) -> _Token | None:
        """The token that comes next; None at the end."""
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def joined(self, word: str) -> Rule:
        """Parts with `word` between; parts of "or" are joined by "and" themselves."""
        left = self._part() if word == "and" else self.joined("and")
        while self._taken("word", word):
            right = self._part() if word == "and" else self.joined("and")
            left = Joined(word, left, right)
        return left

    def error(self, wanted: str) -> BadInput:
        """What to raise where the next token does not fit."""
        token = self.next()
        found = "it ends" if token is None else f"{token.text!r} stands"
        return BadInput(
            f"the rule {self._text!r} cannot be read: {found} where {wanted} is needed; write for example: "
            'plays < 4 and country == "SE"'
        )

    def _part(self) -> Rule:
        if self._taken("sign", "("):
            rule = self.joined("or")
            if not self._taken("sign", ")"):
                raise self.error(")")
            return rule
        column = self._text_token("a column")
        op = self.next()
        if op is None or not (op.text in _COMPARE or op == _Token("word", "has")) or op.kind == "quoted":
            raise self.error("== != < <= > >= or has")
        self._place += 1
        value = self._text_token("a value")
        return Comparison(column.text, op.text, value.text, value.kind == "quoted")

    def _taken(self, kind: str, text: str) -> bool:
        taken = self.next() == _Token(kind, text)
        self._place += taken
        return taken

    def _text_token(self, wanted: str) -> _Token:
        token = self.next()
        if token is None or token.kind == "sign" or token in (_Token("word", "and"), _Token("word", "or")):
            raise self.error(wanted)
        self._place += 1
        return token
