"""Two spaces or two runs side by side: the section that opens the page when the report is a comparison."""

from collections.abc import Mapping
from typing import Any

from palate.core.markup import Html, joined, tag
from palate.evaluation.report.plots.forest import Forest, Row
from palate.evaluation.report.plots.marks import Mark, Reference, legend
from palate.evaluation.report.plots.scale import linear
from palate.evaluation.report.reading import Data, Difference, difference, estimate
from palate.evaluation.report.sections.answer import LOOKS
from palate.evaluation.report.sections.frame import absent, chance, numbers, section
from palate.evaluation.report.wording import count, metric


def compare(data: Data) -> Html | None:
    """What a scores, what b scores, their difference over the same rows, and the verdict; None for no comparison."""
    part = data.get("compare")
    if not part:
        return None
    found = part.get("tasks") or {}
    a, b = str(part.get("a") or "a"), str(part.get("b") or "b")
    how = tag("p", part["mode"]) if part.get("mode") else None
    if not found:
        return section(
            "compare", f"{a} and {b}", how, absent("Not compared: the two share no task with listeners in it.")
        )
    verdicts = [
        tag("li", tag("b", task), ": ", one["verdict"]) for task, one in found.items() if one and one.get("verdict")
    ]
    words = tag("ul", *verdicts, class_="verdicts") if verdicts else None
    return section("compare", f"{a} and {b}", how, words, _scores(found, a, b), _differences(found, a, b))


def _scores(found: Mapping[str, Any], a: str, b: str) -> Html | None:
    rows, ends = [], []
    for task, one in found.items():
        pair = [
            (name, look, estimate((one or {}).get(key))) for name, look, key in ((a, "rival", "a"), (b, "first", "b"))
        ]
        marks = [Mark(name, each, look) for name, look, each in pair if each]
        ends += [end for mark in marks for end in mark.estimate.ends]
        rows.append(Row(task, marks, [numbers(each) for *_, each in pair], note=_note(one or {})))
    if not ends:
        return None
    forest = Forest("task", (a, b), rows, linear(ends))
    return joined(legend(("rival", a), ("first", b)), forest.drawn("Each by itself, with 95% intervals."))


def _differences(found: Mapping[str, Any], a: str, b: str) -> Html | None:
    """The drawn differences; which of the two was subtracted is told from the numbers, since reports may do either."""
    known = {task: difference((one or {}).get("difference"), len(found)) for task, one in found.items()}
    ends = [end for one in known.values() if one for end in one.estimate.ends]
    if not ends:
        return None
    ours, theirs = (a, b) if _is_a_minus_b(found, known) else (b, a)
    rows = []
    for task, one in known.items():
        marks = [Mark(task, one.estimate, LOOKS[one.sign], signed=True)] if one else []
        cells = (numbers(one.estimate, signed=True), chance(one)) if one else ("", "")
        rows.append(Row(task, marks, cells, note=_note(found[task] or {})))
    forest = Forest("task", ("difference", "p"), rows, linear(ends), references=[Reference(0.0, "level", "zero")])
    return forest.drawn(f"{ours} minus {theirs} over the same rows. A hollow dot cannot be told from nothing.")


def _is_a_minus_b(found: Mapping[str, Any], known: Mapping[str, Difference | None]) -> bool:
    votes = 0
    for task, one in known.items():
        a, b = estimate((found[task] or {}).get("a")), estimate((found[task] or {}).get("b"))
        if one and a and b:
            gap = a.value - b.value
            votes += 1 if abs(one.estimate.value - gap) < abs(one.estimate.value + gap) else -1
    return votes > 0


def _note(one: Mapping[str, Any]) -> str:
    return f"{metric(str(one.get('metric') or ''))}, {count(one.get('rows'))} questions about {count(one.get('users'))}"
