"""The app: what is opened when a process starts, which routes it has, what closes when it ends."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

import palate
from palate.api.answers import ERROR_HANDLERS
from palate.api.appender import Appender
from palate.api.follower import Follower
from palate.api.gate import Gate
from palate.api.metrics import Metrics
from palate.api.routes import (
    events,
    explaining,
    heads,
    items,
    onboarding,
    operations,
    pages,
    privacy,
    slates,
    surfaces,
    users,
)
from palate.api.serving import Serving
from palate.api.settings import ServerSettings
from palate.api.slates import open_slates
from palate.core.home import Home
from palate.core.settings import read_settings
from palate.listening.deleted import DeletedUsers
from palate.surfaces.rephrase import Rephraser, RephraseSettings

logger = logging.getLogger("palate.api")


def create_app(
    home: Home, wall: Callable[[], float] = time.time, settings: ServerSettings | None = None,
    opened: Callable[[], None] = lambda: None,
) -> FastAPI:  # fmt: skip
    """An ASGI app over one home. Files are opened when it starts, so making it touches nothing.

    wall: unix seconds now. opened: called when a version was opened and nobody reads the one before any more.
    An untrained home answers 503 until it is trained, and accepts events.
    """
    settings, metrics = settings or ServerSettings(), Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        serving = Serving(home, wall)
        follower = Follower(serving, metrics, opened)

        def on_written(end: int) -> None:
            serving.arrivals.note(end, time.monotonic())
            follower.wake()

        appender = Appender(serving.log, metrics, on_written)
        app.state.rephraser = Rephraser(
            read_settings(home.settings).section(RephraseSettings),
            lambda result: metrics.rephrased.labels(result).inc(),
        )
        kept = open_slates(serving.slate_log, DeletedUsers.of(home), serving.slate_settings, metrics, wall)
        app.state.serving, app.state.follower, app.state.appender = serving, follower, appender
        app.state.slates = kept
        tasks = [asyncio.create_task(follower.run()), asyncio.create_task(appender.run())]
        opened()
        logger.info("serving %s", home.root)
        yield
        appender.stop()
        follower.stop()
        await asyncio.gather(*tasks)
        app.state.rephraser.close()
        kept.close()
        serving.close()
        logger.info("stopped")

    app = FastAPI(
        title="Palate", version=palate.__version__, description="A taste engine for audio.", lifespan=lifespan,
        docs_url=None, redoc_url=None, redirect_slashes=False, exception_handlers=ERROR_HANDLERS,
    )  # fmt: skip
    app.state.settings, app.state.metrics = settings, metrics
    served = (events, onboarding, users, surfaces, slates, explaining, heads, privacy, items, operations)
    for router in (*(one.router for one in served), pages.docs):
        app.include_router(router)
    if settings.page:
        app.include_router(pages.page)
    app.add_middleware(Gate, metrics=metrics, log_requests=settings.log_requests)
    return app
