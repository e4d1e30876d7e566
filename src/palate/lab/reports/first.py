"""The first recipe of a report: what the runs hold, in the order in which a reader asks. People edit it then."""

import re
from collections.abc import Sequence

from palate.lab.book import Book, RunInfo
from palate.lab.reports.blocks.runs import differing, numbers
from palate.lab.reports.material import labels
from palate.lab.reports.pieces import moment

COMPARED, CURVES, TABLES = 6, 6, 4  # no more than that by itself: a report is read from the top


def first_recipe(name: str, infos: Sequence[RunInfo], book: Book, where: str = "") -> str:
    """The text of a recipe over `infos` (at least one), pinned by their ids.

    Title, what was run, table, differences, curves, tables, pictures, importances, sounds: each only where the runs
    have something to show there.
    """
    called = labels(infos)
    lines = ["---", "runs:", *(f"    {info.id}  # {_remark(called[info.id])}" for info in infos), "---", ""]
    lines += [f"# {_title(name)}", "", _what(infos), ""]
    if where:
        lines += [f"They were chosen by `{_code(where)}`.", ""]
    lines += ["## The runs", "", "```runs", "```", ""]
    lines += _side_by_side(infos)
    curves = _curves(infos, book)
    if curves:
        lines += ["## Curves", "", "```plot", f"curves: {', '.join(curves)}", "```", ""]
    for kind, heading in (("table", "Tables"), ("importance", "What the model looks at"), ("image", "Pictures")):
        lines += _kept(kind, heading, infos)
    if any(file.type == "audio" for info in infos for file in info.files):
        lines += ["## To listen", "", "```audio", "```", ""]
    return "\n".join(lines)


def _side_by_side(infos: Sequence[RunInfo]) -> list[str]:
    """Few runs are compared in all that they have, many by their first result."""
    results = numbers(infos)
    if len(infos) > COMPARED and results:
        plot = ["```plot", f"bars: summary.{results[0]}", f"sort: -summary.{results[0]}", "```", ""]
        return ["## What they came to", "", *plot]
    return ["## What differs", "", "```compare", "```", ""] if len(infos) > 1 else []


def _what(infos: Sequence[RunInfo]) -> str:
    jobs = sorted({info.job for info in infos})
    begun = sorted(moment(info.created)[:10] for info in infos)
    when = f"on {begun[0]}" if begun[0] == begun[-1] else f"from {begun[0]} to {begun[-1]}"
    several = f"{len(infos)} runs" if len(infos) > 1 else "One run"
    differ = differing(infos, in_all=True)
    told = f" They differ in {', '.join(f'`{_code(name)}`' for name in differ[:8])}" if differ else ""
    more = f" and {len(differ) - 8} more." if len(differ) > 8 else "." if told else ""
    return f"{several} of {', '.join(f'`{_code(job)}`' for job in jobs)} {when}.{told}{more}"


def _curves(infos: Sequence[RunInfo], book: Book) -> list[str]:
    """The numbers that changed by step, of any of the runs. A name with a comma could not be written in a list."""
    found: dict[str, None] = {}
    for info in infos:
        if info.steps > 1:
            found |= {name: None for name, one in book.history(info).items() if len(one.steps) > 1 and "," not in name}
    return list(found)[:CURVES]


def _kept(kind: str, heading: str, infos: Sequence[RunInfo]) -> list[str]:
    """Blocks for what runs kept: each table of the latest run that has it, all importances and pictures at once."""
    if kind in ("image", "importance"):
        of = "table" if kind == "importance" else "image"
        names = {file.name: None for info in infos for file in info.files if file.type == of}
        wanted = [name for name in names if ("importance" in name) == (kind == "importance")]
        # The picture of importances would show them twice.
        some = [f"name: {', '.join(filter(_is_plain, wanted))}"] if kind == "image" and len(wanted) < len(names) else []
        return [f"## {heading}", "", f"```{kind}", *some, "```", ""] if wanted else []
    latest = {file.name: info.id for info in infos for file in info.files if file.type == "table"}
    named = [(name, run) for name, run in latest.items() if "importance" not in name and _is_plain(name)]
    lines = [f"## {heading}", ""] if named else []
    for name, run in named[:TABLES]:
        lines += [f"```table {run} {name}", "rows: 20", "```", ""]
    return lines


def _is_plain(name: str) -> bool:
    """Whether a name can stand in a block: no pattern, no list, no line of its own, no fence."""
    return re.fullmatch(r"[^,*?\[\]`\r\n]+", name) is not None


def _title(name: str) -> str:
    words = name.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def _remark(text: str) -> str:
    return " ".join(text.split())[:100]


def _code(text: str) -> str:
    """What can stand between backticks."""
    return " ".join(text.replace("`", "'").split())
