"""What a browser reads: the page at / and the list of routes at /docs. Nothing comes from another host."""

from html import escape
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

TYPES = {"palate.css": "text/css; charset=utf-8", "palate.js": "text/javascript; charset=utf-8"}
FOLDER = files("palate.api") / "page"

page = APIRouter(include_in_schema=False)
docs = APIRouter(include_in_schema=False)


@page.get("/")
async def index() -> Response:
    """The page: a listener, what they heard, what they are offered."""
    return Response(FOLDER.joinpath("index.html").read_bytes(), media_type="text/html; charset=utf-8")


@docs.get("/page/{name}")
async def asset(name: str) -> Response:
    """Its style and its script."""
    if name not in TYPES:
        raise HTTPException(404)
    return Response(FOLDER.joinpath(name).read_bytes(), media_type=TYPES[name], headers={"Cache-Control": "no-cache"})


@docs.get("/docs")
async def reference(request: Request) -> Response:
    """Every route with its parameters, from /openapi.json."""
    return Response(listing(request.app.openapi()), media_type="text/html; charset=utf-8")


def listing(openapi: dict[str, Any]) -> str:
    """An OpenAPI document as one HTML page."""
    routes = [
        _route(verb.upper(), path, operation)
        for path, operations in openapi["paths"].items()
        for verb, operation in operations.items()
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Palate: HTTP</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="/page/palate.css"></head><body><main class="docs"><h1>Palate over HTTP</h1>'
        '<p>For programs: <a href="/openapi.json">openapi.json</a>. Errors are {"detail": "one sentence"}.</p>'
        + "".join(routes)
        + "</main></body></html>"
    )


def _route(verb: str, path: str, operation: dict[str, Any]) -> str:
    parameters = "".join(
        f"<li><code>{escape(one['name'])}</code> in {escape(one['in'])}{_default(one)}"
        f"{': ' + escape(one['description']) if 'description' in one else ''}</li>"
        for one in operation.get("parameters", ())
    )
    about = escape(operation.get("description", ""))
    return f"<section><h2><code>{verb} {escape(path)}</code></h2><p>{about}</p><ul>{parameters}</ul></section>"


def _default(parameter: dict[str, Any]) -> str:
    if parameter["required"]:
        return ", needed"
    default = parameter.get("schema", {}).get("default")
    return "" if default in (None, "", []) else f", {escape(str(default))} if left out"
