"""Runs: listing them, reading one, comparing some."""

import re
from dataclasses import asdict
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from palate.core.errors import BadInput
from palate.core.home import Home
from palate.lab.book import Book, RunInfo
from palate.lab.folder import MEDIA
from palate.lab.listing import groups
from palate.lab.ui.answers import Answer
from palate.lab.ui.comparing import compared
from palate.lab.ui.curves import MOST_POINTS, shortened
from palate.lab.ui.shelf import Shelf, default_columns
from palate.lab.ui.view import View, as_csv, brief, group_row, points, simulated

MOST_ROWS, MOST_DOTS, MOST_SIBLINGS = 500, 5_000, 200
MEDIA_NAME = re.compile(r"[A-Za-z0-9_-]+\.(?:wav|mp3|flac|ogg|opus|m4a|svg|png)")
MEDIA_TYPES = {
    "opus": "audio/ogg",
    "m4a": "audio/mp4",
    "svg": "image/svg+xml",
    "flac": "audio/flac",
    "wav": "audio/wav",
}
# A picture that somebody's run wrote: opened by itself it may do nothing but be seen.
PICTURE = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"}

Where = Annotated[str, Query(max_length=4_000, description="a condition, as `palate lab runs --where` takes it")]
Sort = Annotated[str, Query(max_length=1_000, description="names joined by commas, - before one for descending")]
Columns = Annotated[str, Query(max_length=20_000, description="names joined by commas")]
Kind = Literal["log", "system"]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS)]
Offset = Annotated[int, Query(ge=0)]


def router(home: Home) -> APIRouter:
    """The routes of one home's runs."""
    routes, shelf = APIRouter(prefix="/api", tags=["runs"]), Shelf(Book(home.lab))
    _list(routes, shelf)
    _read(routes, shelf)
    return routes


def _list(routes: APIRouter, shelf: Shelf) -> None:
    @routes.get("/runs")
    def runs(
        where: Where = "", sort: Sort = "", columns: Columns | None = None, group: str = "", within: str = "",
        limit: Limit = 50, offset: Offset = 0,
    ) -> Answer:  # fmt: skip
        """One page of rows; with `group` of groups, unless `within` (a value, as JSON) asks for the rows of one.

        Without `columns` the server chooses some and says which.
        """
        every = shelf.runs()
        names = default_columns(shelf.names()) if columns is None else _names(columns)
        found = _chosen(shelf, where, sort)
        told: dict[str, Any] = {
            "columns": names,
            "total": len(every),
            "matched": len(found),
            "running": sum(1 for info in every if info.state == "running"),
        }
        if group and not within:
            some = groups(found, group)
            rows = [group_row(value, members, names) for value, members in some[offset : offset + limit]]
            return Answer(told | {"groups": rows, "of": len(some)})
        if group:
            wanted = repr(_value(within))
            found = [info for info in found if repr(info.named(group)) == wanted]
        rows = [brief(info, names) for info in found[offset : offset + limit]]
        return Answer(told | {"rows": rows, "of": len(found)})

    @routes.get("/runs.csv")
    def table(where: Where = "", sort: Sort = "", columns: Columns = "") -> Response:
        """Every run of the view, as a file."""
        found = _chosen(shelf, where, sort)
        headers = {"content-disposition": 'attachment; filename="runs.csv"'}
        return Response(as_csv(found, _names(columns)), media_type="text/csv; charset=utf-8", headers=headers)

    @routes.get("/names")
    def names() -> Answer:
        """Every name that a column, a condition or a sort may use."""
        names = shelf.names()
        return Answer({"names": names, "columns": default_columns(names)})

    @routes.get("/points")
    def scatter(x: str, y: str, where: Where = "", ids: str = "", group: str = "job") -> Answer:
        """Two names over the runs of `ids`, else of `where`: a point for each run that has both, newest first."""
        chosen = [shelf.get(one) for one in _names(ids)] if ids else _chosen(shelf, where)
        found = points(chosen, x, y, group)
        return Answer({"points": found[:MOST_DOTS], "of": len(found), "runs": len(chosen)})


def _read(routes: APIRouter, shelf: Shelf) -> None:
    @routes.get("/runs/{run}")
    def read(run: str) -> Answer:
        """One run with the runs beside it (of its group) and below it (whose group it is)."""
        info, every = shelf.get(run), shelf.runs()
        beside = [one for one in every if info.group and one.group == info.group and one.id != info.id]
        below = [one for one in every if one.group == info.id]
        told = asdict(info) | {"simulated": simulated(info), "folder": str(shelf.book.path(info))}
        return Answer(told | {"beside": _briefs(beside), "below": _briefs(below)})

    @routes.get("/runs/{run}/history")
    def history(run: str, kind: Kind = "log", most: Annotated[int, Query(ge=4, le=20_000)] = MOST_POINTS) -> Answer:
        """Every number by step, each curve with at most `most` points; kind is log or system."""
        info = shelf.get(run)
        series = shelf.book.history(info, kind)
        return Answer({"series": {name: shortened(one, most) for name, one in series.items()}, "state": info.state})

    @routes.get("/runs/{run}/table")
    def table(run: str, name: str, limit: Limit = 100, offset: Offset = 0) -> Answer:
        """Rows of the latest table of that name."""
        columns, rows = shelf.book.table(shelf.get(run), name)
        return Answer({"columns": columns, "rows": rows[offset : offset + limit], "of": len(rows)})

    @routes.get("/runs/{run}/media/{name}")
    def media(run: str, name: str) -> Response:
        """One picture or sound of the run, from its media folder and nowhere else."""
        folder = (shelf.book.path(shelf.get(run)) / MEDIA).resolve()
        path = (folder / name).resolve() if MEDIA_NAME.fullmatch(name) else folder
        if path.parent != folder or not path.is_file():
            raise HTTPException(404, f"the run has no picture or sound {name[:80]!r}")
        suffix = path.suffix[1:]
        headers = {"cache-control": "max-age=31536000, immutable"} | (PICTURE if suffix == "svg" else {})
        return FileResponse(path, media_type=MEDIA_TYPES.get(suffix), headers=headers)

    @routes.get("/compare")
    def compare(ids: str) -> Answer:
        """2 to 8 runs, by ids joined by commas, side by side."""
        return Answer(compared([shelf.get(one) for one in dict.fromkeys(_names(ids))]))


def _chosen(shelf: Shelf, where: str, sort: str = "") -> list[RunInfo]:
    known = [one.ask for one in shelf.names()] if where or sort else []
    return View(where, sort).of(shelf.runs(), known)


def _briefs(infos: list[RunInfo]) -> dict[str, Any]:
    return {"count": len(infos), "rows": [brief(info) for info in infos[-MOST_SIBLINGS:]]}


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _value(within: str) -> Any:
    try:
        return orjson.loads(within)
    except orjson.JSONDecodeError as error:
        raise BadInput(f'within={within[:80]!r} must be a value in JSON, such as "train"') from error
