"""One section for each task: who is how good, and who is better than whom."""

from palate.core.markup import Html, joined, tag
from palate.evaluation.report.plots.forest import Forest, Row
from palate.evaluation.report.plots.marks import Mark, Reference, legend
from palate.evaluation.report.plots.scale import linear
from palate.evaluation.report.reading import Data, Estimate, Task, estimate, tasks
from palate.evaluation.report.sections.answer import LOOKS
from palate.evaluation.report.sections.frame import absent, chance, look, numbers, section, table
from palate.evaluation.report.wording import capital, count, listed, metric, number, sensible, sentence, share, short

MANY = 24  # methods: with more, only the task's own metric is drawn, or the file would grow beyond a mail's size
LETTERS = 18  # of a name beside its line
PANES = 12  # metrics to choose from; style.css has a rule for each
LEGEND = {
    "first": "the method judged",
    "own": "other methods of ours or yours",
    "rival": "the best baseline",
    "other": "other baselines",
    "ceiling": "the best possible",
}


def accuracy(data: Data) -> list[Html]:
    """A section for each task, in the report's order; without tasks one that says so."""
    found = [_section(task, place) for place, task in enumerate(tasks(data))]
    return found or [section("tasks", "Tasks", absent("The report holds no task."))]


def _section(task: Task, place: int) -> Html:
    key, about = f"task-{place}", task.part.get("about")
    lead = tag("p", sentence(about), class_="about") if about else None
    if not task.rows or not task.metrics:
        reason = task.part.get("reason") or "no listener qualified, or the report holds no numbers for it"
        return section(key, capital(task.name), lead, absent(f"Not measured: {reason}."))
    missing = task.part.get("absent") or []
    without = tag("p", f"Cannot be asked this: {listed(missing)}.", class_="quiet") if missing else None
    return section(key, capital(task.name), lead, _chooser(task, key), _differences(task), _table(task), without)


def _chooser(task: Task, key: str) -> Html:
    """A forest for each metric, of which one is shown: radio buttons and style, no script."""
    keys = task.metrics[: PANES if len(task.rows) <= MANY else 1]
    buttons = [
        joined(
            tag("input", type="radio", name=key, id=f"{key}-{place}", class_=f"pick pick-{place}", checked=place == 0),
            tag("label", metric(one), for_=f"{key}-{place}"),
        )
        for place, one in enumerate(keys)
    ]
    panes = [tag("div", _forest(task, one), class_=f"pane pane-{place}") for place, one in enumerate(keys)]
    looks = {look(task, row["method"]) for row in task.rows}
    entries = [(one, words) for one, words in LEGEND.items() if one in looks]
    return tag("div", *(buttons if len(keys) > 1 else buttons[:0]), *panes, legend(*entries), class_="chooser")


def _forest(task: Task, key: str) -> Html:
    found = [(row["method"], estimate(row.get(key))) for row in task.rows]
    known = sorted(((name, one) for name, one in found if one), key=lambda pair: -pair[1].value)
    is_main = key == task.metric
    shares = {row["method"]: row.get("of_ceiling") for row in task.rows} if is_main else {}
    has_shares = any(part is not None for part in shares.values())
    references = _references(task, known, task.ceiling if is_main else None)
    ends = [end for _, one in known for end in one.ends] + [one.value for one in references]
    rows = []
    for name, one in known:
        how = look(task, name)
        of_best = [share(shares.get(name))] if has_shares else []
        rows.append(Row(name, (Mark(name, one, how),), (numbers(one), *of_best), look=how))
    columns = (metric(key), *(["of ceiling"] if has_shares else []))
    words = f"{capital(metric(key))} on {task.name}: {count(task.part.get('rows'))} questions about "
    forest = Forest("method", columns, rows, linear(ends), references=references)
    return forest.drawn(
        f"{words}{count(task.part.get('users'))} {task.of}; a dot is the mean, its line the 95% interval."
    )


def _references(task: Task, known: list[tuple[str, Estimate]], ceiling: float | None) -> list[Reference]:
    floor = next((one.value for name, one in known if name == task.floor), None)
    lines = (
        [Reference(floor, f"{short(str(task.floor), LETTERS)} {sensible(floor)}", "floor")] if floor is not None else []
    )
    return lines + ([Reference(ceiling, f"ceiling {sensible(ceiling)}", "top")] if ceiling else [])


def _differences(task: Task) -> Html:
    found = [(row["method"], task.against(row["method"])) for row in task.rows]
    known = [(name, one) for name, one in found if one]
    if not known:
        return absent("No differences: fewer than two methods could be compared.")
    is_corrected = any(one.is_corrected for _, one in known)
    rows = [
        Row(
            name,
            (Mark(name, one.estimate, LOOKS[one.sign * (1 if task.first == task.ours else -1)], signed=True),),
            (numbers(one.estimate, signed=True), chance(one)),
            look=look(task, name),
        )
        for name, one in known
    ]
    ends = [end for _, one in known for end in one.estimate.ends]
    forest = Forest("method", ("ahead by", "p"), rows, linear(ends), references=[Reference(0.0, "level", "zero")])
    over = f", p corrected for {len(known)} comparisons" if is_corrected and len(known) > 1 else ""
    return forest.drawn(
        joined(
            "What ", tag("b", task.first), f" is ahead of each other method by, in {metric(task.metric)}, question by "
            f"question{over}. A hollow dot cannot be told from nothing, whatever the two intervals above look like.",
        )
    )  # fmt: skip


def _table(task: Task) -> Html:
    """Every metric of accuracy, and the spread over seeds where training is random."""
    keys = task.metrics
    has_spread = any(row.get("seed_spread") is not None for row in task.rows)
    competing = [row for row in task.rows if task.kind(row["method"]) != "ceiling"]
    best = {key: max((one.value for row in competing if (one := estimate(row.get(key)))), default=None) for key in keys}
    rows: list[list[object]] = []
    for row in task.rows:
        cells = [_cell(estimate(row.get(key)), best[key], row in competing) for key in keys]
        rows.append([row["method"], *cells, *([number(row.get("seed_spread"))] if has_spread else [])])
    head = ["method", *map(metric, keys), *(["seed spread"] if has_spread else [])]
    caption = f"Every metric on {task.name}, with 95% intervals; the best of each column is bold."
    return tag("details", tag("summary", "All metrics as a table"), table(head, rows, caption), open=True)


def _cell(one: Estimate | None, best: float | None, competes: bool) -> Html:
    is_best = one is not None and competes and one.value == best
    return tag("td", numbers(one), class_="number best" if is_best else "number")
