"""With how few listens: accuracy for newcomers against how much is known of them."""

from collections.abc import Mapping, Sequence

from palate.core.markup import Html, joined, tag
from palate.evaluation.report.plots.curve import curve
from palate.evaluation.report.plots.scale import linear
from palate.evaluation.report.reading import Data, Estimate, Task, estimate, tasks, why_absent
from palate.evaluation.report.sections.frame import absent, numbers, section, table
from palate.evaluation.report.sections.staleness import lines
from palate.evaluation.report.wording import capital, count, listed, metric

Curves = Mapping[str, Mapping[str, Sequence[Estimate | None]]]  # by condition, then by method

TITLE = "With how few listens"


def coldstart(data: Data) -> Html:
    """A curve and a table for each target: what is heard next, and what of it is new."""
    part = data.get("cold_start") or {}
    listens = part.get("listens") or []
    known = list(tasks(data))
    bodies = []
    for target, told in (part.get("targets") or {}).items():
        found = _curves(told or {}, len(listens))
        task = next((one for one in known if one.name == target), Task(str(target), {}, {}))
        if found:
            bodies.append(_target(task, told, found, listens, metric(str(part.get("metric") or task.metric))))
    if not bodies:
        return section("coldstart", TITLE, absent(why_absent(data, "cold_start", "no newcomer had enough listens")))
    return section("coldstart", TITLE, *bodies)


def _curves(told: Data, length: int) -> Curves:
    found = {
        str(condition): {str(name): [estimate(one) for one in values or []] for name, values in (methods or {}).items()}
        for condition, methods in (told.get("methods") or {}).items()
    }
    whole = {
        condition: {name: values for name, values in methods.items() if any(values) and len(values) == length}
        for condition, methods in found.items()
    }
    return {condition: methods for condition, methods in whole.items() if methods}


def _target(task: Task, told: Data, found: Curves, listens: Sequence[float], measure: str) -> Html:
    most = {
        name: values for methods in found.values() for name, values in methods.items()
    }  # the last condition tells most
    title = f"{measure} on {task.name} for newcomers by how many listens are known"
    scale = linear([end for values in most.values() for one in values if one for end in one.ends])
    drawing = curve(lines(task, most), listens, scale, title, lambda one: f"{one:g}")
    picked = count(told.get("picked"))
    words = (
        f"{title}: {told.get('about')}. {count(told.get('rows'))} newcomers, {picked} of whom picked something at "
        "onboarding. All are asked at the same moment for the same answers; only how many of their first listens are "
        f"told changes. Drawn with the most that a method can be told ({listed(list(found))}); the table has them all."
    )
    cells = [
        [name if condition == next(iter(found)) else f"{name}, {condition}", *(numbers(one) for one in values)]
        for condition, methods in found.items()
        for name, values in methods.items()
    ]
    head = ["method", *(f"{one:g} {'listen' if one == 1 else 'listens'}" for one in listens)]
    whole = table(head, cells, f"{capital(title)}, as numbers")
    return joined(tag("figure", drawing, tag("figcaption", words), class_="plot"), whole)
