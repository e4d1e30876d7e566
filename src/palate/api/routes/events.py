"""POST /v1/events."""

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException

from palate.api.answers import Answer, Opened
from palate.api.appender import Written
from palate.api.events import is_private, parse_events
from palate.core.errors import BadInput

router = APIRouter(tags=["events"])


@router.post("/v1/events", status_code=202)
async def post_events(request: Request, serving: Opened) -> Answer:
    """Accepts a batch of listens and other events, all or none; answers once they are on disk."""
    settings, state = request.app.state.settings, request.app.state
    # Only JSON: a page of another site can send other types to this machine without being asked for permission.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "the body must be JSON; send the header Content-Type: application/json")
    body = await limited_body(request, settings.max_body_bytes)
    try:
        listens, private = parse_events(body, serving.wall(), settings.max_events), is_private(body)
    except BadInput:
        state.metrics.events.labels("rejected").inc()
        raise
    if private:  # they are checked, so that a client learns of its mistakes, and written nowhere
        return Answer(Written(0, 0, serving.log.end_offset(), [-1] * len(listens), len(listens)), 202)
    return Answer(await state.appender.append(listens), 202)


async def limited_body(request: Request, most_bytes: int) -> bytes:
    """The body; 413 as soon as it is longer than it may be, whatever its Content-Length said."""
    parts, size = [], 0
    announced = request.headers.get("content-length", "")
    if not (announced.isascii() and announced.isdigit() and len(announced) < 20 and int(announced) > most_bytes):
        async for part in request.stream():
            size += len(part)
            if size > most_bytes:
                break
            parts.append(part)
        else:
            return b"".join(parts)
    raise HTTPException(413, f"the body is longer than {most_bytes:,} bytes; send fewer events at once")
