"""The page's own files: one HTML file, its style, its modules. Nothing comes from another host."""

import re
from importlib.resources import files

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

FOLDER = files("palate.lab.ui") / "page"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
NAME = re.compile(r"(?:[a-z_]+/)*[a-z_]+(\.[a-z]+)")  # no dot but the one of the suffix, so nothing climbs out

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index() -> Response:
    """The page."""
    return await asset("index.html")


@router.get("/page/{name:path}")
async def asset(name: str) -> Response:
    """One file of it; 404 for any other name."""
    fits = NAME.fullmatch(name)
    if fits is None or fits[1] not in TYPES or not (FOLDER / name).is_file():
        raise HTTPException(404, f"the page has no file {name[:80]!r}")
    return Response((FOLDER / name).read_bytes(), media_type=f"{TYPES[fits[1]]}; charset=utf-8")
