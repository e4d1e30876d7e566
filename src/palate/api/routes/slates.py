"""Slates by their ids."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import AfterValidator
from starlette.responses import Response

from palate.api.answers import Count, Opened, decoded
from palate.api.paging import further_page, not_there, whole

router = APIRouter(tags=["surfaces"])

SlateId = Annotated[str, Path(description="a slate by its id"), AfterValidator(decoded)]
MaybeOffset = Annotated[int | None, Query(ge=0, le=100_000, description="from which rank on, counted from 0")]


@router.get("/v1/slates/{slate_id}")
async def slate(
    request: Request, serving: Opened, slate_id: SlateId, offset: MaybeOffset = None, n: Count = 20
) -> Response:
    """A slate that was answered: as it was, or with `offset` a page of it; 404 once it is forgotten."""
    one = request.app.state.slates.find(slate_id)
    if one is None:
        return not_there(f"no slate {slate_id[:80]!r} is kept; ask its surface for a new one")
    return whole(request, one, n) if offset is None else await further_page(request, serving, one, offset, n)
