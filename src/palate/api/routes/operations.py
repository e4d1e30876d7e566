"""For those who run the server: what it serves, whether it is well, its numbers."""

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from palate.api.answers import Answer, Opened
from palate.api.status import home_mark
from palate.surfaces.registry import surfaces

MAX_BEHIND_SECONDS = 60.0

router = APIRouter(tags=["operations"])


@router.get("/v1/home")
async def home(serving: Opened) -> Answer:
    """What is served: the live space, when it was made, whether its listeners are simulated, how far the log is.

    `served` are the versions that GET /v1/users/{id}/taste may be asked for.
    """
    live = serving.live
    manifest, label, end = live.space.manifest, live.space.label, serving.log.end_offset()
    return Answer({
        "space": label, "created": manifest["created"],
        "age_seconds": max(serving.wall() - float(manifest["created"]), 0.0),
        "simulated": bool(manifest.get("simulated")), "items": live.path.stock.n_items,
        "listeners": live.store.count(label), "surfaces": list(surfaces()),
        "log_offset": end, "folded_offset": end - serving.log.lacking(live.store.standing(label).offsets),
        "served": list(serving.versions),
    })  # fmt: skip


@router.get("/health/live")
async def alive() -> Answer:
    """The process answers."""
    return Answer({"status": "live"})


@router.get("/health/ready")
async def ready(request: Request, serving: Opened) -> Answer:
    """A space is live and new listens reach the tastes; 503 with the reason otherwise."""
    space = serving.live.space.label
    listens, seconds = request.app.state.follower.behind()
    behind = {"space": space, "behind_listens": listens, "behind_seconds": round(seconds, 3)}
    if seconds < MAX_BEHIND_SECONDS:
        return Answer({"status": "ready"} | behind)
    reason = f"{listens:,} listens wait to be folded, the oldest for {seconds:.0f} s; see the server's log"
    return Answer({"detail": reason, "status": "behind"} | behind, 503)


@router.get("/metrics")
async def metrics(request: Request, serving: Opened) -> Response:
    """Prometheus metrics of this process."""
    shown = request.app.state.metrics
    shown.folded_rate.set(shown.rate.per_second())
    shown.home_info.labels(home_mark(serving.home)).set(1)
    if serving.trained:
        listens, seconds = request.app.state.follower.behind()
        shown.lag_listens.set(listens)
        shown.lag_seconds.set(seconds)
        shown.space_lag.clear()
        for label, lag in request.app.state.follower.lags().items():
            shown.space_lag.labels(label).set(lag)
        shown.dead_letters.set(request.app.state.follower.dead_letters())
        shown.space_info.clear()
        shown.space_info.labels(serving.live.space.label).set(1)
        shown.space_created.set(serving.live.space.manifest["created"])
    return Response(generate_latest(shown.registry), media_type=CONTENT_TYPE_LATEST)
