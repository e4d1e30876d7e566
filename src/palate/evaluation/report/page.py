"""The report as one HTML file that needs no script, no network and no other file: to keep, mail and print."""

from importlib.resources import files
from typing import Any

from palate.core.markup import Html, joined, tag
from palate.evaluation.report.reading import Data, tasks
from palate.evaluation.report.sections.accuracy import accuracy
from palate.evaluation.report.sections.answer import answer
from palate.evaluation.report.sections.beyond import beyond
from palate.evaluation.report.sections.cohorts import cohorts
from palate.evaluation.report.sections.coldstart import coldstart
from palate.evaluation.report.sections.compare import compare
from palate.evaluation.report.sections.intrinsic import intrinsic
from palate.evaluation.report.sections.made import made
from palate.evaluation.report.sections.measured import measured
from palate.evaluation.report.sections.probes import probes
from palate.evaluation.report.sections.staleness import staleness
from palate.evaluation.report.sections.twin import twin
from palate.evaluation.report.wording import count

QUESTION = "Is the taste any good?"
# The browser itself refuses scripts and every address: names in a report come from outside.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def page(data: dict[str, Any]) -> str:
    """The whole report as HTML, from the JSON of an evaluation (`to_json`), a comparison, or both.

    Every part may be null or absent: its section then says why it is not there. Every text is escaped. The same data
    gives the same page.
    """
    sections = [
        part
        for part in (
            compare(data),
            measured(data),
            *accuracy(data),
            cohorts(data),
            staleness(data),
            coldstart(data),
            beyond(data),
            intrinsic(data),
            probes(data),
            twin(data),
            *made(data),
        )
        if part
    ]
    simulated = bool(data.get("simulated"))
    opening = sections[:1] if data.get("compare") else []
    main = tag("main", *opening, _opening(data), *sections[len(opening) :])
    body = tag("body", _band() if simulated else None, _masthead(data), main, class_="simulated" if simulated else None)
    whole = joined(Html("<!doctype html>\n"), tag("html", _head(_title(data)), body, lang="en"), "\n")
    return whole.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair in a name could not be written


def _title(data: Data) -> str:
    compared = data.get("compare")
    return f"{compared.get('a')} or {compared.get('b')}?" if compared else QUESTION


def _head(title: str) -> Html:
    style = files("palate.evaluation.report").joinpath("style.css").read_text(encoding="utf-8")
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("link", rel="icon", href="data:,"),
        tag("style", Html(style)),
    )


def _band() -> Html:
    """Says that nobody here is real, on the screen at all times and on paper at the top."""
    return tag(
        "p", tag("strong", "SIMULATED"), " Nobody here is real: these numbers say nothing about people.", class_="band"
    )


def _masthead(data: Data) -> Html:
    made, about = data.get("made") or {}, data.get("data") or {}
    version, commit, listens = made.get("palate"), made.get("commit"), about.get("listens")
    facts = [
        f"Palate {version}" if version else None,
        str(made["date"])[:10] if made.get("date") else None,
        f"commit {str(commit)[:10]}" if commit else None,
        f"{count(listens)} listens" if listens is not None else None,
    ]
    known = " \N{MIDDLE DOT} ".join(str(one) for one in facts if one)
    return tag("header", tag("h1", _title(data)), tag("p", known, class_="quiet") if known else None, class_="masthead")


def _opening(data: Data) -> Html:
    """The answer and the list of contents. Versions compared without a baseline had their answer just before."""
    links = [("measured", "What was measured")]
    links += [(f"task-{place}", name) for place, name in enumerate(data.get("tasks") or {})]
    links += [
        ("cohorts", "For whom"),
        ("staleness", "At what age"),
        ("coldstart", "With how few listens"),
        ("beyond", "Beyond accuracy"),
        ("intrinsic", "Near and alike"),
        ("probes", "What the vectors know"),
        ("twin", "The twin"),
        ("cost", "What it costs"),
        ("again", "Do it again"),
        ("limits", "Limits"),
    ]
    contents = tag("nav", *(tag("a", words, href=f"#{key}") for key, words in links), aria_label="contents")
    is_answered = bool(data.get("compare")) and not any(task.rival for task in tasks(data))
    heading, words = ("Contents", None) if is_answered else ("The answer", answer(data))
    return tag("section", tag("header", tag("h2", heading)), tag("div", words, contents, class_="body"), id="answer")
