"""Intrinsic: whether near vectors belong to listeners and items that are alike by plain rules."""

from collections.abc import Mapping, Sequence
from typing import Any

from palate.core.markup import Html, tag
from palate.evaluation.report.plots.forest import Forest, Row
from palate.evaluation.report.plots.marks import Mark, Reference
from palate.evaluation.report.plots.scale import ratio
from palate.evaluation.report.reading import Data, Estimate, estimate, why_absent
from palate.evaluation.report.sections.frame import absent, numbers, section
from palate.evaluation.report.wording import capital, count, sensible

ABOUT = "How much oftener the nearest are alike by a plain rule than anybody else is: a lift of 1 is chance."


def intrinsic(data: Data) -> Html:
    """One plot for listeners, one for items, and what was left out."""
    part = data.get("intrinsic") or {}
    plots = [_plot(part.get(of) or [], of) for of in ("listeners", "items")]
    if not any(plots):
        reason = why_absent(data, "intrinsic", "no method gave vectors, or nobody has a neighbour")
        return section("intrinsic", "Near and alike", absent(reason))
    missing = [tag("li", f"{name}: {why}") for name, why in (part.get("left_out") or {}).items()]
    without = tag("details", tag("summary", "Left out"), tag("ul", *missing)) if missing else None
    return section("intrinsic", "Near and alike", tag("p", ABOUT, class_="about"), *plots, without)


def _plot(found: Sequence[Mapping[str, Any]], of: str) -> Html | None:
    """Lift by heuristic and space, the spaces of one heuristic below each other."""
    known = [(one, lift) for one in found if (lift := estimate(one.get("lift"))) and lift.value > 0.0]
    if not known:
        return None
    rules = list(dict.fromkeys(str(one.get("heuristic")) for one, _ in known))
    known.sort(key=lambda pair: rules.index(str(pair[0].get("heuristic"))))
    rows = [_row(one, lift) for one, lift in known]
    scale = ratio([end for _, lift in known for end in lift.ends])
    forest = Forest(
        "rule", ("lift", "share", "by chance", of), rows, scale, references=[Reference(1.0, "chance", "zero")]
    )
    caption = [tag("b", capital(of)), ": the share of the nearest that is alike, over that of all others. The axis is "]
    caption += ["logarithmic; a hollow dot cannot be told from chance."]
    if any(one.get("trained_on") for one, _ in known):
        caption += [" \N{DAGGER} The rule reads what vectors are trained on, so a high lift is no surprise."]
    return forest.drawn(tag("span", *caption))


def _row(one: Mapping[str, Any], lift: Estimate) -> Row:
    name, space = str(one.get("heuristic")), str(one.get("space"))
    is_unsure = lift.low is None or lift.high is None or lift.low <= 1.0 <= lift.high
    mark = Mark(f"{space}, {name}", lift, "unsure" if is_unsure else "first")
    cells = (numbers(lift), numbers(estimate(one.get("share"))), sensible(one.get("random")), count(one.get("n")))
    return Row(f"{name} \N{DAGGER}" if one.get("trained_on") else name, (mark,), cells, note=space)
