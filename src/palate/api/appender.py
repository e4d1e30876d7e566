"""Group commit: posts that wait together are written in one transaction, and each is woken once it is on disk.

One commit costs a sync of the disk, about 2 ms, whatever it holds. While one is under way the next posts gather, so
throughput grows with load and an idle server adds no wait.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from starlette.exceptions import HTTPException

from palate.api.metrics import Metrics
from palate.core.errors import PalateError
from palate.core.listens import Listen, in_columns
from palate.listening.backlog import Appended, EventLog

MAX_WAITING_EVENTS = 50_000  # about a second of writing; beyond that the client is asked to come again


@dataclass(frozen=True)
class Written:
    """What became of one post.

    offset   where the log holds all of it
    offsets  one for each event, 0 for a duplicate, -1 for one left out
    left_out events of deleted users
    """

    accepted: int
    duplicates: int
    offset: int
    offsets: list[int]
    left_out: int = 0


@dataclass(frozen=True)
class _Post:
    listens: Sequence[Listen]
    written: "asyncio.Future[Written]"


class Appender:
    """Collects posts and appends them to the log from one thread. `append` and `run` belong to the event loop.

    on_written  is told after every commit up to which offset the log is known to reach
    """

    def __init__(self, log: EventLog, metrics: Metrics, on_written: Callable[[int], None]) -> None:
        self._log, self._metrics, self._on_written = log, metrics, on_written
        self._waiting: list[_Post] = []
        self._waiting_events = 0
        self._wake, self._stopping = asyncio.Event(), False
        self._thread = ThreadPoolExecutor(1, "append")

    async def append(self, listens: Sequence[Listen]) -> Written:
        """Returns once the listens are on disk; raises what the log raises, and 503 when too many are waiting."""
        if self._waiting_events + len(listens) > MAX_WAITING_EVENTS:
            raise HTTPException(503, "too many events are waiting to be written; try again", {"Retry-After": "1"})
        post = _Post(listens, asyncio.get_running_loop().create_future())
        self._waiting.append(post)
        self._waiting_events += len(listens)
        self._wake.set()
        return await post.written

    async def run(self) -> None:
        """Writes until `stop`; what has been handed over by then is still written."""
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._write_waiting()
        self._thread.shutdown(wait=False)

    def stop(self) -> None:
        """Ends `run` once nothing waits."""
        self._stopping = True
        self._wake.set()

    async def _write_waiting(self) -> None:
        posts, self._waiting, self._waiting_events = self._waiting, [], 0
        writing = asyncio.get_running_loop().run_in_executor(self._thread, self._write, posts)
        await asyncio.wait({writing})
        error = writing.exception()  # a fault of ours must wake the posts too
        results = writing.result() if error is None else [error] * len(posts)
        for post, result in zip(posts, results, strict=True):
            if post.written.done():  # the client has gone; its events are written all the same
                continue
            if isinstance(result, Written):
                post.written.set_result(result)
            else:
                post.written.set_exception(result)
        self._on_written(max((one.offset for one in results if isinstance(one, Written)), default=0))

    def _write(self, posts: list[_Post]) -> Sequence[Written | BaseException]:
        """All in one transaction; if that is refused, one by one, so that a bad post harms only itself."""
        try:
            return self._append(posts)
        except PalateError as error:
            return [error] if len(posts) == 1 else [self._write([post])[0] for post in posts]

    def _append(self, posts: list[_Post]) -> list[Written]:
        start = time.perf_counter()
        appended = self._log.append(in_columns([listen for post in posts for listen in post.listens]))
        self._metrics.append_seconds.observe(time.perf_counter() - start)
        self._metrics.events.labels("accepted").inc(appended.accepted)
        self._metrics.events.labels("duplicate").inc(appended.duplicates)
        self._metrics.events.labels("left_out").inc(appended.left_out)
        return _shares(posts, appended)


def _shares(posts: list[_Post], appended: Appended) -> list[Written]:
    """Each post's part of what was appended."""
    shares, start = [], 0
    for post in posts:
        offsets = appended.offsets[start : start + len(post.listens)]
        start += len(post.listens)
        accepted, left_out = int((offsets > 0).sum()), int((offsets < 0).sum())
        # What was a duplicate stands somewhere before the log's end.
        offset = int(offsets.max()) if accepted == len(offsets) else appended.last_offset
        duplicates = len(offsets) - accepted - left_out
        shares.append(Written(accepted, duplicates, offset, offsets.tolist(), left_out))
    return shares
