"""Probes: what a small model can read from the frozen vectors, as a table with shades."""

from collections.abc import Mapping, Sequence
from typing import Any

from palate.core.markup import Html, joined, tag
from palate.evaluation.report.reading import Data, Estimate, estimate, why_absent
from palate.evaluation.report.sections.frame import absent, numbers, section, table
from palate.evaluation.report.wording import count, metric, short

CHANCE = {"auc": 0.5}  # of a score that knows nothing; 0 for every other metric
LETTERS = 100  # of what a task asks; a group names all its members
DARKEST = 45  # percent of accent in the shade of a perfect score: the figures stay readable on it
ABOUT = (
    "A small model with fixed settings learns each task from the frozen vectors. The shade grows from chance to "
    "perfect; the best of a row is bold."
)


def probes(data: Data) -> Html:
    """Tasks down, spaces across, the Borda count below, and what was not asked."""
    part = data.get("probes") or {}
    spaces, found = [str(one) for one in part.get("spaces") or []], part.get("tasks") or []
    if not spaces or not found:
        reason = why_absent(data, "probes", "no space was probed, or no task had enough rows")
        return section("probes", "What the vectors know", absent(reason))
    rows = [_row(one, spaces) for one in found]
    rows += [_borda(part, spaces)] if part.get("borda") else []
    heat = table(["task", "rows", *spaces], rows, "Scores of the probes, with 95% intervals.", "heat")
    missing = [tag("li", f"{one.get('task')}: {one.get('reason')}") for one in part.get("absent") or []]
    without = tag("details", tag("summary", "Not asked"), tag("ul", *missing)) if missing else None
    return section("probes", "What the vectors know", tag("p", ABOUT, class_="about"), heat, without)


def _row(one: Mapping[str, Any], spaces: Sequence[str]) -> list[object]:
    key, positives = str(one.get("metric") or ""), one.get("positives")
    scores = [estimate((one.get("scores") or {}).get(space)) for space in spaces]
    best = max((score.value for score in scores if score), default=None)
    outside = "no space is better than chance, so it is not in Borda" if one.get("counts") is False else None
    about = "; ".join(str(word) for word in (one.get("about"), metric(key), outside) if word)
    note = tag("span", short(about, LETTERS), class_="note", title=about if len(about) > LETTERS else None)
    name = joined(tag("span", one.get("task"), class_="name"), note)
    size = joined(
        count(one.get("rows")), tag("span", f"{count(positives)} positive", class_="note") if positives else None
    )
    return [name, size, *(_cell(score, best, CHANCE.get(key, 0.0)) for score in scores)]


def _cell(score: Estimate | None, best: float | None, chance: float) -> Html:
    if score is None:
        return tag("td", numbers(None), class_="number")
    shade = DARKEST * min(max((score.value - chance) / (1.0 - chance), 0.0), 1.0)
    look = "number best" if score.value == best else "number"
    return tag("td", numbers(score), class_=look, style=f"--shade: {shade:.0f}%")


def _borda(part: Data, spaces: Sequence[str]) -> list[object]:
    """The last row: over all tasks, how many of the other spaces each one beats."""
    wide, bare = part.get("borda_intervals") or {}, part["borda"]
    found = [estimate(wide.get(space)) or estimate(bare.get(space)) for space in spaces]
    best = max((one.value for one in found if one), default=None)
    looks = ["number best" if one and one.value == best else "number" for one in found]
    name = joined(
        tag("b", "Borda"), tag("span", "other spaces beaten, over all tasks; 1 is all of them", class_="note")
    )
    return [name, "", *(tag("td", numbers(one), class_=look) for one, look in zip(found, looks, strict=True))]
