"""What every request passes, in and out: the path as it was sent, counting, headers for the browser."""

import sys
import time
from typing import Any
from urllib.parse import quote

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from palate.api.metrics import Metrics

# Everything that the page needs comes from this server, so nothing else may be loaded, framed or asked.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
UNMATCHED = "unmatched"
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}


class Gate:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, metrics: Metrics, log_requests: bool) -> None:
        self.app, self.metrics, self.log_requests = app, metrics, log_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on and counts it."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        # Routes match the path as it was sent: decoded, the id "a/b" could not be told from two segments.
        inner = {**scope, "path": sent_path(scope)}
        status, start = 500, time.perf_counter()

        async def out(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
            await send(message)

        try:
            await self.app(inner, receive, out)
        finally:
            self._count(inner, status, time.perf_counter() - start)

    def _count(self, scope: dict[str, Any], status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", UNMATCHED)
        method = scope["method"] if scope["method"] in METHODS else "other"  # a client may invent them without end
        self.metrics.requests.labels(method, route, str(status)).inc()
        self.metrics.request_seconds.labels(route).observe(seconds)
        if self.log_requests:
            told = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 2)}
            print(orjson.dumps(told).decode(), file=sys.stderr, flush=True)


def sent_path(scope: Scope) -> str:
    """The path with its percent-encoding."""
    raw = scope.get("raw_path")
    return quote(scope["path"]) if raw is None else bytes(raw).decode("latin-1")
