"""`--where` and `--sort`: choosing and ordering runs by what they are listed by.

A condition is one Python comparison or several joined by and, or, not: `task == 'discover' and ndcg_at_10 > .05`,
`state in ('failed', 'interrupted')`, `items.dim >= 64`, `summary['val/loss'] < 1`. A name that a run does not have
makes its comparison false. Nothing is executed: only comparisons, names, numbers, texts and lists are read.
"""

import ast
import difflib
import math
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from palate.core.errors import BadInput

Named = Callable[[str], Any]  # a run's value under a name, None where it has none
T = TypeVar("T")

_OPERATORS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
TABLES = ("summary", "config", "about")
LONGEST = 2_000  # characters of a condition; Python's parser has a depth, and what fits on a command line is below it
EXAMPLE = "task == 'discover' and ndcg_at_10 > .05"


def condition(text: str) -> Callable[[Named], bool]:
    """Compiles a condition; BadInput says what cannot be read in it."""
    return _boolean(_parsed(text), text)


def names_in(text: str) -> list[str]:
    """The names that a condition reads, in order, each once; BadInput as `condition`."""
    tree = _parsed(text)
    _boolean(tree, text)
    found: list[tuple[int, str]] = []
    inner: set[ast.AST] = set()  # `items` in `items.dim` is no name of its own
    for node in ast.walk(tree):
        name = _name(node)
        if name is not None and isinstance(node, ast.expr) and node not in inner:
            found.append((node.col_offset, name))
            inner |= set(ast.walk(node))
    return list(dict.fromkeys(name for _, name in sorted(found)))


def names_of_sort(text: str) -> list[str]:
    """The names of `--sort`, without their signs."""
    return [part.strip().lstrip("-") for part in text.split(",") if part.strip()]


def check_names(names: Iterable[str], known: Iterable[str]) -> None:
    """BadInput for the first name that is not known, with those that are near it."""
    there = dict.fromkeys(known)
    for name in names:
        table, _, rest = name.partition(".")
        if name not in there and not (table in TABLES and rest in there):
            near = difflib.get_close_matches(name, there, n=5, cutoff=0.5)
            choices = f"near it: {', '.join(near)}" if near else f"there are {', '.join(sorted(there)[:30])}"
            raise BadInput(f"no run has {name!r}; {choices}; a text wants quotes, as in {EXAMPLE!r}")


def _parsed(text: str) -> ast.expr:
    try:
        if len(text) > LONGEST:
            raise ValueError(f"longer than {LONGEST:,} characters")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a text is the writer's own affair
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadInput(f"--where {text!r} cannot be read ({error}); write for example {EXAMPLE!r}") from error


def _boolean(node: ast.expr, text: str) -> Callable[[Named], bool]:
    match node:
        case ast.BoolOp(op, values):
            parts = [_boolean(value, text) for value in values]
            wanted = isinstance(op, ast.Or)  # the first part that is so decides

            def joined(named: Named) -> bool:
                for part in parts:
                    if part(named) is wanted:
                        return wanted
                return not wanted

            return joined
        case ast.UnaryOp(ast.Not(), operand):
            inner = _boolean(operand, text)
            return lambda named: not inner(named)
        case ast.Compare(left, ops, rights):
            terms = [_term(side, text) for side in (left, *rights)]
            signs = [_OPERATORS.get(type(op)) for op in ops]
            pairs = [_pair(a, sign, b) for a, sign, b in zip(terms, signs, terms[1:], strict=False) if sign is not None]
            if len(pairs) < len(ops):
                raise _unreadable(node, text)
            return pairs[0] if len(pairs) == 1 else lambda named: all(pair(named) for pair in pairs)
        case ast.Name() | ast.Attribute() | ast.Subscript() | ast.Constant():
            value = _term(node, text)
            return lambda named: bool(value(named))
    raise _unreadable(node, text)


def _pair(
    left: Callable[[Named], Any], sign: Callable[[Any, Any], bool], right: Callable[[Named], Any]
) -> Callable[[Named], bool]:
    def compares(named: Named) -> bool:
        a, b = left(named), right(named)
        try:
            return a is not None and b is not None and bool(sign(a, b))
        except TypeError:  # a text and a number have no order
            return False

    return compares


def _term(node: ast.expr, text: str) -> Callable[[Named], Any]:
    match node:
        case ast.Constant(value):
            return lambda _: value
        case ast.Name() | ast.Attribute() | ast.Subscript():
            name = _name(node)
            if name is None:
                raise _unreadable(node, text)
            return lambda named: named(name)
        case ast.Tuple(elements) | ast.List(elements) | ast.Set(elements):
            parts = [_term(element, text) for element in elements]
            return lambda named: [part(named) for part in parts]
        case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as number)):
            return lambda _: -number
    raise _unreadable(node, text)


def _name(node: ast.AST) -> str | None:
    """`a`, `a.b.c`, or `summary['any text']`; None for what is no name."""
    match node:
        case ast.Name(name):
            return name
        case ast.Attribute(value, last):
            before = _name(value) if not isinstance(value, ast.Subscript) else None
            return None if before is None else f"{before}.{last}"
        case ast.Subscript(ast.Name(table), ast.Constant(str(name))) if table in TABLES:
            return f"{table}.{name}"
    return None


def _unreadable(node: ast.AST, text: str) -> BadInput:
    what = ast.unparse(node)
    return BadInput(
        f"--where {text!r}: {what!r} is not a comparison of names and values; write for example {EXAMPLE!r}"
    )


def ordered(things: Iterable[T], sort: str, named: Callable[[T], Named]) -> list[T]:
    """The things by `sort`: names joined by commas, `-` before a name for descending. Without a value: last."""
    result = list(things)
    for key in reversed([part.strip() for part in sort.split(",") if part.strip()]):
        falling, name = key.startswith("-"), key.lstrip("-")
        found = [(named(thing)(name), thing) for thing in result]
        there = [pair for pair in found if not _missing(pair[0])]
        numbers = all(isinstance(value, int | float) for value, _ in there)
        there.sort(key=(lambda pair: pair[0]) if numbers else (lambda pair: str(pair[0])), reverse=falling)
        result = [thing for _, thing in there] + [thing for value, thing in found if _missing(value)]
    return result


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested tables with dotted names: {"items": {"dim": 64}} -> {"items.dim": 64}; lists become texts."""
    out: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            out |= flat(value, f"{before}{name}.")
        elif isinstance(value, list | tuple):
            out[f"{before}{name}"] = ", ".join(map(str, value))
        else:
            out[f"{before}{name}"] = value
    return out
