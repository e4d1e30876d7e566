"""Group commit: what waits together is written together, and every post learns what became of its own events."""

import asyncio
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException

from palate.api.appender import MAX_WAITING_EVENTS, Appender, Written
from palate.api.metrics import Metrics
from palate.core.errors import BadInput, PalateError
from palate.core.listens import Listen
from palate.listening.log import ListeningLog


def listen(user: str, event_id: str | None = None) -> Listen:
    return Listen(user, "i", 1_600_000_000.0, event_id=event_id)  # type: ignore[arg-type]


class Counted(ListeningLog):
    """Counts its transactions, and fails when told to."""

    transactions = 0
    failure: BaseException | None = None

    def append(self, listens):
        self.transactions += 1
        if self.failure is not None:
            raise self.failure
        return super().append(listens)


@pytest.fixture
def log(tmp_path: Path):
    with Counted(tmp_path / "log.sqlite") as log:
        yield log


def written(log: ListeningLog, *posts: list[Listen]) -> list[Written | BaseException]:
    """What each post gets when all of them wait at the same time."""

    async def go() -> list[Written | BaseException]:
        appender = Appender(log, Metrics(), lambda end: None)
        waiting = [asyncio.create_task(appender.append(post)) for post in posts]
        await asyncio.sleep(0)
        running = asyncio.create_task(appender.run())
        results = await asyncio.gather(*waiting, return_exceptions=True)
        appender.stop()
        await running
        return results

    return asyncio.run(go())


def test_posts_that_wait_together_are_one_transaction(log):
    results = written(log, [listen("a"), listen("b")], [listen("c")], [listen("d"), listen("e")])
    assert results == [Written(2, 0, 2, [1, 2]), Written(1, 0, 3, [3]), Written(2, 0, 5, [4, 5])]
    assert log.transactions == 1


def test_a_repeat_in_the_same_group_is_a_duplicate_of_the_first(log):
    first, second = written(log, [listen("a", "e1")], [listen("a", "e1"), listen("b", "e2")])
    assert first == Written(1, 0, 1, [1])
    assert second == Written(1, 1, 2, [0, 2])


def test_a_post_of_duplicates_learns_where_the_log_holds_them_all(log):
    written(log, [listen("a")], [listen("b")])
    assert written(log, [listen("a")]) == [Written(0, 1, 2, [0])]


def test_a_bad_post_harms_only_itself(log):
    good, bad, last = written(log, [listen("a")], [listen("x" * 600)], [listen("c")])
    assert (good, last) == (Written(1, 0, 1, [1]), Written(1, 0, 2, [2]))
    assert isinstance(bad, BadInput)
    assert log.end_offset() == 2


@pytest.mark.parametrize("failure", [PalateError("the disk is full"), RuntimeError("a fault of ours")])
def test_a_failure_wakes_everybody_and_the_next_post_is_written(log, failure):
    log.failure = failure
    assert written(log, [listen("a")], [listen("b")]) == [failure, failure]
    log.failure = None
    assert written(log, [listen("a")]) == [Written(1, 0, 1, [1])]


def test_too_much_waiting_is_refused_for_now(log):
    half = [listen(str(number)) for number in range(MAX_WAITING_EVENTS // 2 + 1)]
    first, second = written(log, half, half)
    assert isinstance(first, Written)
    assert isinstance(second, HTTPException)
    assert (second.status_code, second.headers) == (503, {"Retry-After": "1"})


def test_a_client_that_has_gone_stops_nothing(log):
    async def go() -> Written:
        appender = Appender(log, Metrics(), lambda end: None)
        gone = asyncio.create_task(appender.append([listen("a")]))
        stays = asyncio.create_task(appender.append([listen("b")]))
        await asyncio.sleep(0)
        gone.cancel()
        running = asyncio.create_task(appender.run())
        result = await stays
        appender.stop()
        await running
        return result

    assert asyncio.run(go()) == Written(1, 0, 2, [2])


def test_what_waits_when_it_is_stopped_is_still_written(log):
    async def go() -> Written:
        appender = Appender(log, Metrics(), lambda end: None)
        post = asyncio.create_task(appender.append([listen("a")]))
        running = asyncio.create_task(appender.run())
        await asyncio.sleep(0)
        appender.stop()
        await running
        return await post

    assert asyncio.run(go()) == Written(1, 0, 1, [1])
