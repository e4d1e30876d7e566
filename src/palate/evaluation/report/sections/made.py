"""How it was made: what each method costs, versions, settings, the command that repeats it, and the limits."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from palate.core.markup import Html, tag
from palate.evaluation.report.reading import Data, tasks
from palate.evaluation.report.sections.frame import absent, section, table
from palate.evaluation.report.wording import NOTHING, capital, duration, number

KINDS = {"palate": "Palate", "yours": "yours", "baseline": "baseline", "ceiling": "ceiling"}
FEW_LISTENERS = 200


def made(data: Data) -> list[Html]:
    """Three short sections that close the page."""
    return [
        section("cost", "What it costs", _methods(data)),
        section("again", "Do it again", _versions(data), _command(data)),
        section("limits", "What this cannot say", tag("ul", *(tag("li", one) for one in limits(data)))),
    ]


def _methods(data: Data) -> Html:
    found = {name: about or {} for name, about in (data.get("methods") or {}).items()}
    if not found:
        return absent("Not known: the report does not name its methods.")
    slowest = max((one.get("fit_seconds") or 0.0 for one in found.values()), default=0.0) or 1.0
    rows = [
        [
            tag("span", tag("span", name, class_="name"), tag("span", one.get("about"), class_="note")),
            KINDS.get(one.get("kind") or "", str(one.get("kind") or NOTHING)),
            _bar(one.get("fit_seconds"), slowest),
            number(one.get("ms_per_listener"), 2),
        ]
        for name, one in found.items()
    ]
    return table(
        ["method", "kind", "training, per window", "ms per list"], rows, "Time of each method on this machine."
    )


def _bar(seconds: float | None, slowest: float) -> Html:
    """A length of time with a bar of that share of the slowest."""
    part = 100.0 * (seconds or 0.0) / slowest
    return tag("td", duration(seconds), class_="number bar", style=f"--part: {part:.0f}%")


def _versions(data: Data) -> Html:
    known = data.get("made") or {}
    names = {"palate": "Palate", "date": "made", "commit": "commit", "machine": "machine"}
    rows = [(words, known[key]) for key, words in names.items() if known.get(key)]
    if known.get("seconds") is not None:
        rows.append(("took", duration(known["seconds"])))
    if not rows:
        return absent("The report does not say when, where or with which version it was made.")
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows), class_="rules")


def _command(data: Data) -> Html:
    """The settings as they would stand in palate.toml, and the command."""
    commit = (data.get("made") or {}).get("commit")
    pair = data.get("compare") or {}
    compared = f" --compare {shlex.quote(str(pair.get('a')))} {shlex.quote(str(pair.get('b')))}" if pair else ""
    checkout = f"git checkout {commit}\n" if commit else ""
    lines = [f"{name} = {_toml(value)}" for name, value in _settings(data).items()]
    toml = tag("pre", tag("code", "[eval]\n" + "\n".join(lines))) if lines else None
    words = tag("p", "With these lines in palate.toml, on the same home:") if lines else tag("p", "On the same home:")
    return tag("div", words, toml, tag("pre", tag("code", f"{checkout}palate --home HOME eval run{compared}")))


def _settings(data: Data) -> Mapping[str, Any]:
    settings = data.get("settings") or {}
    return {
        name: value for name, value in settings.items() if isinstance(value, bool | int | float | str | list | tuple)
    }


def _toml(value: object) -> str:
    """A plain value as TOML, which shares its numbers, strings and arrays with JSON."""
    return json.dumps(value, ensure_ascii=False)


def limits(data: Data) -> list[str]:
    """What a reader has to know before they quote a number."""
    found = [
        "Only listens are seen. Somebody may like what was listed and never have met it; a better list may look worse.",
        "What people heard depends on what they were offered then; a method that resembles that offer gains by it.",
        "The intervals speak of other listeners in the same weeks, not of other seasons or other catalogues.",
        "The method judged is the one named beforehand. Where it could not take part, the best of the table stands in "
        "for it, chosen after seeing the numbers, which flatters it a little.",
        "Corrections count the comparisons within a table, not across tables: of many tables, one may mislead.",
        "The worst of many cohorts is in part bad luck: a small cohort swings more.",
    ]
    if data.get("simulated"):
        found.insert(
            0, "The listeners are simulated: these numbers show that the machinery works, and nothing about people."
        )
    sizes = [(task, task.part.get("users") or 0) for task in tasks(data) if task.rows]
    few = [f"{capital(task.name)} ({size:,})" for task, size in sizes if size < FEW_LISTENERS]
    if few:
        found.append(f"Few were asked: {', '.join(few)}. Take their order lightly.")
    if data.get("dropped_windows"):
        found.append("Windows were dropped for too little log before them; the log's beginning is not judged.")
    return found
