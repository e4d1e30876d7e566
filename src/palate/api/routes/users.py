"""What is known of one listener, and what to offer them."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from palate.api.answers import Answer, Count, Opened, UserId, count_age, soon
from palate.api.listing import users_after
from palate.api.serving import Serving
from palate.core.clock import DAY_SECONDS
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.screens.for_you import FOR_YOU

router = APIRouter(prefix="/v1/users", tags=["listeners"])

SpaceLabel = Annotated[str | None, Query(description="a version in use, as in taste@7; default: the live one")]


@router.get("")
def users(serving: Opened, n: Count = 50, after: str = "") -> Answer:
    """Ids of known listeners, in the order of the store; `next` is where to go on, null at the end."""
    live = serving.live
    found = users_after(live.store, live.space.label, after, n)
    more = found[-1] if len(found) == n else None
    return Answer({"users": found, "next": more, "count": live.store.count(live.space.label)})


@router.get("/{user_id}/taste")
async def taste(request: Request, serving: Opened, user_id: UserId, space: SpaceLabel = None) -> Answer:
    """The listener's vector, its space and age; `offset` is how far into the log it has read."""
    asked = _asked(serving, space)
    if asked is None:
        return _not_served(serving, space)
    taken = asked.read(user_id)
    if asked is serving.live:
        count_age(request, serving, "taste", taken.offset)
    return Answer({
        "user_id": user_id, "vector": taken.state.taste, "space": asked.space.label,
        "age_seconds": asked.age_seconds(taken), "offset": taken.offset, "stranger": taken.stranger,
    })  # fmt: skip


@router.get("/{user_id}/candidates")
async def candidates(
    request: Request, serving: Opened, user_id: UserId, n: Count = 200, space: SpaceLabel = None
) -> Answer:
    """The best n items as ids with scores and sources, best first, without explanations."""
    asked = _asked(serving, space)
    if asked is None:
        return _not_served(serving, space)
    if space is None:
        found = await soon(n, lambda: _candidates(asked, user_id, n))
        count_age(request, serving, "candidates", found["taste_offset"])
        return Answer(found)
    return Answer(await run_in_threadpool(_candidates, asked, user_id, n))  # the first time it loads the version


@router.get("/{user_id}/listens")
async def listens(serving: Opened, user_id: UserId, n: Count = 20) -> Answer:
    """What the listener heard or skipped, latest first, one entry an item; `last` is in unix seconds."""
    live = serving.live
    record, now = live.state(user_id).record, live.clock.now()
    latest = np.argsort(-record.last, kind="stable")[:n].tolist()
    entries = []
    for place in latest:
        item, last = live.items.get(int(record.items[place])), float(record.last[place])
        entries.append({
            "item_id": item.item_id, "title": item.title, "artists": item.artists, "kind": item.kind,
            "plays": int(record.plays[place]), "skips": int(record.skips[place]),
            "last": live.clock.calendar.unix_time(last), "days_ago": max(now - last, 0.0) / DAY_SECONDS,
        })  # fmt: skip
    return Answer({"user_id": user_id, "listens": entries})


def _asked(serving: Serving, space: str | None) -> LiveHome | None:
    """The version asked for, the live one by default; None for one that is not served."""
    return serving.live if space is None or not serving.versions else serving.versions.get(space)


def _not_served(serving: Serving, space: str | None) -> Answer:
    served = ", ".join(serving.versions)
    reason = f"the space {str(space)[:40]!r} is not served; ask for one of {served}, or pin it with `palate space pin`"
    return Answer({"detail": reason}, 404)


def _candidates(live: LiveHome, user_id: str, n: int) -> dict[str, Any]:
    query = live.query(Ask(user_id), FOR_YOU.name)
    ranked = live.path.rank(FOR_YOU, query, n).candidates
    items = [
        {"item_id": live.items.id(row), "score": score, "source": ranked.source(place)}
        for place, (row, score) in enumerate(zip(ranked.items.tolist(), ranked.scores.tolist(), strict=True))
    ]
    return {
        "user_id": user_id, "space": live.space.label, "taste_age_seconds": query.taste_age_seconds,
        "taste_offset": query.offset, "items": items,
    }  # fmt: skip
