"""What a new listener is offered, and what they pick."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from palate.api.answers import Answer, Count, Opened, UserId
from palate.api.routes.events import limited_body
from palate.core.errors import BadInput
from palate.surfaces.onboarding import Said, keep_languages

router = APIRouter(tags=["onboarding"])

Names = Annotated[list[str], Query(description="an artist or show; may be repeated")]
Languages = Annotated[list[str], Query(description="a language tag; may be repeated, or several with commas")]


@router.get("/v1/onboarding")
def offered(
    serving: Opened,
    n: Count = 20,
    languages: Languages = [],  # noqa: B006  # FastAPI copies it
    picked: Names = [],  # noqa: B006
    passed: Names = [],  # noqa: B006
) -> Answer:
    """Which artists and shows to offer, those first whose answer tells most; give what was answered to go on."""
    live = serving.live
    spoken = [tag.strip() for text in languages for tag in text.split(",") if tag.strip()]
    return Answer({"space": live.space.label, "choices": live.onboarding.offer(n, picked, passed, spoken)})


@router.post("/v1/users/{user_id}/onboarding", status_code=202)
async def picked(request: Request, serving: Opened, user_id: UserId) -> Answer:
    """Keeps what a listener picked, all or nothing; answers once it is on disk."""
    # Only JSON: a page of another site can send other types to this machine without being asked for permission.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "the body must be JSON; send the header Content-Type: application/json")
    body = await limited_body(request, request.app.state.settings.max_body_bytes)
    try:
        said = Said.read(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise BadInput(f'the body is not valid JSON ({error}); send {{"artists": [...]}}') from error
    live = serving.live
    onboarding = await run_in_threadpool(lambda: live.onboarding)
    picks = onboarding.found(said)
    await run_in_threadpool(keep_languages, serving.home, user_id, said.languages)
    told: dict[str, object] = {"accepted": 0, "duplicates": 0, "offset": serving.log.end_offset()}
    if picks:
        listens = onboarding.listens(picks, user_id, serving.wall(), said.request_id)
        written = await request.app.state.appender.append(listens)
        told = {"accepted": written.accepted, "duplicates": written.duplicates, "offset": written.offset}
    named = [
        {"kind": pick.kind, "name": pick.name, "item_ids": [str(live.items.id(row)) for row in pick.rows]}
        for pick in picks
    ]
    return Answer({"user_id": user_id} | told | {"picked": named, "languages": said.languages}, 202)
