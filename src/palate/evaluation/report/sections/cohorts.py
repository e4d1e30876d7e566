"""For whom: the judged method and the best baseline in every cohort of listeners."""

from palate.core.markup import Html, joined, tag
from palate.evaluation.report.plots.forest import Forest, Row
from palate.evaluation.report.plots.marks import Mark, Reference, legend
from palate.evaluation.report.plots.scale import linear
from palate.evaluation.report.reading import Data, Task, estimate, tasks
from palate.evaluation.report.sections.frame import absent, numbers, section
from palate.evaluation.report.wording import capital, count, metric, short

LETTERS = 18  # of a name beside its line


def cohorts(data: Data) -> Html:
    """One plot for each task that was split into cohorts; the first is open."""
    plots = [(task, plot) for task in tasks(data) if (plot := _plot(task))]
    if not plots:
        why = "Not measured: no task was split into cohorts, or no cohort had listeners in the windows."
        return section("cohorts", "For whom", absent(why))
    first, *rest = plots
    more = [tag("details", tag("summary", capital(task.name)), plot) for task, plot in rest]
    words = tag(
        "p", "An average hides who it is an average of. ", "Intervals are of each method alone.", class_="about"
    )
    missing = [tag("li", f"{name}: {why}") for name, why in (data.get("cohorts_left_out") or {}).items()]
    without = tag("details", tag("summary", "Left out"), tag("ul", *missing)) if missing else None
    return section("cohorts", "For whom", words, first[1], *more, without)


def _plot(task: Task) -> Html | None:
    """Two marks in each row; None where no cohort has a number for either."""
    ours, rival = task.ours or task.first, task.rival
    names = [(name, how) for name, how in ((ours, "first"), (rival, "rival")) if name]
    worst = (task.part.get("worst") or {}).get("cohort") if ours == task.first else None
    rows, ends = [], []
    for part in task.part.get("cohorts") or []:
        found = [(name, how, estimate((part.get("methods") or {}).get(name))) for name, how in names]
        marks = [Mark(name, one, how) for name, how, one in found if one]
        ends += [end for mark in marks for end in mark.estimate.ends]
        is_worst = part.get("cohort") == worst
        cells = [*(numbers(one) for *_, one in found), count(part.get("users"))]
        badge, how = ("worst", "worst") if is_worst else (None, None)
        rows.append(Row(str(part.get("cohort")), marks, cells, part.get("rule"), badge, how))
    if not ends:
        return None
    whole = task.value(ours)
    lines = [Reference(whole.value, f"{short(str(ours), LETTERS)}, everybody", "floor")] if whole else []
    scale = linear([*ends, *(one.value for one in lines)])
    forest = Forest("cohort", (*(name for name, _ in names), task.of), rows, scale, references=lines)
    caption = (
        f"{capital(metric(task.metric))} on {task.name} by cohort, with 95% intervals. A listener may be in several."
    )
    return joined(legend(*((how, name) for name, how in names)), forest.drawn(caption))
