"""The answer in three sentences, made from the numbers: better than what, for whom worst, how soon stale."""

from collections.abc import Sequence

from palate.core.markup import Html, joined, tag
from palate.evaluation.report.plots.forest import Forest, Row
from palate.evaluation.report.plots.marks import Mark, Reference
from palate.evaluation.report.plots.scale import linear
from palate.evaluation.report.reading import Data, Difference, Estimate, Task, estimate, in_words, tasks
from palate.evaluation.report.sections.frame import absent, chance, corrected, numbers
from palate.evaluation.report.wording import age, capital, count, listed, metric, sensible, share

VERDICTS = {1: "ahead", 0: "cannot tell", -1: "behind"}
LOOKS = {1: "first", 0: "unsure", -1: "rival"}
NO_TASK = "Nothing was measured: the report holds no task with listeners in it."


def answer(data: Data) -> Html:
    """The opening of the page."""
    every = list(tasks(data))
    measured = [task for task in every if task.rows]
    if not measured:
        reasons = [f"{capital(task.name)}: {task.part['reason']}." for task in every if task.part.get("reason")]
        return tag("div", absent(" ".join([NO_TASK, *reasons])), class_="answer")
    return tag(
        "div",
        tag("p", summary(measured), class_="summary"),
        tag(
            "dl",
            *_question("Better than the baselines?", better(measured[0]), others(measured[1:])),
            *_question("For whom is it worst?", worst(measured)),
            *_question("How fast does it go stale?", stale(data, measured)),
        ),
        _leads(every),
        class_="answer",
    )


def _question(words: str, *sentences: Html | None) -> tuple[Html, Html]:
    return tag("dt", words), tag("dd", *(tag("p", one) for one in sentences if one))


def summary(measured: Sequence[Task]) -> str:
    """One line that counts: on how many tasks it is ahead, behind, or neither.

    The word "yes" stands there only when every task says so.
    """
    known = [task.lead.sign for task in measured if task.lead]
    if not known:
        return "Cannot tell: nothing was compared with a baseline."
    ahead, behind, unsure = (known.count(sign) for sign in (1, -1, 0))
    on = "the one task" if len(known) == 1 else f"{{}} of {len(known)} tasks"
    if ahead == len(known):
        return f"Yes: ahead of the best baseline on {on.format(ahead)}."
    if not ahead and not unsure:
        return f"No: behind the best baseline on {on.format(behind)}."
    if not ahead and not behind:
        return f"Cannot tell: on {on.format(unsure)} it is neither ahead of the best baseline nor behind it."
    counts = [("ahead of the best baseline on", ahead), ("behind on", behind), ("undecided on", unsure)]
    return f"In part: of {len(known)} tasks, " + listed([f"{words} {n}" for words, n in counts if n]) + "."


def better(task: Task) -> Html:
    """Whether the judged method is ahead of the best baseline on one task, by how much and how sure that is."""
    ours, rival, lead = task.ours, task.rival, task.lead
    on = joined("On ", tag("b", task.name), ", ")
    if ours is None:
        best = task.row(task.first)
        found = estimate(best.get(task.metric))
        return joined(
            on, f"only baselines were measured; {task.first} is first with ", _figure(found, task.metric), "."
        )
    if rival is None or lead is None:
        alone = joined(on, tag("b", ours), " scores ", _figure(task.value(ours), task.metric))
        why = "no baseline was measured beside it" if rival is None else f"it was not compared with {rival}"
        return joined(alone, f"; {why}, so this does not say whether that is good.")
    by = joined(_figure(lead.estimate, task.metric, absolute=lead.sign != 0), _tail(lead))
    words = {
        1: joined(tag("b", ours), f" is ahead of {rival} by ", by, "."),
        -1: joined(tag("b", ours), f" is behind {rival} by ", by, "."),
        0: joined(tag("b", ours), f" and {rival} cannot be told apart: the difference is ", by, "."),
    }[lead.sign]
    return joined(on, words, _relative(task, lead))


def _tail(lead: Difference) -> str:
    words = corrected(lead)
    return f", {words}" if words else ""


def _figure(one: Estimate | None, key: str, absolute: bool = False) -> Html:
    """A number with its metric and interval. `absolute` is for "behind by", where a minus would say it twice."""
    if one is None:
        return joined("an unknown ", metric(key))
    if absolute and one.value < 0:
        one = Estimate(-one.value, None if one.high is None else -one.high, None if one.low is None else -one.low)
    value, inside = in_words(one)
    interval = joined(" ", tag("span", inside, class_="figure")) if inside else None
    return joined(tag("span", f"{value} {metric(key)}", class_="figure"), interval)


def _relative(task: Task, lead: Difference) -> str:
    """How large the difference is beside what it is a difference of, and what is left up to the ceiling."""
    base, part = task.value(task.rival), task.row(task.ours).get("of_ceiling")
    sentences = []
    if base and base.value > 0 and lead.sign:
        sentences.append(
            f"That is {share(abs(lead.estimate.value) / base.value)} of {task.rival}'s {sensible(base.value)}."
        )
    if part:
        sentences.append(f"It reaches {share(part)} of the best that was possible.")
    return "".join(f" {one}" for one in sentences)


def others(rest: Sequence[Task]) -> Html | None:
    """The other tasks in one sentence; the drawing below has their numbers."""
    groups: dict[str, list[str]] = {}
    for task in rest:
        words = {1: "ahead on", -1: "behind on", 0: "not to be told apart on"}
        groups.setdefault(words[task.lead.sign] if task.lead else "without a comparison on", []).append(task.name)
    if not groups:
        return None
    return joined("Elsewhere: ", "; ".join(f"{words} {listed(names)}" for words, names in groups.items()), ".")


def worst(measured: Sequence[Task]) -> Html:
    """Which cohort it serves worst, and what the best baseline does there."""
    for task in measured:
        if task.ours != task.first:
            continue  # the report names the worst cohort of `first`, which here is a baseline
        name = (task.part.get("worst") or {}).get("cohort")
        part = next((one for one in task.part.get("cohorts") or [] if one.get("cohort") == name), None)
        here = estimate((part or {}).get("methods", {}).get(task.ours)) if part else None
        if part is None or here is None:
            continue
        there = estimate(part["methods"].get(task.rival))
        beside = joined(f", where {task.rival} scores ", _figure(there, task.metric)) if there else ""
        everybody = task.value(task.ours)
        whole = f" Over everybody it scores {sensible(everybody.value)}." if everybody else ""
        of = joined("On ", tag("b", task.name), f", it is worst for the {count(part.get('users'))} {task.of} in ")
        return joined(of, tag("b", name), ": ", _figure(here, task.metric), beside, ".", whole)
    return joined("Not known: listeners were not split into cohorts, or no cohort was large enough.")


def stale(data: Data, measured: Sequence[Task]) -> Html:
    """What is left of a taste's value at each age, and when it falls to the best baseline."""
    part = data.get("staleness")
    if not part:
        return joined("Not measured: a taste's age was not varied in this evaluation.")
    task = next((one for one in measured if one.name == part.get("task")), measured[0])
    lines = {name: [estimate(one) for one in found or []] for name, found in (part.get("methods") or {}).items()}
    name = task.ours if task.ours in lines else next(iter(lines), None)
    known = [
        (one, found)
        for one, found in zip(part.get("ages_seconds") or [], lines.get(name or "", []), strict=False)
        if found
    ]
    if name is None or len(known) < 2:
        return joined("Cannot tell: fewer than two ages of a taste could be measured.")
    (_, fresh), (oldest, last) = known[0], known[-1]
    kept = share(last.value / fresh.value) if fresh.value > 0 else "an unknown share"
    words = joined(
        f"A taste that is {age(oldest)} old keeps {kept} of what it scores when fresh: ",
        tag("span", f"{sensible(fresh.value)} {metric(part.get('metric') or task.metric)}", class_="figure"),
        f" becomes {sensible(last.value)}. ",
    )
    return joined(words, _parting(known, fresh))


def _parting(known: Sequence[tuple[float, Estimate]], fresh: Estimate) -> str:
    """The first age whose interval lies below the fresh one: later than a paired comparison would find it."""
    for one, found in known[1:]:
        if found.high is not None and fresh.low is not None and found.high < fresh.low:
            return f"The two intervals part at {age(one)}."
    return "The intervals of fresh and old still overlap at every age."


def _leads(every: Sequence[Task]) -> Html | None:
    """Every task's difference to its best baseline, in one drawing."""
    found = [(task, task.lead) for task in every]
    ends = [end for _, lead in found if lead for end in lead.estimate.ends]
    if not ends:
        return None
    rows = [_lead_row(task, lead) for task, lead in found]
    forest = Forest(
        "task",
        ("difference", "p", "verdict"),
        rows,
        linear(ends),
        "ahead by",
        [Reference(0.0, "level", "zero")],
    )
    return forest.drawn(
        "The judged method minus the best baseline, question by question, in each task's own metric. Right of the line "
        "it is ahead; a hollow dot cannot be told from nothing. p is corrected for all comparisons of the task."
    )


def _lead_row(task: Task, lead: Difference | None) -> Row:
    if lead is None:
        why = task.part.get("reason") or ("no baseline to compare with" if task.rows else "not measured")
        return Row(task.name, (), ("", "", "not measured"), note=str(why), look="empty")
    mark = Mark(task.name, lead.estimate, LOOKS[lead.sign], signed=True)
    cells = (numbers(lead.estimate, signed=True), chance(lead), VERDICTS[lead.sign])
    return Row(task.name, (mark,), cells, note=f"{task.ours} against {task.rival}, {metric(task.metric)}")
