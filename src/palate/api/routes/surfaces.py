"""What to show: one slate for each surface, and which surfaces there are."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from palate.api.answers import Answer, Count, Opened, SurfaceName, UserId, count_age, soon
from palate.api.events import id_text
from palate.api.paging import first_page, further_page, not_there, unkept
from palate.api.rephrasing import rephrased
from palate.core.errors import BadInput
from palate.retrieval.query import Steer
from palate.surfaces.answered import answered
from palate.surfaces.ask import Ask
from palate.surfaces.registry import answer, surfaces
from palate.surfaces.registry import surface as named

router = APIRouter(tags=["surfaces"])

Ids = Annotated[list[str], Query(description="an item; may be repeated")]
Others = Annotated[list[str], Query(alias="with", description="a further listener; may be repeated")]
Adventure = Annotated[float, Query(description="from -1, play it safe, to 1, surprise me")]
Energy = Annotated[float | None, Query(description="from 0, calm, to 1, lively; left out: as it comes")]
SlateId = Annotated[str | None, Query(description="a slate that was answered, for a further page of it")]
Offset = Annotated[int, Query(ge=0, le=100_000, description="from which rank of the slate on, counted from 0")]

Rephrase = Annotated[bool, Query(description="wait for the reasons in other words, where that is set up")]


async def _asked(
    user_id: UserId, n: Count = 20, seed: Ids = [], exclude: Ids = [], unheard: bool = False,  # noqa: B006
    others: Others = [], q: str = "", genre: str = "", adventure: Adventure = 0.0, energy: Energy = None,  # noqa: B006
    private: bool = False,
) -> Ask:  # fmt: skip
    """The request as its parameters say it; FastAPI copies the lists."""
    return Ask(
        user_id, n, tuple(seed), tuple(exclude), unheard, tuple(id_text(one, "with") for one in others), q, genre,
        Steer(adventure, energy), private,
    )  # fmt: skip


@router.get("/v1/surfaces")
async def listed() -> Answer:
    """Every surface: its name, and what it is for."""
    return Answer({"surfaces": [{"name": one.name, "about": one.about} for one in surfaces().values()]})


@router.get("/v1/users/{user_id}/surfaces/{name}")
async def surface(
    request: Request, serving: Opened, name: SurfaceName, ask: Annotated[Ask, Depends(_asked)],
    slate: SlateId = None, offset: Offset = 0, rephrase: Rephrase = False,
) -> Response:  # fmt: skip
    """A slate: ordered items, each with its source, a reason and evidence; in shelves where the surface has any.

    `next` is the address of the following page; `slate` and `offset` are what it is made of.
    """
    live, path = serving.live, request.scope["path"]
    if slate is not None:
        kept = request.app.state.slates.find(slate)
        if kept is None or kept.slate.user_id not in (None, ask.user_id) or kept.slate.surface != named(name).name:
            return not_there(f"no slate {slate[:80]!r} of {name} is kept for this listener; ask again without it")
        return await further_page(request, serving, kept, offset, ask.n, path, ask.private)
    if offset:
        raise BadInput(f"offset = {offset} came without a slate; follow `next` of the answer before")
    if ask.private:
        told = await soon(ask.n, lambda: answer(live, name, ask))
        count_age(request, serving, name, told.taste_offset)
        return unkept(await rephrased(request, live, told, rephrase))
    found = await soon(ask.n, lambda: answered(live, name, ask, serving.slate_settings))
    count_age(request, serving, name, found.slate.taste_offset)
    found = replace(found, slate=await rephrased(request, live, found.slate, rephrase))
    return first_page(request, found, ask.n, path)
