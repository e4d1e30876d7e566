"""Reasons in other words, where [rephrase] names a language model."""

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from palate.core.slate import Slate
from palate.surfaces.live import LiveHome
from palate.surfaces.rephrase import Rephraser


async def rephrased(request: Request, live: LiveHome, slate: Slate, patient: bool) -> Slate:
    """The slate as it is, or with the rewordings that are known; `patient` waits for those that are not.

    Waiting is done in a thread; a slate without [rephrase] costs a look at a setting.
    """
    rephraser: Rephraser = request.app.state.rephraser
    if not rephraser.on:
        return slate

    def names(item_id: str) -> list[str]:
        row = live.items.row(item_id)
        item = None if row is None else live.items.get(row)
        return [] if item is None else [item.label, *([item.title] if item.title else []), *item.artists, item_id]

    if patient:
        return await run_in_threadpool(rephraser.reworded, slate, names, True)
    return rephraser.reworded(slate, names)
