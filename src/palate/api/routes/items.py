"""Items: what they are, what goes with them, finding them by words."""

from dataclasses import asdict

from fastapi import APIRouter, Request
from starlette.responses import Response

from palate.api.answers import Answer, Count, ItemId, Opened, count_age, soon
from palate.api.events import id_text
from palate.api.paging import first_page
from palate.core.errors import UnknownItem
from palate.surfaces.answered import answered
from palate.surfaces.ask import Ask
from palate.surfaces.screens.search import NAMED, SHELVES, Searching

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
    """Items by their words, artists and shows as `shelves`; with a listener, in the order of their taste.

    `items` are all that match, what cannot be played too; `typo` says that nothing matches as it was typed.
    """
    live = serving.live
    ask = Ask(None if user is None else id_text(user, "user"), n, words=q)
    query = live.query(ask, "search")
    on = Searching(live, query, None if user is None else query, q)
    count_age(request, serving, "search", query.offset)
    told = {} if user is None else {"taste_age_seconds": query.taste_age_seconds, "taste_offset": query.offset}
    fields = ("item_id", "title", "artists", "kind", "available")
    found = [live.items.get(row) for row in on.items.rows[:n].tolist()]
    shelves = [shelf for kind in SHELVES for shelf in on.named(kind, NAMED, set())]
    items = [{name: getattr(one, name) for name in fields} for one in found]
    return Answer({"q": q} | told | {"items": items, "shelves": shelves, "typo": on.items.typo})
