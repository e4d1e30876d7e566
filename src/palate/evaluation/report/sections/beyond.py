"""Beyond accuracy: how broad, new and varied the lists are, beside how right they are."""

from palate.core.markup import Html, tag
from palate.evaluation.report.plots.scale import linear
from palate.evaluation.report.plots.scatter import Point, scatter
from palate.evaluation.report.reading import Data, Task, beyond_of, estimate, tasks
from palate.evaluation.report.sections.frame import absent, look, numbers, section, table
from palate.evaluation.report.wording import capital, metric

# What each means, and in which direction: docs/rooms/evaluation.md has the formulas.
MEANINGS = {
    "coverage": "share of the catalogue that appears in anybody's list",
    "novelty": "how few listeners had heard what is listed, in bits; higher is less known",
    "popularity": "share of listeners who had heard what is listed; higher is better known",
    "diversity": "how unlike each other the items of a list are; 0 is alike",
    "calibration": "how far a list's mix of kinds or genres is from the listener's own; 0 is equal",
    "overlap": "share of a list that comes back in a later list; 0 is all new",
    "exposure_gini": "how unequally places are shared out over the catalogue; 0 is even",
}
PANELS = ("coverage", "novelty", "popularity")
TURNS = {"first": 0, "rival": 1, "own": 2, "ceiling": 3, "other": 4}


def beyond(data: Data) -> Html:
    """Small scatters and a table for each task that has them; the first is open."""
    parts = [(task, part) for task in tasks(data) if (part := _part(task))]
    if not parts:
        return section(
            "beyond", "Beyond accuracy", absent("Not measured: the report holds coverage and the like for no task.")
        )
    meanings = [(name, words) for name, words in MEANINGS.items() if any(_has(task, name) for task, _ in parts)]
    words = tag("dl", *(tag("div", tag("dt", metric(name)), tag("dd", one)) for name, one in meanings), class_="rules")
    first, *rest = parts
    more = [tag("details", tag("summary", capital(task.name)), part) for task, part in rest]
    return section("beyond", "Beyond accuracy", first[1], *more, words)


def _has(task: Task, name: str) -> bool:
    return any(beyond_of(key) == name for key in task.beyond)


def _part(task: Task) -> Html | None:
    keys = task.beyond
    if not keys:
        return None
    longest = {beyond_of(key): key for key in keys}  # of two list lengths the longer, which comes later
    panels = [panel for name in PANELS if (panel := _panel(task, longest.get(name)))]
    rows = [[row["method"], *(numbers(estimate(row.get(key))) for key in keys)] for row in task.rows]
    caption = f"Beyond accuracy on {task.name}. None of these says whether anybody liked the list."
    return tag("div", tag("div", *panels, class_="panels"), table(["method", *map(metric, keys)], rows, caption))


def _panel(task: Task, key: str | None) -> Html | None:
    """Accuracy upwards, the other measure across."""
    if key is None:
        return None
    pairs = [(row["method"], estimate(row.get(key)), estimate(row.get(task.metric))) for row in task.rows]
    points = [
        Point(name, across.value, up.value, how := look(task, name), TURNS[how])
        for name, across, up in pairs
        if across and up
    ]
    if not points:
        return None
    scales = linear([one.x for one in points], ticks=4), linear([one.y for one in points], ticks=4)
    title = f"{metric(task.metric)} against {metric(key)} on {task.name}"
    caption = tag("figcaption", tag("b", metric(task.metric)), " upwards, ", tag("b", metric(key)), " across.")
    return tag("figure", scatter(points, *scales, title), caption, class_="plot")
