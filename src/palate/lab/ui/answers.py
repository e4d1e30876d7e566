"""What goes out: JSON, and errors as one sentence."""

import logging
from typing import Any

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from palate.core.errors import BadInput, MissingExtra, PalateError

logger = logging.getLogger("palate.lab.ui")


class Answer(Response):
    """JSON from dataclasses, dictionaries and arrays; numbers that are not finite become null."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes; what JSON has no word for becomes its text."""
        return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS, default=str)


async def on_palate_error(request: Request, error: Exception) -> Response:
    """PalateError -> its sentence: 422 for what was asked, 503 for what is not installed, 500 for what is damaged."""
    status = 422 if isinstance(error, BadInput) else 503 if isinstance(error, MissingExtra) else 500
    return Answer({"detail": str(error)}, status)


async def on_http_error(request: Request, error: Exception) -> Response:
    """No such route, wrong method, and what routes raise themselves."""
    if not isinstance(error, HTTPException):
        raise error
    detail = str(error.detail)
    if detail == "Not Found":
        detail = f"there is no {request.url.path[:80]}"
    return Answer({"detail": detail}, error.status_code, error.headers)


async def on_wrong_parameter(request: Request, error: Exception) -> Response:
    """A parameter of the wrong type or size -> one sentence."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][1:])
    return Answer({"detail": f"the parameter {name}: {first['msg']}"}, 422)


async def on_fault(request: Request, error: Exception) -> Response:
    """A bug of ours: the reader learns where to look."""
    logger.error("%s failed", request.url.path, exc_info=error)
    return Answer({"detail": "the lab made a mistake; the terminal that runs `palate lab ui` says which"}, 500)


ERROR_HANDLERS: dict[int | type[Exception], Any] = {
    PalateError: on_palate_error,
    HTTPException: on_http_error,
    RequestValidationError: on_wrong_parameter,
    Exception: on_fault,
}
