"""At what age: accuracy against how old the taste is."""

from collections.abc import Mapping, Sequence

from palate.core.markup import Html, tag
from palate.evaluation.report.plots.curve import Line, curve
from palate.evaluation.report.plots.scale import linear
from palate.evaluation.report.reading import Data, Estimate, Task, estimate, tasks, why_absent
from palate.evaluation.report.sections.frame import absent, look, numbers, section, table
from palate.evaluation.report.wording import age, count, metric

BANDS = 3  # lines with a band; more of them cover each other
NAMED = 7  # lines with a look of their own; the others are faint


def staleness(data: Data) -> Html:
    """The curve and its table."""
    part = data.get("staleness") or {}
    ages = part.get("ages_seconds") or []
    found = {str(name): [estimate(one) for one in values or []] for name, values in (part.get("methods") or {}).items()}
    found = {name: values for name, values in found.items() if any(values) and len(values) == len(ages)}
    if not found:
        return section(
            "staleness", "At what age", absent(why_absent(data, "staleness", "the age of the taste was not varied"))
        )
    known = list(tasks(data))
    task = next((one for one in known if one.name == part.get("task")), Task(str(part.get("task")), {}, {}))
    key = str(part.get("metric") or task.metric)
    title = f"{metric(key)} on {task.name} by the age of the taste"
    scale = linear([end for values in found.values() for one in values if one for end in one.ends], include=())
    drawing = curve(lines(task, found), ages, scale, title)
    words = (
        f"{title}, {count(part.get('rows'))} questions. The models stay as they were trained; only what is known of "
        "the listener gets older. Bands are 95% intervals. Time is on a logarithmic axis; the other axis need not "
        "begin at zero."
    )
    cells = [[name, *(numbers(one) for one in values)] for name, values in found.items()]
    numbers_table = table(["method", *map(age, ages)], cells, f"{title}, as numbers")
    return section(
        "staleness", "At what age", tag("figure", drawing, tag("figcaption", words), class_="plot"), numbers_table
    )


def lines(task: Task, found: Mapping[str, Sequence[Estimate | None]]) -> list[Line]:
    """The judged method first, then the best baseline, then the others as they were when fresh."""
    turn = {"first": 0, "rival": 1, "own": 2, "other": 3, "ceiling": 4}
    names = sorted(found, key=lambda name: (turn[look(task, name)], -_fresh(found[name])))
    looks = {name: look(task, name) for name in names}
    if "first" not in looks.values():
        looks[names[0]] = "first"
    kept = {name: looks[name] if place < NAMED else "faint" for place, name in enumerate(names)}
    dashed = {name: f"{how} dash-{place}" if how != "faint" else how for place, (name, how) in enumerate(kept.items())}
    return [Line(name, found[name], dashed[name], place < BANDS) for place, name in enumerate(names)]


def _fresh(values: Sequence[Estimate | None]) -> float:
    return next((one.value for one in values if one), 0.0)
