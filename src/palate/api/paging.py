"""How a slate leaves over HTTP: kept for further pages, with the address of the next one, and cacheable by its id."""

from dataclasses import replace
from urllib.parse import quote, urlencode

from fastapi import Request
from starlette.responses import Response

from palate.api.answers import Answer, soon
from palate.api.serving import Serving
from palate.api.slates import KeptSlates
from palate.core.slate import Slate
from palate.listening.airing import Airing
from palate.listening.slates import Answered
from palate.surfaces.answered import more

# A client may keep an answer but asks each time whether it still stands; nothing between may keep it for others.
CACHEABLE = "private, no-cache"
NOT_KEPT = "no-store"


def first_page(request: Request, one: Answered, n: int, surface_path: str | None = None) -> Response:
    """The slate as it was answered just now; from here on its further pages can be asked for, and it is logged.

    surface_path: where further pages are asked for with `slate`; None for /v1/slates/{id}.
    """
    slates: KeptSlates = request.app.state.slates
    slates.keep(one)
    return _sent(request, replace(one.slate, next=_next(one, len(one.slate.items), n, surface_path)))


async def further_page(
    request: Request, serving: Serving, one: Answered, offset: int, n: int, surface_path: str | None = None,
    private: bool = False,
) -> Response:  # fmt: skip
    """Items offset:offset + n of a slate; 404 for what can only be told by a version that is not served any more.

    private: nobody learns that the page was looked at.
    """
    end, slate = min(offset + n, len(one.rows)), one.slate
    items, shown = slate.items[offset:end], len(slate.items)
    if end > max(offset, shown):
        live = serving.versions.get(slate.space)
        if live is None:
            return not_there(
                f"slate {slate.slate_id} is of {slate.space}, which is no longer served; ask again without it"
            )
        items = await soon(n, lambda: more(live, one, offset, end))
        if not private:
            behind = one.rows[max(offset, shown) : end]
            request.app.state.slates.shown(Airing(one.user, slate.surface, serving.wall(), behind))
    following = _next(one, max(end, offset), n, surface_path)
    return _sent(request, replace(slate, items=items, shelves=[], next=following))


def whole(request: Request, one: Answered, n: int) -> Response:
    """A slate that was kept, as it was answered."""
    return _sent(request, replace(one.slate, next=_next(one, len(one.slate.items), n, None)))


def unkept(slate: Slate) -> Response:
    """An answer in private: no page, no copy, no trace."""
    return Answer(slate, headers={"Cache-Control": NOT_KEPT})


def not_there(sentence: str) -> Answer:
    """404 with a sentence of its own."""
    return Answer({"detail": sentence}, 404)


def _next(one: Answered, end: int, n: int, surface_path: str | None) -> str | None:
    if end >= len(one.rows):
        return None
    place = {"offset": end, "n": n}
    if surface_path is None:
        return f"/v1/slates/{quote(one.slate.slate_id, safe='')}?{urlencode(place)}"
    return f"{surface_path}?{urlencode({'slate': one.slate.slate_id} | place)}"


def _sent(request: Request, slate: Slate) -> Response:
    headers = {"ETag": f'"{slate.slate_id}"', "Cache-Control": CACHEABLE}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if headers["ETag"] in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Answer(slate, headers=headers)
