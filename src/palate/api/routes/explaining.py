"""Why an item is, or is not, in a surface's answer."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from palate.api.answers import Answer, Count, ItemId, Opened, UserId
from palate.api.events import id_text
from palate.surfaces.ask import Ask
from palate.surfaces.explanation import LOOKED_AT, explanation

router = APIRouter(tags=["surfaces"])

Seeds = Annotated[list[str], Query(description="where the surface starts; may be repeated")]
Others = Annotated[list[str], Query(alias="with", description="a further listener; may be repeated")]


async def _asked(
    user_id: UserId, seed: Seeds = [], unheard: bool = False, others: Others = [], q: str = "", genre: str = "",  # noqa: B006
) -> Ask:  # fmt: skip
    """The request as its parameters say it; FastAPI copies the lists."""
    with_ = tuple(id_text(one, "with") for one in others)
    return Ask(user_id, seeds=tuple(seed), unheard=unheard, others=with_, words=q, genre=genre)


@router.get("/v1/users/{user_id}/explain/{item_id}")
def explain(
    serving: Opened, item_id: ItemId, ask: Annotated[Ask, Depends(_asked)], surface: str = "for_you",
    n: Count = LOOKED_AT,
) -> Answer:  # fmt: skip
    """The way of this item through every stage of a surface's answer to n items, or where it fell."""
    return Answer(explanation(serving.live, surface, ask, item_id, n))
