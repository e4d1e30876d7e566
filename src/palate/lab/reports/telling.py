"""What `palate lab report` does and says."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from palate.core.errors import BadInput
from palate.lab.reports.pieces import moment
from palate.lab.reports.shelf import Made, Reports, copy_out

Told = tuple[dict[str, Any], str]  # as JSON, as text


def write(lab: Path, name: str, runs: Sequence[str], where: str, pdf: bool) -> Made:
    """Begins a report if runs or a condition are given, and makes its page; BadInput where it has a recipe already."""
    reports = Reports(lab)
    if runs and where:
        raise BadInput("--runs and --where were both given; choose one")
    if runs or where:
        infos = reports.book.runs(where) if where else [reports.book.get(run) for run in runs]
        if not infos:
            raise BadInput(f"no run meets {where!r}; `palate lab runs` lists what there is")
        reports.begin(name, list({info.id: info for info in infos}.values()), where)
    return reports.make(name, pdf=pdf)


def made(done: Made, out: Path | None) -> Told:
    """Where the page is, from how many runs, and where to edit it; copied to `out` first."""
    copies = copy_out(done, out) if out else []
    paths = copies or [done.page, *([done.pdf] if done.pdf else [])]
    several = f"{len(done.runs)} run{'' if len(done.runs) == 1 else 's'}"
    text = f"{', '.join(map(str, paths))}: {several}\nedit {done.recipe}, then: palate lab report {done.name}"
    told = {
        "name": done.name, "page": str(done.page), "pdf": str(done.pdf) if done.pdf else None,
        "recipe": str(done.recipe), "copies": [str(one) for one in copies], "runs": [info.id for info in done.runs],
    }  # fmt: skip
    return told, text


def listed(lab: Path) -> Told:
    """Which reports there are, one a line."""
    found = Reports(lab).all()
    if not found:
        return {"reports": []}, "no reports yet; begin one with: palate lab report NAME --runs ID"
    told = [
        {
            "name": one.name,
            "title": one.title,
            "recipe": str(one.recipe),
            "page": str(one.page) if one.page else None,
            "pdf": str(one.pdf) if one.pdf else None,
            "made": one.made,
            "is_stale": one.is_stale,
            "error": one.error,
        }
        for one in found
    ]
    lines = []
    for one in found:
        state = "no page yet" if one.made is None else f"made {moment(one.made)}"
        changed = ", recipe changed since" if one.is_stale else ""
        lines.append(f"{one.name}  {one.title}  ({one.error or state + changed})")
    return {"reports": told}, "\n".join(lines)
