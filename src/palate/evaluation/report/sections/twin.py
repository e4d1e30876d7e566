"""The twin: a listener's week simulated from what was known, beside the week that they had."""

from collections.abc import Mapping
from typing import Any

from palate.core.markup import Html, tag
from palate.evaluation.report.plots.forest import Forest, Row
from palate.evaluation.report.plots.marks import Mark, legend
from palate.evaluation.report.plots.scale import linear
from palate.evaluation.report.reading import Data, estimate, why_absent
from palate.evaluation.report.sections.frame import absent, numbers, section, table
from palate.evaluation.report.wording import count, of_them

WHO = (("twin", "first", "twin"), ("last_week", "rival", "last week again"), ("random", "other", "random"))
ABOUT = (
    "A week simulated for each listener from what was known before it, compared with the week that they had. It has to "
    "be nearer to that than their last week played again, and than random plays."
)


def twin(data: Data) -> Html:
    """Each measure on a scale of its own, since they have different units."""
    part = data.get("twin") or {}
    measures = part.get("measures") or []
    rows = [row for one in measures if (row := _row(one))]
    if not rows:
        reason = why_absent(data, "twin", "no week was simulated, or too few listeners were there in it")
        return section("twin", "The twin", absent(reason))
    forest = Forest("measure", [words for *_, words in WHO], rows, None)
    drawn = f", {of_them(part['draws'], 'week')} simulated for each" if part.get("draws") else ""
    caption = f"{of_them(part.get('listeners'), 'listener')}{drawn}; 95% intervals. Every row has a scale of its own."
    looks = legend(*((look, words) for _, look, words in WHO))
    return section(
        "twin", "The twin", tag("p", ABOUT, class_="about"), looks, forest.drawn(caption), _verdicts(measures)
    )


def _row(one: Mapping[str, Any]) -> Row | None:
    found = [(words, look, estimate(one.get(key))) for key, look, words in WHO]
    marks = [Mark(words, each, look) for words, look, each in found if each]
    if not marks:
        return None
    scale = linear([end for mark in marks for end in mark.estimate.ends])
    return Row(str(one.get("measure")), marks, [numbers(each) for *_, each in found], _note(one), scale=scale)


def _note(one: Mapping[str, Any]) -> str:
    """What is measured, in what, and which end is the good one."""
    better = one.get("higher_is_better")
    end = None if better is None else "higher is better" if better else "lower is better"
    return "; ".join(str(word) for word in (one.get("about"), one.get("unit"), end) if word)


def _verdicts(measures: list[Mapping[str, Any]]) -> Html | None:
    """Twin minus last week, listener by listener, with what that says."""
    rows = [
        [
            str(one.get("measure")),
            count(one.get("listeners")),
            numbers(estimate(one.get("twin_minus_last_week")), signed=True),
            one.get("verdict") or "",
        ]
        for one in measures
        if estimate(one.get("twin_minus_last_week")) or one.get("verdict")
    ]
    if not rows:
        return None
    return table(
        ["measure", "listeners", "twin minus last week", "so"], rows, "The twin against last week played again."
    )
