"""What was measured: the log, the windows cut out of it, and the rules, in short."""

from palate.core.markup import Html, joined, tag
from palate.evaluation.report.plots.timeline import Span, timeline
from palate.evaluation.report.reading import Data, setting_seconds, tasks
from palate.evaluation.report.sections.frame import absent, section
from palate.evaluation.report.wording import count, date, duration, listed, of_them, sentence


def measured(data: Data) -> Html:
    """Data, windows as a drawing, protocol."""
    return section("measured", "What was measured", _log(data), _windows(data), _rules(data), _tasks(data))


def _log(data: Data) -> Html:
    about = data.get("data")
    if not about:
        return absent("The report does not say which log was measured.")
    what = f"{of_them(about.get('listens'), 'listen')} of {of_them(about.get('users'), 'listener')} and "
    return tag(
        "p", what, f"{of_them(about.get('items'), 'item')}, {date(about.get('start'))} to {date(about.get('end'))}.",
        tag("strong", " The listeners are simulated.") if data.get("simulated") else None,
    )  # fmt: skip


def _windows(data: Data) -> Html:
    gap = setting_seconds(data.get("settings") or {}, "gap") or 0.0
    parts = ("windows", False), ("dropped_windows", True)
    spans = [
        Span(one.get("at", one["start"] - gap), one["start"], one["end"], is_dropped)
        for key, is_dropped in parts
        for one in data.get(key) or []
    ]
    about = data.get("data") or {}
    spans.sort(key=lambda span: (span.start, not span.is_dropped))
    if not spans or about.get("start") is None or about.get("end") is None:
        return absent("The report names no windows, or not when the log begins and ends.")
    dropped = sum(span.is_dropped for span in spans)
    drawing = timeline(about["start"], about["end"], spans, f"{len(spans)} windows over the log")
    horizon = duration(spans[-1].end - spans[-1].start)
    words = joined(
        f"{of_them(len(spans) - dropped, 'window')} of {horizon}. In each, methods learn from what came before; what "
        "was then heard in the marked days is what they had to foretell.",
        f" {dropped} more had too little log before them and were dropped." if dropped else None,
    )
    return tag("figure", _one_window(gap, horizon), drawing, tag("figcaption", words), class_="plot")


def _one_window(gap: float, horizon: str) -> Html:
    """One window drawn large and not to scale: beside months of log, a gap of half an hour cannot be seen."""
    return tag(
        "ol",
        tag("li", tag("b", "known"), " all that came before", class_="known"),
        tag("li", tag("b", "gap"), f" {duration(gap)}, seen by nobody", class_="gap") if gap else None,
        tag("li", tag("b", "targets"), f" {horizon}", class_="target"),
        class_="one-window",
        aria_label="one window, not to scale",
    )


def _rules(data: Data) -> Html | None:
    """The protocol, as far as the settings tell."""
    settings = {name: value for name, value in (data.get("settings") or {}).items() if value is not None}
    rules = [("Ranking", "Every item of the catalogue is ranked; nothing is sampled.")]
    if "k" in settings:
        rules.append(("Lists", f"Their first {listed([count(k) for k in settings['k']])} places count."))
    if "min_train_plays" in settings:
        plays = of_them(settings["min_train_plays"], "heard play")
        who = f"With {plays} or more before the window; those with fewer are cold, with tasks of their own."
        rules.append(("Listeners", who))
    if "bootstrap" in settings:
        seed = f", seed {settings['seed']}" if "seed" in settings else ""
        draws = f"{of_them(settings['bootstrap'], 'redraw')} of the listeners, each with all their rows{seed}."
        test = "Over the same rows, tested by flipping signs; p corrected for all comparisons of a table (Holm)."
        rules += [("Intervals", f"95%, from {draws}"), ("Differences", test)]
    if "seeds" in settings:
        rules.append(("Seeds", f"A method whose training is random is trained {count(settings['seeds'])} times."))
    if not settings:
        return None
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", rule)) for name, rule in rules), class_="rules")


def _tasks(data: Data) -> Html | None:
    """Each task in its own sentence, with how much there was to ask."""
    lines = []
    for task in tasks(data):
        about, reason = task.part.get("about"), task.part.get("reason")
        size = f"{count(task.part.get('rows'))} questions about {count(task.part.get('users'))} {task.of}."
        words = f"Not measured: {reason}." if reason else size if task.rows else "Not measured."
        lines.append(tag("div", tag("dt", task.name), tag("dd", f"{sentence(about)} " if about else None, words)))
    return tag("dl", *lines, class_="rules", aria_label="tasks") if lines else None
