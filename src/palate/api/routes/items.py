"""Items: what they are, what goes with them, finding them by words."""

from dataclasses import asdict

from fastapi import APIRouter, Request
from starlette.responses import Response

from palate.api.answers import Answer, Count, ItemId, Opened, count_age, soon
from palate.api.events import id_text
from palate.api.listing import search
from palate.api.paging import first_page
from palate.core.errors import UnknownItem
from palate.surfaces.answered import answered
from palate.surfaces.ask import Ask

router = APIRouter(tags=["items"])


@router.get("/v1/items/{item_id}")
async def item(serving: Opened, item_id: ItemId) -> Answer:
    """What the catalogue says of an item, and how often it was played here."""
    live = serving.live
    row = live.items.row(item_id)
    if row is None:
        raise UnknownItem(item_id)
    trends = live.path.stock.trends
    known = row < len(trends.week)
    plays = {name: int(getattr(trends, name)[row]) if known else 0 for name in ("week", "month", "ever")}
    return Answer(asdict(live.items.get(row)) | {"plays": plays})


@router.get("/v1/items/{item_id}/similar")
async def similar(request: Request, serving: Opened, item_id: ItemId, n: Count = 20) -> Response:
    """A slate of what goes with an item, the same for everybody."""
    live, settings = serving.live, serving.slate_settings
    found = await soon(n, lambda: answered(live, "similar", Ask(n=n, seeds=(item_id,)), settings))
    return first_page(request, found, n)


@router.get("/v1/search")
def find(request: Request, serving: Opened, q: str, user: str | None = None, n: Count = 20) -> Answer:
    """Items by the words of their title and artists; with a listener, in the order of their taste."""
    live = serving.live
    reader = None if user is None else live.taken(id_text(user, "user"), "search")
    found = search(live, q, reader, n)
    count_age(request, serving, "search", None if reader is None else reader.offset)
    told = {} if reader is None else {"taste_age_seconds": live.age_seconds(reader), "taste_offset": reader.offset}
    fields = ("item_id", "title", "artists", "kind", "available")
    return Answer({"q": q} | told | {"items": [{name: getattr(one, name) for name in fields} for one in found]})
