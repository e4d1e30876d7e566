"""What the home holds of one listener: all of it, or none of it any more."""

import asyncio
import time

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from palate.api.answers import Answer, Opened, UserId
from palate.core.home import Home
from palate.listening.deleted import DeletedUsers
from palate.privacy.asked import ask
from palate.privacy.delete import Deleted, outcome
from palate.privacy.export import export as exported

SERVER_SECONDS = 10.0  # for how long a request waits for the deletion, which is in force from the start
POLL_SECONDS = 0.02

router = APIRouter(prefix="/v1/users", tags=["privacy"])


@router.get("/{user_id}/export")
def export(serving: Opened, user_id: UserId) -> Answer:
    """Everything that the home holds of the listener; empty lists for one who is not known."""
    return Answer(exported(serving.home, user_id, serving.store))


@router.delete("/{user_id}")
async def delete(request: Request, serving: Opened, user_id: UserId) -> Answer:
    """Deletes the listener everywhere; 200 when it is done, 202 when it is in force and will be finished."""
    asked = await run_in_threadpool(_ask, serving.home, user_id)
    serving.forget_deleted()
    request.app.state.follower.wake()
    end = time.monotonic() + SERVER_SECONDS
    while not asked.done and time.monotonic() < end:
        await asyncio.sleep(POLL_SECONDS)
        asked = await run_in_threadpool(outcome, serving.home, user_id)
    told = {"user_id": user_id, "done": asked.done, "removed": asked.found}
    return Answer(told, 200 if asked.done else 202)


def _ask(home: Home, user_id: str) -> Deleted:
    """Nothing of who is gone already was taken in since, so a second request is answered at once."""
    if not (DeletedUsers.of(home).standing(user_id).deleted and outcome(home, user_id).done):
        ask(home, [user_id])
    return outcome(home, user_id)
