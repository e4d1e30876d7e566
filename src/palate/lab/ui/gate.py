"""What every request passes: only pages of this server may ask, and a browser loads nothing from elsewhere."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from palate.lab.ui.answers import Answer

LOCAL = ("127.0.0.1", "localhost", "::1")
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; media-src 'self'; style-src 'self' 'unsafe-inline'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
READING = ("GET", "HEAD")


class Gate:
    """ASGI middleware around the whole app.

    hosts: the names by which this server may be called, without port; None for any. A foreign site whose name was made
    to point here (DNS rebinding) comes with its own name and is refused. Whoever writes has to come from this server's
    own pages, or from a program (which sends no Origin).
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None = LOCAL) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on, or refuses it with 403; a route's own headers win over those of HEADERS."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def out(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        answer = Answer({"detail": refusal}, 403) if refusal else self.app
        await answer(scope, receive, out)

    def _refusal(self, method: str, headers: Headers) -> str:
        host, origin = headers.get("host", ""), headers.get("origin")
        name = urlsplit(f"//{host}").hostname or ""
        if self.hosts is not None and name not in self.hosts:
            return f"this server answers to {', '.join(self.hosts)} and was called {name[:80]!r}; start it with --host"
        if method not in READING and origin is not None and urlsplit(origin).netloc != host:
            return f"a page of {origin[:80]!r} may not write here; open the lab's own page"
        return ""
