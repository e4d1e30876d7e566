"""The reports over HTTP, for the lab's page."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, Response

from palate.core.errors import BadInput
from palate.core.home import Home
from palate.lab.reports.page import POLICY
from palate.lab.reports.shelf import Listed, Made, Reports

# A page made by us, with names from outside in it: what its own policy forbids is forbidden here too, and scripts of
# the lab cannot be reached from it. Other than as a meta element, a header may say who embeds it.
HEADERS = {"Content-Security-Policy": f"{POLICY}; frame-ancestors 'self'; sandbox allow-popups"}


def router(home: Home) -> APIRouter:
    """The routes of one home's reports."""
    routes, reports = APIRouter(tags=["reports"]), Reports(home.lab)

    @routes.get("/api/reports")
    def listed() -> Response:
        """Every report: name, title, when it was made, whether its recipe changed since, what is wrong with it."""
        return JSONResponse({"reports": [_told(one) for one in reports.all()]})

    @routes.post("/api/reports")
    def begin(
        name: Annotated[str, Body()],
        runs: Annotated[list[str] | None, Body()] = None,
        where: Annotated[str, Body()] = "",
    ) -> Response:
        """Begins a report over runs (ids), or over those that meet `where` now, and makes its page."""
        if bool(runs) == bool(where):
            raise BadInput("give either runs (ids) or where (a condition)")
        infos = reports.book.runs(where) if where else [reports.book.get(run) for run in runs or ()]
        reports.begin(name, infos, where)
        return JSONResponse(_made(reports.make(name)), 201)

    @routes.post("/api/reports/{name}")
    def make(name: str) -> Response:
        """Makes a report's page again from its recipe."""
        return JSONResponse(_made(reports.make(name)))

    @routes.get("/reports/{file}")
    def page(file: str) -> Response:
        """The page (NAME.html), PDF (NAME.pdf) or recipe (NAME.md) of a report, as it was made last."""
        path = _path(reports, file)
        if path is None or not path.is_file():
            raise HTTPException(404, f"there is no {file[:80]!r}; make it with: palate lab report NAME")
        kinds = {".html": "text/html", ".pdf": "application/pdf", ".md": "text/plain"}
        kind = kinds[path.suffix] + ("" if path.suffix == ".pdf" else "; charset=utf-8")
        return FileResponse(path, media_type=kind, headers=HEADERS if path.suffix == ".html" else None)

    return routes


def _path(reports: Reports, file: str) -> Path | None:
    name, dot, suffix = file.rpartition(".")
    if suffix not in ("html", "pdf", "md"):
        return None
    try:
        return reports.path(name, dot + suffix)
    except BadInput:
        return None


def _told(one: Listed) -> dict[str, Any]:
    return {
        "name": one.name, "title": one.title, "made": one.made, "is_stale": one.is_stale, "error": one.error,
        "recipe": str(one.recipe), "page": f"/reports/{one.name}.html" if one.page else None,
        "pdf": f"/reports/{one.name}.pdf" if one.pdf else None,
    }  # fmt: skip


def _made(made: Made) -> dict[str, Any]:
    return {"name": made.name, "page": f"/reports/{made.name}.html", "runs": [info.id for info in made.runs]}
