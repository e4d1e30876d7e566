"""Heads: what other teams' small models say of items for a listener."""

from typing import Annotated, Any

import numpy as np
import orjson
from fastapi import APIRouter, Path, Request
from pydantic import AfterValidator
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from palate.api.answers import Answer, Opened, decoded
from palate.api.events import id_text
from palate.api.routes.events import limited_body
from palate.core.errors import BadInput
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome

router = APIRouter(prefix="/v1/heads", tags=["heads"])

MOST_SCORED = 1_000  # items in one question
HeadName = Annotated[str, Path(description="a head by its name"), AfterValidator(decoded)]


@router.get("")
async def listed(serving: Opened) -> Answer:
    """Every head: its live version, the space that it is served from, and why it is off if it is."""
    live = serving.live
    return Answer({"space": live.space.label, "heads": await run_in_threadpool(lambda: live.heads.told())})


@router.post("/{name}/score")
async def score(request: Request, serving: Opened, name: HeadName) -> Answer:
    """One number for each item, higher is more likely or more; null for an item that the head's space does not hold."""
    # Only JSON, as for everything that is sent: a page of another site can send other types without being asked.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "the body must be JSON; send the header Content-Type: application/json")
    body = await limited_body(request, request.app.state.settings.max_body_bytes)
    user_id, item_ids = _asked(body)
    live = serving.live
    found = await run_in_threadpool(_scored, live, name, user_id, item_ids)  # the first time it loads the head
    if found is None:
        known = ", ".join(one["name"] for one in await run_in_threadpool(live.heads.told)) or "none yet"
        return Answer({"detail": f"there is no head {name[:80]!r}; there are: {known}"}, 404)
    return Answer(found, 200 if found["scores"] is not None else 503)


def _asked(body: bytes) -> tuple[str, list[str]]:
    shape = 'send {"user_id": "...", "item_ids": ["...", ...]}'
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"the body is not valid JSON ({error}); {shape}") from error
    if not isinstance(told, dict) or not isinstance(told.get("item_ids"), list):
        raise BadInput(f"the body needs a user_id and a list of item_ids; {shape}")
    if len(told["item_ids"]) > MOST_SCORED:
        raise BadInput(f"{len(told['item_ids']):,} item_ids came; send at most {MOST_SCORED:,}")
    return _id(told.get("user_id"), "user_id"), [_id(one, "item_ids") for one in told["item_ids"]]


def _id(value: Any, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadInput(f"{name} must be text or whole numbers")
    return id_text(str(value), name)


def _scored(live: LiveHome, name: str, user_id: str, item_ids: list[str]) -> dict[str, Any] | None:
    """The answer; None for a head that there is not."""
    rows = np.array([live.row(one) for one in item_ids], np.int32)
    query = live.query(Ask(user_id), "heads")
    found = live.heads.score(name, query, rows, user_id)
    if found.head is None and found.values is None and name not in {one["name"] for one in live.heads.told()}:
        return None
    told = {
        "user_id": user_id, "head": found.head, "space": found.space, "note": found.note,
        "taste_age_seconds": query.taste_age_seconds, "scores": found.values,
    }  # fmt: skip
    return told | ({} if found.values is not None else {"detail": found.note})
