"""What goes out: JSON, errors as one sentence, and the parameters that routes share."""

import logging
import time
from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote_to_bytes

import orjson
from fastapi import Depends, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from palate.api.events import id_text
from palate.api.serving import Serving
from palate.core.errors import BadInput, MissingHome, NotTrained, PalateError, Unavailable, UnknownItem
from palate.surfaces.ask import MOST_ITEMS

T = TypeVar("T")

IN_LOOP_ITEMS = 100  # a longer slate takes over 10 ms and would hold up the others

logger = logging.getLogger("palate.api")


class Answer(Response):
    """JSON; numbers that are not finite become null."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Dataclasses, dictionaries and arrays as JSON."""
        return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


def decoded(value: str) -> str:
    """One segment of the path, which arrives percent-encoded so that an id may hold a slash."""
    try:
        return id_text(unquote_to_bytes(value).decode("utf-8"), "the id")
    except UnicodeDecodeError as error:
        raise BadInput(f"the id {value[:40]!r} is not UTF-8; percent-encode its UTF-8 bytes") from error


async def _serving(request: Request) -> Serving:  # FastAPI calls what is not async in a thread
    serving: Serving = request.app.state.serving
    return serving


Opened = Annotated[Serving, Depends(_serving)]
UserId = Annotated[str, Path(description="the listener"), AfterValidator(decoded)]
ItemId = Annotated[str, Path(description="the item"), AfterValidator(decoded)]
SurfaceName = Annotated[str, Path(description="a surface by its name"), AfterValidator(decoded)]
Count = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="how many, at most")]


async def soon(n: int, work: Callable[[], T]) -> T:
    """What `work` gives: at once when it is about n <= IN_LOOP_ITEMS items (a thread only adds jitter), else aside."""
    return work() if n <= IN_LOOP_ITEMS else await run_in_threadpool(work)


def count_age(request: Request, serving: Serving, surface: str, offset: int | None) -> None:
    """For /metrics: how long the oldest listen that the answer could not know of had waited; 0 when there is none."""
    if offset is not None:
        seconds = serving.arrivals.waiting(offset, time.monotonic())
        request.app.state.metrics.served_age.labels(surface).observe(seconds)


async def on_palate_error(request: Request, error: Exception) -> Response:
    """PalateError -> its sentence, with the status that fits."""
    statuses = ((UnknownItem, 404), (BadInput, 422), (NotTrained, 503), (MissingHome, 503), (Unavailable, 503))
    status = next((code for cls, code in statuses if isinstance(error, cls)), 500)
    if status == 500:
        logger.error("%s %s: %s", request.method, request.scope.get("route"), error, exc_info=error)
    return Answer({"detail": str(error)}, status)


async def on_http_error(request: Request, error: Exception) -> Response:
    """No such route, wrong method, and what routes raise themselves."""
    if not isinstance(error, HTTPException):
        raise error
    detail = error.detail
    if error.status_code == 404:
        detail = f"there is no {request.scope['path'][:80]}; GET /docs lists what there is"
    elif error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "another method")
        detail = f"{request.method} is not possible here; use {allowed}"
    return Answer({"detail": detail}, error.status_code, error.headers)


async def on_wrong_parameter(request: Request, error: Exception) -> Response:
    """A parameter of the wrong type or size -> one sentence."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    ours = first.get("ctx", {}).get("error")
    if isinstance(ours, BadInput):
        return Answer({"detail": str(ours)}, 422)
    name = ".".join(str(part) for part in first["loc"][1:])
    came = "" if first["type"] == "missing" else f", and came as {str(first.get('input'))[:40]!r}"
    return Answer({"detail": f"the parameter {name}: {first['msg']}{came}"}, 422)


async def on_fault(request: Request, error: Exception) -> Response:
    """A bug of ours: the client learns no more than that, the log everything."""
    logger.error("%s failed", request.scope.get("route"), exc_info=error)
    return Answer({"detail": "Palate made a mistake; its log on the server says which"}, 500)


ERROR_HANDLERS: dict[int | type[Exception], Any] = {
    PalateError: on_palate_error,
    HTTPException: on_http_error,
    RequestValidationError: on_wrong_parameter,
    Exception: on_fault,
}
