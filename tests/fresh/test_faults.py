"""Real processes are killed, starved of room and poisoned: nothing accepted is lost, nothing counts twice.

The same code as benchmarks/faults.py, which strikes more often.
"""

from random import Random

import pytest

import faults
from hurting import counting
from hurting.stage import Embedded, Stage
from palate.embeddings.records import UserRecord
from palate.jobs.online import catch_up
from palate.listening.log import ListeningLog
from palate.store.records import OnlineStore


@pytest.fixture
def stage(own):
    stage = Stage(own, Embedded(), Random(5))
    yield stage
    stage.over()


def logged(stage: Stage, n: int = 50) -> counting.Ledger:
    """Some events that are accepted, and folded."""
    kept = counting.ledger(stage)
    events = kept.some(n)
    with ListeningLog(stage.home.log) as log:
        log.append(counting.columns(events))
    kept.took(events)
    catch_up(stage.home)
    return kept


def verdict(stage: Stage, kept: counting.Ledger) -> counting.Verdict:
    return counting.check(stage.home, stage.engine, kept.accepted)


def test_the_check_finds_nothing_where_nothing_is_wrong(stage):
    assert verdict(stage, logged(stage)) == counting.Verdict(accepted=50, lost=0, twice=0, unlike=0)


def test_the_check_finds_what_is_in_no_log(stage):
    kept = logged(stage)
    kept.took(kept.some(3))
    assert verdict(stage, kept) == counting.Verdict(accepted=53, lost=3, twice=0, unlike=0)


def test_the_check_finds_what_was_logged_twice(stage):
    kept = logged(stage)
    with ListeningLog(stage.home.log) as log:
        event = in_the_log(log, kept)[0]
        log.append(counting.columns([event | {"id": "the same under another name"}]))
    catch_up(stage.home)
    assert verdict(stage, kept) == counting.Verdict(accepted=50, lost=0, twice=1, unlike=0)


def in_the_log(log: ListeningLog, kept: counting.Ledger) -> list[dict]:
    """The accepted events as they are in the log."""
    return [
        {"user_id": user, "item_id": item, "timestamp": moment}
        for batch in log.replay(0)
        for user, item, moment in zip(batch.user_id, batch.item_id, batch.timestamp.tolist(), strict=True)
        if moment in kept.accepted
    ]


def test_the_check_finds_what_was_folded_twice(stage):
    kept = logged(stage)
    with OnlineStore(stage.home.online / "records") as store:
        end = store.offset("taste@1")
        store.put_many("taste@1", {}, end - 20)
    catch_up(stage.home)
    found = verdict(stage, kept)
    assert (found.lost, found.twice, found.unlike > 0) == (0, 20, True)


def test_the_check_finds_what_was_not_folded(stage):
    kept = logged(stage)
    kept.took(more := kept.some(7))
    with ListeningLog(stage.home.log) as log:
        end = log.append(counting.columns(more)).last_offset
    with OnlineStore(stage.home.online / "records") as store:
        store.put_many("taste@1", {}, end)
    assert (verdict(stage, kept).lost, verdict(stage, kept).twice) == (7, 0)


def test_two_records_are_alike_up_to_rounding():
    one, other = UserRecord.empty(4), UserRecord.empty(4)
    assert counting.alike(one, other)
    one.sums[0, 0, 0] = 1e-6
    assert counting.alike(one, other)
    one.sums[0, 0, 0] = 0.5
    assert not counting.alike(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(faults.FAULTS))
def test_nothing_accepted_is_lost_and_nothing_counts_twice(own, name):
    found = faults.struck(name, faults.FAULTS[name], own, Embedded(), times=1 if name == "api-killed" else 2, seed=1)
    if not found.times:
        pytest.skip(found.note)
    assert (found.lost, found.twice, found.unlike) == (0, 0, 0)
    assert found.accepted > 0
    assert "not all say why" not in found.note
