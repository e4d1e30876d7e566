"""What to show: one slate for each surface, and which surfaces there are."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from palate.api.answers import Answer, Count, Opened, SurfaceName, UserId, count_age, soon
from palate.api.events import id_text
from palate.retrieval.query import Steer
from palate.surfaces.ask import Ask
from palate.surfaces.registry import answer, surfaces

router = APIRouter(tags=["surfaces"])

Ids = Annotated[list[str], Query(description="an item; may be repeated")]
Seeds = Annotated[
    list[str],
    Query(description="an item, artist:NAME, show:NAME, genre:NAME, playlist:ID or user:ID; may be repeated"),
]
Others = Annotated[list[str], Query(alias="with", description="a further listener; may be repeated")]
Adventure = Annotated[float, Query(description="from -1, play it safe, to 1, surprise me")]
Energy = Annotated[float | None, Query(description="from 0, calm, to 1, lively; left out: as it comes")]


async def _asked(
    user_id: UserId, n: Count = 20, seed: Seeds = [], exclude: Ids = [], unheard: bool = False,  # noqa: B006
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
async def surface(request: Request, serving: Opened, name: SurfaceName, ask: Annotated[Ask, Depends(_asked)]) -> Answer:
    """A slate: ordered items, each with its source, a reason and evidence; in shelves where the surface has any."""
    live = serving.live
    slate = await soon(ask.n, lambda: answer(live, name, ask))
    count_age(request, serving, name, slate.taste_offset)
    return Answer(slate)
