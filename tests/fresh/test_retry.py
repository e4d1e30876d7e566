"""What was poisoned is in its records once the cause is mended and it tried again: once, whatever had been folded."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.listens import in_columns
from palate.core.partitions import PARTITIONS, partition_of
from palate.embeddings.states import UserState
from palate.fresh.dead import DeadLetters
from palate.fresh.fold import Folder
from palate.fresh.lock import Rounds
from palate.fresh.retry import Retried, Retry, owners_of
from palate.store.records import OnlineStore

from .test_fold import ITEMS, VECTORS, House, listens, play, same

POISONED = VECTORS.copy()
POISONED[7] = np.nan


class Sick(House):
    """A house whose item i7 has a vector that is not finite, until it is mended."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.dead, self.rounds = DeadLetters(path / "dead.sqlite"), Rounds(path / "fold")

    def fold(self, vectors: np.ndarray = POISONED, **options) -> None:
        replace(self.folder_over(self.store, vectors=vectors), dead=self.dead).catch_up(**options)

    def retry(self, vectors: np.ndarray = VECTORS) -> Retried:
        return Retry(self.folder_over(self.store, vectors=vectors), self.dead, self.rounds).run()

    def check(self) -> None:
        """The records are those of the whole log."""
        stored, whole = self.states(), self.records()
        assert stored.keys() == whole.keys()
        for user, record in whole.items():
            same(stored[user].record, record)

    def close(self) -> None:
        super().close()
        self.dead.close()


@pytest.fixture
def sick(tmp_path):
    house = Sick(tmp_path)
    yield house
    house.close()


def test_a_mended_vector_brings_back_every_listen_once(sick):
    sick.log.append(in_columns([play("u", "i1", 1), play("v", "i2", 1)]))
    sick.fold()
    sick.log.append(in_columns([play("u", "i7", 2), play("u", "i3", 3), play("v", "i3", 3)]))
    sick.fold()
    sick.log.append(in_columns([play("u", "i4", 4)]))
    sick.fold()
    assert [one.offset for one in sick.dead.all()] == [3, 4]
    assert sick.states()["u"].record.items.tolist() == [1, 4]
    assert sick.retry() == Retried(mended=2, failed=0, gone=0)
    assert sick.dead.all() == []
    assert sick.states()["u"].record.items.tolist() == [1, 3, 4, 7]
    sick.check()
    assert sick.retry() == Retried(0, 0, 0)
    sick.check()


def test_what_fails_again_stays_with_the_new_reason_and_time(sick):
    sick.log.append(in_columns([play("u", "i7", 2)]))
    sick.dead.add("taste@1", partition_of("u"), [1], "an older reason")
    sick.fold()
    (before,) = sick.dead.all()
    assert before.reason == "an older reason"
    assert sick.retry(POISONED) == Retried(mended=0, failed=1, gone=0)
    (after,) = sick.dead.all()
    assert (after.offset, after.reason) == (1, "ValueError: the taste is not a finite vector")
    assert after.at > before.at
    assert sick.states() == {}


def test_a_stored_record_that_is_none_is_made_anew(sick):
    sick.log.append(in_columns([play("u", "i1", 1)]))
    sick.fold()
    sick.store.put_many("taste@1", {"u": b"no state at all"}, 1)
    sick.log.append(in_columns([play("u", "i2", 2)]))
    sick.fold()
    assert [one.reason.partition(":")[0] for one in sick.dead.all()] == ["Corrupt"]
    assert sick.retry() == Retried(mended=1, failed=0, gone=0)
    sick.check()


def test_a_letter_of_a_deleted_listener_and_of_a_listen_that_was_folded_after_all(sick):
    sick.log.append(in_columns([play("u", "i7", 1), play("v", "i1", 1)]))
    sick.fold()
    sick.dead.add("taste@1", partition_of("v"), [2], "the worker was killed before its commit, and the next one could")
    sick.log.erase(["u"])
    sick.store.delete("u")
    assert sick.retry() == Retried(mended=1, failed=0, gone=1)
    assert sick.dead.all() == []
    assert sick.states().keys() == {"v"}
    sick.check()


def test_a_letter_of_another_version_is_left_alone(sick):
    sick.dead.add("taste@2", 3, [1], "another's")
    assert sick.retry() == Retried(0, 0, 0)
    assert [one.space for one in sick.dead.all()] == ["taste@2"]


def test_owners_are_found_by_partition_and_offset(sick):
    users = [f"user-{number}" for number in range(50)]
    sick.log.append(in_columns([play(user, ITEMS[0], 1) for user in users]))
    for offset, user in enumerate(users, 1):
        sick.dead.add("taste@1", partition_of(user), [offset], "any")
    sick.dead.add("taste@1", (partition_of(users[0]) + 1) % PARTITIONS, [1], "no listen of this partition is there")
    sick.dead.add("taste@1", 0, [999], "beyond the log's end")
    found = owners_of(sick.dead.all(), sick.log)
    assert {letter.offset: user for letter, user in found.items()} == dict(enumerate(users, 1))


class Meddled(OnlineStore):
    """Does something else just before the first commit, as another process may."""

    def __init__(self, path, meddle):
        super().__init__(path)
        self.meddle = meddle

    def commit(self, space, epoch, parts):
        meddle, self.meddle = self.meddle, lambda: None
        meddle()
        return super().commit(space, epoch, parts)


def meddled(sick: Sick, path: Path, meddle) -> Retried:
    sick.log.append(in_columns([play("u", "i7", 1), play("u", "i1", 2), play("v", "i2", 3)]))
    sick.fold()
    sick.store.close()
    sick.store = Meddled(path / "records", lambda: meddle(sick))
    return sick.retry()


def test_a_listener_deleted_meanwhile_does_not_come_back(sick, tmp_path):
    def delete(house: Sick) -> None:
        house.log.erase(["u"])
        house.store.delete("u")

    meddled(sick, tmp_path, delete)
    assert sick.states().keys() == {"v"}
    sick.check()


def test_records_loaded_meanwhile_are_not_written_over_with_others(sick, tmp_path):
    def train(house: Sick) -> None:
        states = [("v", house.store.get("taste@1", "v"))]
        house.store.replace("taste@1", states, 0)  # says that it lacks everything: who follows reads all again

    assert meddled(sick, tmp_path, train).mended == 2
    sick.store.drop("taste@1")
    sick.fold(VECTORS)
    sick.check()


def test_nobody_folds_while_a_new_record_is_written(sick, tmp_path):
    """A worker that read the old record could write it back: the offset has not moved."""
    seen = []

    def look(house: Sick) -> None:
        import fcntl

        with (tmp_path / "fold" / "round.lock").open("w") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        seen.append(True)

    meddled(sick, tmp_path, look)
    assert seen == [True]
    sick.check()


class Late(House):
    """Folds more while the whole log is read."""

    def __init__(self, sick: Sick) -> None:
        self.sick = sick

    def listens_of(self, user):
        yield from self.sick.log.listens_of(user)
        self.sick.log.append(in_columns([play(user, "i5", 9), play("w", "i5", 9)]))
        self.sick.fold(VECTORS)

    def unread(self, after, most):
        return self.sick.log.unread(after, most)


def test_what_is_folded_while_the_log_is_read_is_in_the_record_too(sick):
    sick.log.append(in_columns([play("u", "i7", 1)]))
    sick.fold()
    late = replace(sick.folder_over(sick.store), log=Late(sick))  # type: ignore[arg-type]
    retry = Retry(late, sick.dead, sick.rounds)
    assert retry.run() == Retried(mended=1, failed=0, gone=0)
    assert sick.states()["u"].record.items.tolist() == [5, 7]
    sick.check()


@settings(max_examples=25, deadline=None)
@given(
    everything=st.lists(listens, max_size=25), cut=st.integers(0, 25),
    turns=st.lists(st.tuples(st.sampled_from(["fold", "mended", "retry", "in vain"]), st.integers(1, 9)), max_size=8),
)  # fmt: skip
def test_whatever_is_folded_and_retried_when_all_listens_are_in_once(tmp_path_factory, everything, cut, turns):
    sick = Sick(tmp_path_factory.mktemp("house"))
    sick.log.append(in_columns(everything[:cut]))
    for turn, most in turns:
        if turn in ("fold", "mended"):
            sick.fold(POISONED if turn == "fold" else VECTORS, most=most)
        else:
            sick.retry(VECTORS if turn == "retry" else POISONED)
    sick.log.append(in_columns(everything[cut:]))
    sick.fold()
    told = sick.retry()
    assert (told.failed, sick.dead.count()) == (0, 0)
    sick.check()
    sick.close()


def test_a_state_is_made_of_what_is_given_and_not_of_what_is_stored(sick):
    folder: Folder = sick.folder
    sick.log.append(in_columns([play("u", "i1", 1)]))
    sick.fold(VECTORS)
    state = folder.added(None, sick.log.listens_of("u"))
    assert state == sick.store.get("taste@1", "u")
    twice = folder.added(state, sick.log.listens_of("u"))
    assert twice is not None
    assert UserState.unpack(twice).record.plays.tolist() == [2]
    assert folder.added(None, []) is None
